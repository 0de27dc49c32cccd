//! Faults on demand, in builds for the fault tests only (feature `faults`): a launcher dies at a given
//! step, or its clocks jump. In every other build nothing of this exists.

/// The steps in a launcher's life at which it can be made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing was forked or claimed.
    BeforeFork,
    /// The child waits at the gate, and no row knows of it.
    Forked,
    /// The row is committed, the gate is closed.
    Claimed,
    /// The child has its order, and may have executed it or not.
    Ordered,
    /// The program runs.
    Executed,
    /// The command has ended and is not reaped.
    ExitSeen,
    /// The record is made and not committed.
    BeforeCommit,
    /// The record could not be committed, and is in a spool file.
    Spooled,
    /// The record is committed, the feedback file is still there.
    Committed,
    /// The feedback file is deleted, and still stands in the table of those to be deleted.
    Removed,
}

#[cfg(feature = "faults")]
mod on {
    use std::time::Duration;

    use super::Step;
    use crate::sys::process;
    use crate::sys::signal::Signal;

    /// Dies at once, by SIGKILL, if the environment variable `TASKWATCHER_FAULT` names this step.
    pub fn reach(step: Step) {
        if std::env::var("TASKWATCHER_FAULT").is_ok_and(|name| name == format!("{step:?}")) {
            let _ = process::signal_self(Signal::KILL);
        }
    }

    /// How far the wall clock (`wall`), the monotonic one (`monotonic`) and the one that counts
    /// suspend (`boot`) have jumped: seconds, one line each `NAME SECONDS`, in the file that
    /// `TASKWATCHER_CLOCKS` names. Read at every look, so that a test can let them jump while a task
    /// runs.
    pub fn jump(clock: &str) -> (Duration, Duration) {
        let seconds = std::env::var_os("TASKWATCHER_CLOCKS")
            .and_then(|file| std::fs::read_to_string(file).ok())
            .and_then(|text| {
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix(clock)?.strip_prefix(' '));
                line.and_then(|seconds| seconds.trim().parse::<f64>().ok())
            })
            .unwrap_or_default();
        (
            Duration::from_secs_f64(seconds.max(0.0)),
            Duration::from_secs_f64((-seconds).max(0.0)),
        )
    }
}

#[cfg(feature = "faults")]
pub use on::{jump, reach};

/// Does nothing.
#[cfg(not(feature = "faults"))]
pub fn reach(_: Step) {}
