//! Processes as tests handle them: by descriptor, so that a number used again by the kernel is
//! never mistaken.
//!
//! A [`Process`] is any process, a child of the test or not. Waiting for its end is one `poll` of
//! its descriptor, bounded by [`PATIENCE`](crate::PATIENCE). A signal goes through the descriptor
//! and can hit nothing else.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::wait::{Id, WaitPidFlag, waitid};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::wait::{Deadline, readable};

/// A process, held by a descriptor that stays true when its number is used again.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    descriptor: OwnedFd,
}

impl Process {
    /// Takes hold of the process with this number; nothing if there is none.
    #[must_use]
    pub fn open(pid: i32) -> Option<Self> {
        let descriptor = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Self { pid, descriptor })
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends it a signal; one that is gone already is no error.
    pub fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.descriptor, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => panic!("cannot signal process {}: {error}", self.pid),
        }
    }

    /// True once it has ended, reaped or not.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        readable(self.descriptor.as_fd(), Deadline::now())
    }

    /// Waits for its end.
    pub fn wait_for_end(&self) {
        assert!(
            readable(self.descriptor.as_fd(), Deadline::new()),
            "process {} still runs: {}",
            self.pid,
            describe(self.pid)
        );
    }

    /// Waits for its end and takes its zombie away when it fell to this test program, as init
    /// would.
    pub fn reap(&self) {
        self.wait_for_end();
        // The error says that somebody else is its parent: then its zombie is theirs.
        let _ = waitid(Id::PIDFd(self.descriptor.as_fd()), WaitPidFlag::WEXITED);
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// One field of `/proc/PID/status`, such as `SigIgn`; nothing when the process is gone.
#[must_use]
pub fn status_field(pid: i32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| {
        line.strip_prefix(field)
            .is_some_and(|rest| rest.starts_with(':'))
    })?;
    Some(line[field.len() + 1..].trim().to_owned())
}

/// What a process has used so far, to show that it did nothing in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How often it gave up the processor to wait.
    pub voluntary_switches: u64,
    /// Processor time in ticks of 10 ms, user and system.
    pub ticks: (u64, u64),
}

/// Reads the effort of a live process.
///
/// # Panics
/// When the process is gone.
#[must_use]
pub fn effort(pid: i32) -> Effort {
    let switches = status_field(pid, "voluntary_ctxt_switches")
        .unwrap_or_else(|| panic!("process {pid} is gone"));
    let fields = stat_fields(pid).unwrap_or_else(|| panic!("process {pid} is gone"));
    let number = |text: &str| text.parse::<u64>().expect("a number of /proc");
    // Fields 14 and 15 of stat; the list starts at field 3, after the name.
    Effort {
        voluntary_switches: number(&switches),
        ticks: (number(&fields[11]), number(&fields[12])),
    }
}

/// The fields of `/proc/PID/stat` from the state (field 3) on.
#[must_use]
pub fn stat_fields(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, also a closing bracket: only the last one ends it.
    let rest = &stat[stat.rfind(')')? + 1..];
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Waits until something holds for a process that the kernel reports by no event; so this looks again
/// each time that other processes had their turn.
///
/// # Panics
/// When it does not come to hold for long.
pub fn wait_until(pid: i32, holds: impl Fn(i32) -> bool) {
    let deadline = Deadline::new();
    while !holds(pid) {
        assert!(!deadline.has_passed(), "waited for: {}", describe(pid));
        std::thread::yield_now();
    }
}

/// Whether a process waits for one of its children, in a call.
#[must_use]
pub fn waits_for_child(pid: i32) -> bool {
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    call.starts_with(&format!("{} ", nix::libc::SYS_wait4))
}

/// Whether a process is stopped.
#[must_use]
pub fn is_stopped(pid: i32) -> bool {
    status_field(pid, "State").is_some_and(|state| state.starts_with('T'))
}

/// A process in words, for messages of failed tests.
#[must_use]
pub fn describe(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words).replace('\0', " ");
    let state = status_field(pid, "State").unwrap_or_else(|| "gone".to_owned());
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    format!("{pid} [{state}] {words} (in call {})", call.trim())
}
