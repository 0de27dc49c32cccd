//! The controlling terminal: whose group reads from it and gets its Ctrl-C.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// The controlling terminal of this process.
#[derive(Debug)]
pub struct Terminal(File);

impl Terminal {
    /// The controlling terminal, if there is one.
    pub fn controlling() -> Option<Self> {
        let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open("/dev/tty")
            .ok()
            .map(Self)
    }

    /// Whether this process reads from the terminal and writes to it, as far as its standard input and
    /// output go. One that does only one of them may be part of a pipeline, of which another part has
    /// the use of the terminal.
    pub fn is_both_ends() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Whether this process's own group is in the foreground.
    pub fn is_ours(&self) -> bool {
        self.foreground() == Some(getpgrp().as_raw())
    }

    /// The group in the foreground.
    pub fn foreground(&self) -> Option<i32> {
        tcgetpgrp(&self.0).ok().map(Pid::as_raw)
    }

    /// Puts a group into the foreground.
    pub fn give(&self, group: i32) -> io::Result<()> {
        // A process in the background would be stopped by SIGTTOU for this; blocked, it is allowed.
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTTOU);
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&stop), Some(&mut before))?;
        let given = tcsetpgrp(&self.0, Pid::from_raw(group));
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
        given.map_err(io::Error::from)
    }

    /// Takes the foreground back for this process's own group.
    pub fn take_back(&self) -> io::Result<()> {
        self.give(getpgrp().as_raw())
    }
}
