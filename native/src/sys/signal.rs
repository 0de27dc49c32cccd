//! Signals: their names, the state a process was given, and waiting for them as data.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// A signal by its number on this machine; real-time signals included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// None at all: sending it only asks whether it could be sent.
    pub const NONE: Self = Self(0);
    /// The terminal is gone.
    pub const HUP: Self = Self(libc::SIGHUP);
    /// Ctrl-C.
    pub const INT: Self = Self(libc::SIGINT);
    /// Ctrl-\.
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// Cannot be caught.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// A request to end.
    pub const TERM: Self = Self(libc::SIGTERM);
    /// A child changed its state.
    pub const CHLD: Self = Self(libc::SIGCHLD);
    /// Go on after a stop.
    pub const CONT: Self = Self(libc::SIGCONT);
    /// Ctrl-Z.
    pub const TSTP: Self = Self(libc::SIGTSTP);
    /// Whatever a program takes it for.
    const USR1: Self = Self(libc::SIGUSR1);
    /// Whatever a program takes it for.
    const USR2: Self = Self(libc::SIGUSR2);
    /// The terminal has another size. One that is not in the foreground group is not told.
    pub const WINCH: Self = Self(libc::SIGWINCH);
    /// A time is over; `timeout --signal` sends it too.
    const ALRM: Self = Self(libc::SIGALRM);
    /// The processor time that was allowed is used up; batch systems warn of it by this.
    const XCPU: Self = Self(libc::SIGXCPU);
    /// A file would grow over the limit for its size.
    const XFSZ: Self = Self(libc::SIGXFSZ);

    /// The signal with this number.
    pub fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The signal with this name (`SIGTERM`); real-time signals have none here.
    pub fn named(name: &str) -> Option<Self> {
        name.parse::<nix::sys::signal::Signal>()
            .ok()
            .map(|signal| Self(signal as i32))
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }

    /// Whether it asks a launcher to end its task.
    pub fn is_request_to_end(self) -> bool {
        ENDING.contains(&self)
    }

    /// Whether it means something to the command only.
    pub fn is_for_command(self) -> bool {
        FOR_COMMAND.contains(&self)
    }

    /// Whether it is the one of Ctrl-Z, or stops a process that wants the terminal it does not have.
    pub fn is_job_control_stop(self) -> bool {
        self == Self::TSTP || self.wants_terminal()
    }

    /// Whether it stops a process in the background that reads from the terminal or sets it.
    pub fn wants_terminal(self) -> bool {
        matches!(self.0, libc::SIGTTIN | libc::SIGTTOU)
    }
}

impl fmt::Display for Signal {
    /// `SIGTERM`; `SIGRTMIN+3` for real-time signals, `SIG77` for what has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(signal) = nix::sys::signal::Signal::try_from(self.0) {
            f.write_str(signal.as_str())
        } else if (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&self.0) {
            match self.0 - libc::SIGRTMIN() {
                0 => f.write_str("SIGRTMIN"),
                above => write!(f, "SIGRTMIN+{above}"),
            }
        } else {
            write!(f, "SIG{}", self.0)
        }
    }
}

/// The signals that end a task when its launcher gets them.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// The signals that a launcher passes on to the command alone.
const FOR_COMMAND: [Signal; 4] = [Signal::USR1, Signal::USR2, Signal::ALRM, Signal::XCPU];

/// Whether SIGXFSZ was ignored when this process was started.
static FILE_SIZE_LIMIT_IGNORED: OnceLock<bool> = OnceLock::new();

/// Makes a write over the limit for the size of files an error instead of the end of this process.
pub fn survive_file_size_limit() {
    let ignored = is_ignored(Signal::XFSZ).unwrap_or(false);
    FILE_SIZE_LIMIT_IGNORED.get_or_init(|| ignored);
    let _ = set_disposition(Signal::XFSZ, libc::SIG_IGN);
}

/// What this process was started with, and therefore what its command must be started with.
#[derive(Debug)]
pub struct Inherited {
    mask: SigSet,
    child_signals_ignored: bool,
    ignored: Vec<Signal>,
}

impl Inherited {
    /// Reads the state of a process that has not changed it yet.
    pub fn read() -> io::Result<Self> {
        let mut ignored = Vec::new();
        for signal in ENDING
            .into_iter()
            .chain(FOR_COMMAND)
            .chain([Signal::TSTP, Signal::WINCH])
        {
            if is_ignored(signal)? {
                ignored.push(signal);
            }
        }
        Ok(Self {
            mask: SigSet::thread_get_mask()?,
            child_signals_ignored: is_ignored(Signal::CHLD)?,
            ignored,
        })
    }

    /// Puts the state back; for the command, right before it is executed. SIGPIPE, which the Rust
    /// runtime ignores, gets its default.
    pub fn restore(&self) -> io::Result<()> {
        set_disposition(Signal(libc::SIGPIPE), libc::SIG_DFL)?;
        if FILE_SIZE_LIMIT_IGNORED.get() == Some(&false) {
            set_disposition(Signal::XFSZ, libc::SIG_DFL)?;
        }
        if self.child_signals_ignored {
            set_disposition(Signal::CHLD, libc::SIG_IGN)?;
        }
        self.mask.thread_set_mask()?;
        Ok(())
    }
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which one.
    pub signal: Signal,
    /// Whether the terminal sent it to its foreground group because of Ctrl-C or Ctrl-\.
    pub is_key: bool,
}

