//! Corners of the machine for one test: a mount namespace, a pid namespace, a process that the
//! kernel refuses pidfds.
//!
//! Nothing of it can outlive the test: a mount goes with the last process of its namespace, and
//! every process of a pid namespace with its first one. Where the machine does not allow it, the
//! answer is the reason, so that a test can say why it was skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// Runs a test where mounts are its own. The reason is given back if this machine does not allow
/// that.
///
/// The namespace belongs to a thread of its own, and to every process that it starts.
///
/// # Errors
/// Why there is no such namespace.
pub fn with_own_mounts(test: impl FnOnce() + Send) -> Result<(), String> {
    std::thread::scope(|threads| {
        let done = threads.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNS)
                .and_then(|()| {
                    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
                    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
                })
                .map_err(|error| format!("no mount namespace of its own: {error}"))?;
            test();
            Ok(())
        });
        match done.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A mounted file system; dropping it unmounts it, so that the folder can be removed.
pub struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // What is still open in it stays so until it is closed. A failure leaves an empty folder.
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Mounts an empty file system of this many KiB in memory; in a namespace of its own only.
#[must_use]
pub fn mount_memory(folder: &Path, kibibytes: u64) -> Mounted {
    fs::create_dir_all(folder).expect("a folder to mount on");
    let size = format!("size={kibibytes}k,mode=0700");
    mount(
        Some("tmpfs"),
        folder,
        Some("tmpfs"),
        MsFlags::empty(),
        Some(size.as_str()),
    )
    .expect("a file system in memory");
    Mounted(folder.to_owned())
}

/// Makes a mounted file system read-only, or writable again.
pub fn set_read_only(folder: &Path, read_only: bool) {
    let mut flags = MsFlags::MS_REMOUNT;
    flags.set(MsFlags::MS_RDONLY, read_only);
    mount(None::<&str>, folder, None::<&str>, flags, None::<&str>).expect("a remount");
}

/// Takes all the room that is left in a folder's file system; removing the file gives it back.
pub fn fill(file: &Path) {
    use std::io::Write;
    let mut filler = fs::File::create(file).expect("a file");
    let mut size = 1 << 16;
    while size > 0 {
        if filler.write_all(&vec![b'x'; size]).is_err() {
            size /= 2;
        }
    }
}

/// Set in the half of a test that runs in a pid namespace of its own.
const INSIDE: &str = "TESTS_INSIDE";

/// Runs the named test of this program once more, as the first process of a pid namespace of its
/// own. True in there: the caller goes on with the test; false outside: it is done and has passed.
///
/// # Errors
/// Why there is no such namespace.
///
/// # Panics
/// If the test failed in there.
pub fn in_own_processes(test: &str) -> Result<bool, String> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let probe = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", "echo 100 >/proc/sys/kernel/ns_last_pid"])
        .output();
    match probe {
        Err(error) => return Err(format!("no 'unshare': {error}")),
        Ok(output) if !output.status.success() => {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(format!("no pid namespace of its own: {}", why.trim()));
        }
        Ok(_) => {}
    }
    let program = std::env::current_exe().expect("this program");
    let output = Command::new("unshare")
        .args(namespace)
        .arg(program)
        .args(["--exact", test, "--nocapture", "--test-threads=2"])
        .env(INSIDE, "1")
        .output()
        .expect("'unshare' as before");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(false)
}

/// Has the kernel give this number to the next process of the namespace.
pub fn next_process_is(pid: i32) {
    fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).expect("the last number");
}

/// A program line that runs the rest of the line where `pidfd_open` and `pidfd_send_signal` fail
/// like this: `ENOSYS` as before Linux 5.3, `EPERM` as under a strict container.
#[must_use]
pub fn without_pidfds(error: nix::errno::Errno) -> Vec<String> {
    // seccomp is reached by raw memory only, which this crate does without.
    let script = r#"
import ctypes, os, struct, sys
def step(code, yes, no, value):
    return struct.pack("HBBI", code, yes, no, value)
calls, error = (424, 434), int(sys.argv[1])
steps = [step(0x20, 0, 0, 0)]                       # load the number of the call
for place, call in enumerate(calls):
    steps.append(step(0x15, len(calls) - place, 0, call))   # equal: to the refusal
steps.append(step(0x06, 0, 0, 0x7FFF0000))          # allow
steps.append(step(0x06, 0, 0, 0x00050000 | error))  # refuse
code = ctypes.create_string_buffer(b"".join(steps))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
assert libc.prctl(38, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
assert libc.prctl(22, 2, ctypes.addressof(program), 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[2], sys.argv[2:])
"#;
    let number = (error as i32).to_string();
    ["python3", "-c", script, &number]
        .iter()
        .map(|&word| word.to_owned())
        .collect()
}
