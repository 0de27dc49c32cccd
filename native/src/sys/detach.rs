//! Leaving the caller: a launcher in the background that holds nothing of the process it came from.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};

/// The two processes after [`to_background`].
#[derive(Debug)]
pub enum Side {
    /// The process that was called; it reads here what the other one has to say.
    Caller(File),
    /// The new process in a session of its own; it writes there.
    Background(File),
}

/// Forks a process into a new session, without any of the caller's descriptors: standard input and
/// output are /dev/null. Call it before anything is opened.
#[allow(unsafe_code)]
pub fn to_background() -> io::Result<Side> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: this process has one thread, so that the child may do what its parent could.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            drop(writer);
            Ok(Side::Caller(File::from(reader)))
        }
        ForkResult::Child => {
            drop(reader);
            setsid()?;
            let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
            dup2_stdin(&null)?;
            dup2_stdout(&null)?;
            dup2_stderr(&null)?;
            drop(null);
            close_all_but(writer.as_raw_fd())?;
            Ok(Side::Background(File::from(writer)))
        }
    }
}

/// Closes every descriptor above standard error except one.
#[allow(unsafe_code)]
fn close_all_but(kept: RawFd) -> io::Result<()> {
    let last = RawFd::MAX;
    for (first, last) in [(3, kept - 1), (kept + 1, last)] {
        if first > last {
            continue;
        }
        // SAFETY: this process owns no descriptor above standard error but the kept one, which is
        // left out; what else is open came from the process that started it.
        let closed = Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) });
        if closed.is_err() {
            close_listed(first, last)?;
        }
    }
    Ok(())
}

/// The same for kernels without `close_range` (before 5.9).
#[allow(unsafe_code)]
fn close_listed(first: RawFd, last: RawFd) -> io::Result<()> {
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| (first..=last).contains(fd))
        .collect();
    for fd in open {
        // SAFETY: as above; the descriptor of the listing itself is closed already, which is no
        // more than an error here.
        unsafe { libc::close(fd) };
    }
    Ok(())
}
