//! Runs a program of a lab and kills it, or fails a call of it, at the n-th system call.
//!
//! Calls of every traced process are counted together: the program and what it forks, until one of
//! those executes another program, which is released and runs on by itself. No traced process
//! outlives the thread that traces it. Linux on `x86_64` only.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal as Number;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::process::Signal;

use crate::wait::PATIENCE;
use crate::{Lab, Process};

/// What happens at a call.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which call, from 1.
    pub call: usize,
    /// The error that the call answers; nothing is SIGKILL to the caller.
    pub error: Option<i32>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Trace {
    /// Numbers of the calls, in their order.
    pub calls: Vec<u64>,
    /// The fault was made; not so at a call that could not fail like this.
    pub injected: bool,
    /// Exit code of the program; nothing if a signal ended it.
    pub code: Option<i32>,
    /// The program did not end in time and was killed.
    pub hung: bool,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs the command under test with these arguments to its end, and that of its forks.
#[must_use]
pub fn trace(lab: &Lab, arguments: &[String], fault: Option<Fault>) -> Trace {
    // The shell waits until it is traced, so that the first call after its exec is the first call
    // of the program.
    let mut command = lab.program("sh");
    command
        .args(["-c", r#"read -r _; exec "$@" </dev/null"#, "sh"])
        .arg(lab.taskwatcher())
        .args(arguments)
        .stdin(Stdio::piped());
    let (out, err) = (lab.path("traced-stdout"), lab.path("traced-stderr"));
    let file = |path| std::fs::File::create(path).expect("a file for output");
    command.stdout(file(&out)).stderr(file(&err));
    let subject = std::fs::canonicalize(lab.taskwatcher()).expect("the command under test");
    let mut trace = std::thread::scope(|threads| {
        let run = threads.spawn(|| follow(command, &subject, fault));
        run.join().expect("the tracer")
    });
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).expect("output")).into_owned();
    (trace.stdout, trace.stderr) = (read(&out), read(&err));
    trace
}

#[expect(
    clippy::zombie_processes,
    reason = "the tracer's own loop waits for it"
)]
fn follow(mut command: Command, subject: &Path, fault: Option<Fault>) -> Trace {
    let mut child = command.spawn().expect("a shell");
    let root = Pid::from_raw(i32::try_from(child.id()).expect("a process number"));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(root, options).expect("a traced child");
    let alive = Arc::new(Mutex::new(HashSet::from([root.as_raw()])));
    let (done, end) = mpsc::channel::<()>();
    let watched = Arc::clone(&alive);
    let guard = std::thread::spawn(move || {
        let late = matches!(
            end.recv_timeout(PATIENCE),
            Err(mpsc::RecvTimeoutError::Timeout)
        );
        if late {
            for pid in watched
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
            {
                if let Some(process) = Process::open(*pid) {
                    process.signal(Signal::KILL);
                }
            }
        }
        late
    });
    writeln!(child.stdin.take().expect("a pipe"), "go").expect("the shell waits");
    let mut trace = Trace::default();
    let mut pending: HashMap<Pid, i32> = HashMap::new();
    let mut begun = false;
    // Only what this thread traces: other tests wait for children of their own.
    let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    loop {
        let status = match waitpid(None, Some(flags)) {
            Ok(status) => status,
            Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => break,
            Err(error) => panic!("cannot wait for what is traced: {error}"),
        };
        let Some(pid) = status.pid() else { continue };
        let mut seen = alive.lock().unwrap_or_else(PoisonError::into_inner);
        match status {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                seen.remove(&pid.as_raw());
                if let (true, WaitStatus::Exited(_, code)) = (pid == root, status) {
                    trace.code = Some(code);
                }
                continue;
            }
            _ => seen.insert(pid.as_raw()),
        };
        drop(seen);
        // A process that was killed meanwhile answers no request: its end is the next event.
        let _ = match status {
            WaitStatus::PtraceEvent(_, _, event) if event == nix::libc::PTRACE_EVENT_EXEC => {
                // The shell's own exec may be reported too: a spawned process goes on before that.
                let program = std::fs::read_link(format!("/proc/{pid}/exe"));
                if program.is_ok_and(|it| it == *subject) {
                    begun = true;
                    ptrace::syscall(pid, None)
                } else if begun {
                    alive
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&pid.as_raw());
                    ptrace::detach(pid, None)
                } else {
                    ptrace::cont(pid, None)
                }
            }
            WaitStatus::PtraceSyscall(_) => {
                at_call(pid, fault, &mut trace, &mut pending);
                ptrace::syscall(pid, None)
            }
            WaitStatus::Stopped(_, signal) if signal != Number::SIGTRAP => {
                step(begun, pid, Some(signal))
            }
            _ => step(begun, pid, None),
        };
    }
    drop(done);
    trace.hung = guard.join().expect("the guard");
    trace
}

