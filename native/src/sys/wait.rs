//! Children: has one ended, was one stopped, and what is known of one that is reaped.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use taskwatcher_core::outcome::Exit;

use super::signal::Signal;

/// What is known of a process that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    /// How it ended.
    pub exit: Exit,
    /// What it used; only a parent is told.
    pub usage: Option<Usage>,
}

/// What a process used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time in user mode, with the children it waited for.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Largest resident set of one process, KiB.
    pub maxrss_kb: i64,
}

/// A change of state of one child that was not consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has ended like this and is a zombie that keeps its ids until [`reap`].
    Ended(Exit),
    /// A signal stopped it.
    Stopped(Signal),
    /// Nothing new.
    None,
}

/// What became of this child, leaving it a zombie if it has ended. A stop is told once.
#[allow(unsafe_code)]
pub fn peek(pid: i32) -> io::Result<Change> {
    let id = libc::id_t::try_from(pid).map_err(io::Error::other)?;
    let ask = |flags: i32| -> io::Result<(i32, i32, i32)> {
        // SAFETY: all zeroes is a valid siginfo, waitid writes to memory of ours, and the fields
        // read are those that waitid sets (a zero pid means that nothing was waiting).
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            Errno::result(libc::waitid(
                libc::P_PID,
                id,
                &raw mut info,
                flags | libc::WNOHANG,
            ))?;
            Ok((info.si_pid(), info.si_code, info.si_status()))
        }
    };
    match ask(libc::WEXITED | libc::WNOWAIT)? {
        (0, ..) => {}
        (_, libc::CLD_EXITED, code) => return Ok(Change::Ended(Exit::Code(code))),
        (_, _, signal) => return Ok(Change::Ended(Exit::Signal(signal))),
    }
    match ask(libc::WSTOPPED)? {
        (0, ..) => Ok(Change::None),
        (_, _, signal) => Ok(Change::Stopped(Signal::from_number(signal))),
    }
}

/// Takes the exit facts of a child that has ended; `None` if it still runs.
#[allow(unsafe_code)]
pub fn reap(pid: i32) -> io::Result<Option<Reaped>> {
    let mut status = 0;
    // SAFETY: all zeroes is a valid rusage, and wait4 writes to memory of ours.
    let (reaped, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let reaped = Errno::result(libc::wait4(
            pid,
            &raw mut status,
            libc::WNOHANG,
            &raw mut usage,
        ))?;
        (reaped, usage)
    };
    if reaped == 0 {
        return Ok(None);
    }
    let usage = Usage {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        maxrss_kb: usage.ru_maxrss,
    };
    Ok(Some(Reaped {
        exit: exit_of_status(status),
        usage: Some(usage),
    }))
}

/// The meaning of a wait status.
pub(super) fn exit_of_status(status: i32) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
    seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or_default())
}
