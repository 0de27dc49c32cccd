//! How a task ended: the exit facts of its command, the cause if somebody ended it, and the one
//! word that history keeps for both.

use serde::{Deserialize, Serialize};

/// The outcome column of the history table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Exit code 0.
    Succeeded,
    /// Another exit code.
    Failed,
    /// Ended by a signal that taskwatcher did not send.
    Signalled,
    /// Ended by taskwatcher: no heartbeat within the timeout, or longer than its maximum time.
    Timeout,
    /// Ended by taskwatcher because somebody asked for it.
    Killed,
    /// The launcher died and nobody saw how the command ended.
    Lost,
    /// The command could not be executed.
    NotStarted,
}

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Succeeded,
        Self::Failed,
        Self::Signalled,
        Self::Timeout,
        Self::Killed,
        Self::Lost,
        Self::NotStarted,
    ];

    /// The word stored in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Signalled => "signalled",
            Self::Timeout => "timeout",
            Self::Killed => "killed",
            Self::Lost => "lost",
            Self::NotStarted => "not_started",
        }
    }

    /// The outcome of a command that ended as `exit`, after taskwatcher ended it for `cause`.
    #[must_use]
    pub fn of(exit: Exit, cause: Option<Cause>) -> Self {
        match (cause, exit) {
            (Some(Cause::Timeout | Cause::MaxTime), _) => Self::Timeout,
            (Some(Cause::Killed), _) => Self::Killed,
            (None, Exit::Code(0)) => Self::Succeeded,
            (None, Exit::Code(_)) => Self::Failed,
            (None, Exit::Signal(_)) => Self::Signalled,
            (None, Exit::Unknown) => Self::Lost,
        }
    }
}

/// How a process ended, as its parent sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It called exit with this code (0–255).
    Code(i32),
    /// This signal ended it (number on this machine).
    Signal(i32),
    /// Nobody who was told is left.
    Unknown,
}

/// Why taskwatcher ended a task. The first cause that is recorded decides the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its heartbeat stayed away for the timeout.
    Timeout,
    /// It ran for its maximum time.
    MaxTime,
    /// Somebody asked: `kill`, `killall`, or a signal to the launcher.
    Killed,
}

/// The ending column of the tasks table: decided before the first signal is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Why the task is being ended.
    pub cause: Cause,
    /// The first signal, by name (`SIGTERM`).
    pub signal: String,
    /// The cause in words for the history, as `no heartbeat for 8s`.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_outweighs_the_exit() {
        assert_eq!(
            Outcome::of(Exit::Code(0), Some(Cause::Timeout)),
            Outcome::Timeout
        );
        assert_eq!(
            Outcome::of(Exit::Signal(15), Some(Cause::MaxTime)),
            Outcome::Timeout
        );
        assert_eq!(
            Outcome::of(Exit::Unknown, Some(Cause::Killed)),
            Outcome::Killed
        );
    }

    #[test]
    fn without_a_cause_the_exit_decides() {
        assert_eq!(Outcome::of(Exit::Code(0), None), Outcome::Succeeded);
        assert_eq!(Outcome::of(Exit::Code(3), None), Outcome::Failed);
        assert_eq!(Outcome::of(Exit::Signal(11), None), Outcome::Signalled);
        assert_eq!(Outcome::of(Exit::Unknown, None), Outcome::Lost);
    }

    #[test]
    fn the_stored_word_is_the_one_in_json() {
        for outcome in Outcome::ALL {
            let json = serde_json::to_string(&outcome).unwrap();
            assert_eq!(json, format!("\"{}\"", outcome.as_str()));
        }
    }
}