/// The signals of a launcher as a descriptor to wait on. While it lives they interrupt nothing.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
    blocked: SigSet,
}

impl Signals {
    /// Takes the signals over: those that end a task, those for the command and SIGTSTP, unless they
    /// were ignored when this process was started (nohup); SIGCONT, so that the command goes on too;
    /// and SIGCHLD, which an ignoring parent must not have switched off.
    pub fn take(inherited: &Inherited) -> io::Result<Self> {
        set_disposition(Signal::CHLD, libc::SIG_DFL)?;
        let mut blocked = SigSet::empty();
        let others = [Signal::TSTP, Signal::CONT, Signal::WINCH, Signal::CHLD];
        for signal in ENDING.into_iter().chain(FOR_COMMAND).chain(others) {
            if !inherited.ignored.contains(&signal) {
                blocked.add(named(signal));
            }
        }
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), None)?;
        let descriptor =
            SignalFd::with_flags(&blocked, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self {
            descriptor,
            blocked,
        })
    }

    /// The next signal that has come, if any.
    pub fn next(&self) -> Option<Received> {
        let info = self.descriptor.read_signal().ok().flatten()?;
        let signal = Signal(i32::try_from(info.ssi_signo).unwrap_or_default());
        let is_key =
            matches!(signal, Signal::INT | Signal::QUIT) && info.ssi_code == libc::SI_KERNEL;
        Some(Received { signal, is_key })
    }

    /// Stops this process's group as the terminal would have, and returns when it is continued: true
    /// then. Where nobody could continue it, it is not stopped, and false comes back at once.
    pub fn stop_own_group(&self) -> io::Result<bool> {
        let mut stop = SigSet::empty();
        stop.add(named(Signal::TSTP));
        super::process::signal_own_group(Signal::TSTP)?;
        pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&stop), None)?;
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&self.blocked), None)?;
        // The SIGCONT that did it is answered here: read later, it would continue a command that was
        // stopped again meanwhile.
        Ok(take_pending(Signal::CONT))
    }
}

/// Takes a blocked signal, if it has come; whether it had.
#[allow(unsafe_code)]
fn take_pending(signal: Signal) -> bool {
    let set = SigSet::from_iter([named(signal)]);
    let at_once = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both structures live through the call, and nothing is asked of the signal but its number.
    let taken =
        unsafe { libc::sigtimedwait(set.as_ref(), std::ptr::null_mut(), &raw const at_once) };
    taken == signal.0
}

/// Whether a blocked signal has come, and was not taken yet, that asks a launcher to end its task.
#[allow(unsafe_code)]
pub fn is_asked_to_end() -> bool {
    // SAFETY: all zeroes is a valid signal set, and sigpending writes to memory of ours.
    let pending = unsafe {
        let mut pending: libc::sigset_t = std::mem::zeroed();
        if libc::sigpending(&raw mut pending) != 0 {
            return false;
        }
        SigSet::from_sigset_t_unchecked(pending)
    };
    ENDING
        .into_iter()
        .any(|signal| pending.contains(named(signal)))
}

/// Does to this process's group what the terminal does at Ctrl-C or Ctrl-\, and so ends this process
/// by the signal. Returns if it was ignored when this process was started.
pub fn end_own_group(signal: Signal) {
    end_by(signal, super::process::signal_own_group);
}

/// Ends this process alone by the signal. Returns if it was ignored when this process was started.
pub fn end_self(signal: Signal) {
    end_by(signal, super::process::signal_self);
}

fn end_by(signal: Signal, send: impl FnOnce(Signal) -> io::Result<()>) {
    // The command has left its core; one of this process would tell nobody anything.
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = send(signal);
    let _ = SigSet::from_iter([named(signal)]).thread_unblock();
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn named(signal: Signal) -> nix::sys::signal::Signal {
    nix::sys::signal::Signal::try_from(signal.0).expect("only signals with a name are blocked")
}

#[allow(unsafe_code)]
fn is_ignored(signal: Signal) -> io::Result<bool> {
    // SAFETY: all zeroes is a valid sigaction, a null new action only asks, and the old one is
    // written to memory of ours.
    let present = unsafe {
        let mut present: libc::sigaction = std::mem::zeroed();
        Errno::result(libc::sigaction(
            signal.0,
            std::ptr::null(),
            &raw mut present,
        ))?;
        present
    };
    Ok(present.sa_sigaction == libc::SIG_IGN)
}

#[allow(unsafe_code)]
fn set_disposition(signal: Signal, disposition: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: SIG_DFL and SIG_IGN run no code of ours.
    if unsafe { libc::signal(signal.0, disposition) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_name() {
        assert_eq!(Signal::KILL.to_string(), "SIGKILL");
        assert_eq!(
            Signal::from_number(libc::SIGRTMIN()).to_string(),
            "SIGRTMIN"
        );
        assert_eq!(
            Signal::from_number(libc::SIGRTMIN() + 3).to_string(),
            "SIGRTMIN+3"
        );
        assert_eq!(Signal::from_number(99).to_string(), "SIG99");
    }
}