fn step(begun: bool, pid: Pid, signal: Option<Number>) -> nix::Result<()> {
    if begun {
        ptrace::syscall(pid, signal)
    } else {
        ptrace::cont(pid, signal)
    }
}

/// Whether the kernel could answer this call so. Other calls are left alone.
#[must_use]
pub fn is_plausible(call: u64, error: i32) -> bool {
    use nix::libc as c;
    let Ok(call) = i64::try_from(call) else {
        return false;
    };
    let input = [c::SYS_read, c::SYS_pread64, c::SYS_getdents64];
    let output = [c::SYS_write, c::SYS_pwrite64, c::SYS_fallocate];
    let names = [
        c::SYS_openat,
        c::SYS_open,
        c::SYS_mkdir,
        c::SYS_rename,
        c::SYS_unlink,
    ];
    let sync = [c::SYS_fsync, c::SYS_fdatasync, c::SYS_ftruncate];
    let memory = [
        c::SYS_mmap,
        c::SYS_mprotect,
        c::SYS_mremap,
        c::SYS_clone,
        c::SYS_clone3,
        c::SYS_fork,
        c::SYS_execve,
        c::SYS_poll,
        c::SYS_ppoll,
    ];
    let descriptors = [
        c::SYS_openat,
        c::SYS_open,
        c::SYS_pipe2,
        c::SYS_pidfd_open,
        c::SYS_inotify_init1,
        c::SYS_signalfd4,
        c::SYS_socket,
        c::SYS_dup,
    ];
    let waits = [
        c::SYS_poll,
        c::SYS_ppoll,
        c::SYS_wait4,
        c::SYS_waitid,
        c::SYS_connect,
    ];
    match error {
        c::EIO => [&input[..], &output, &names, &sync]
            .concat()
            .contains(&call),
        c::ENOSPC => output.contains(&call) || names[..4].contains(&call),
        c::ENOMEM => memory.contains(&call) || names.contains(&call),
        c::EMFILE => descriptors.contains(&call),
        c::EINTR => [&input[..2], &output, &names[..2], &waits]
            .concat()
            .contains(&call),
        _ => false,
    }
}

fn at_call(pid: Pid, fault: Option<Fault>, trace: &mut Trace, pending: &mut HashMap<Pid, i32>) {
    let Ok(mut registers) = ptrace::getregs(pid) else {
        return;
    };
    if let Some(error) = pending.remove(&pid) {
        registers.rax = i64::from(-error).cast_unsigned();
        let _ = ptrace::setregs(pid, registers);
    } else if registers.rax == i64::from(-nix::libc::ENOSYS).cast_unsigned() {
        // The kernel shows this value at the entry of every call.
        trace.calls.push(registers.orig_rax);
        match fault.filter(|it| it.call == trace.calls.len()) {
            Some(Fault {
                error: Some(error), ..
            }) if is_plausible(registers.orig_rax, error) => {
                trace.injected = true;
                registers.orig_rax = u64::MAX;
                pending.insert(pid, error);
                let _ = ptrace::setregs(pid, registers);
            }
            Some(Fault { error: None, .. }) => {
                trace.injected = true;
                if let Some(process) = Process::open(pid.as_raw()) {
                    process.signal(Signal::KILL);
                }
            }
            _ => {}
        }
    }
}
