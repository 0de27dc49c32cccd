//! What a task in the tasks table is doing, and how long a silence makes it so.
//!
//! The rules are pure: a caller measures the silence on whatever clock it trusts.

use std::time::Duration;

/// The status column of the tasks table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The id was given out, nothing was launched yet.
    Reserved,
    /// The command runs, and with feedback its last heartbeat is younger than 25 % of the timeout.
    Running,
    /// The last heartbeat is younger than 50 % of the timeout.
    Silent,
    /// The last heartbeat is older than that; at 100 % of the timeout the task is killed.
    Stalled,
}

impl Status {
    /// The word stored in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Running => "RUNNING",
            Self::Silent => "SILENT",
            Self::Stalled => "STALLED",
        }
    }

    /// The status that this word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Reserved, Self::Running, Self::Silent, Self::Stalled];
        all.into_iter().find(|status| status.as_str() == word)
    }

    /// The status of a live task whose last heartbeat is `silence` old; `None` once the timeout is
    /// used up and the task has to be killed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskwatcher_core::status::Status;
    /// let timeout = Duration::from_secs(8);
    /// assert_eq!(Status::of_silence(Duration::from_secs(2), timeout), Some(Status::Silent));
    /// assert_eq!(Status::of_silence(Duration::from_secs(8), timeout), None);
    /// ```
    #[must_use]
    pub fn of_silence(silence: Duration, timeout: Duration) -> Option<Self> {
        if silence >= timeout {
            None
        } else if silence >= Self::Stalled.begins(timeout) {
            Some(Self::Stalled)
        } else if silence >= Self::Silent.begins(timeout) {
            Some(Self::Silent)
        } else {
            Some(Self::Running)
        }
    }

    /// The silence at which this status begins under `timeout`.
    #[must_use]
    pub fn begins(self, timeout: Duration) -> Duration {
        match self {
            Self::Reserved | Self::Running => Duration::ZERO,
            Self::Silent => timeout / 4,
            Self::Stalled => timeout / 2,
        }
    }

    /// The silence at which this status ends under `timeout`, unless a heartbeat comes first.
    #[must_use]
    pub fn ends(self, timeout: Duration) -> Duration {
        match self {
            Self::Reserved | Self::Running => Self::Silent.begins(timeout),
            Self::Silent => Self::Stalled.begins(timeout),
            Self::Stalled => timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_belongs_to_the_later_status() {
        let timeout = Duration::from_secs(8);
        let at = |ms| Status::of_silence(Duration::from_millis(ms), timeout);
        assert_eq!(at(0), Some(Status::Running));
        assert_eq!(at(1_999), Some(Status::Running));
        assert_eq!(at(2_000), Some(Status::Silent));
        assert_eq!(at(3_999), Some(Status::Silent));
        assert_eq!(at(4_000), Some(Status::Stalled));
        assert_eq!(at(7_999), Some(Status::Stalled));
        assert_eq!(at(8_000), None);
    }

    #[test]
    fn words_are_read_as_they_are_stored() {
        for status in [
            Status::Reserved,
            Status::Running,
            Status::Silent,
            Status::Stalled,
        ] {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("running"), None);
        assert_eq!(
            Status::Reserved.begins(Duration::from_secs(8)),
            Duration::ZERO
        );
    }

    #[test]
    fn a_status_ends_where_the_next_begins() {
        let timeout = Duration::from_secs(8);
        assert_eq!(
            Status::Running.ends(timeout),
            Status::Silent.begins(timeout)
        );
        assert_eq!(
            Status::Silent.ends(timeout),
            Status::Stalled.begins(timeout)
        );
        assert_eq!(Status::Stalled.ends(timeout), timeout);
    }
}
