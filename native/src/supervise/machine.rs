//! What to do with a task, as pure decisions: an event comes in, actions go out.
//!
//! Times are what a monotonic clock shows, so that clock steps and suspend do not matter. Nothing
//! here waits, looks at a file or sends a signal; [`super::run`] does.

use std::time::Duration;

use taskwatcher_core::outcome::Cause;
use taskwatcher_core::status::Status;

use crate::sys::signal::Signal;

/// What happens with processes that outlive the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftovers {
    /// They are ended like the command would have been.
    #[default]
    Kill,
    /// The task goes on until they have ended by themselves.
    Wait,
    /// They are left running.
    Leave,
}

/// The rules a task runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Silence after which it is ended; only with feedback.
    pub timeout: Option<Duration>,
    /// Time after which it is ended whatever it does.
    pub max_time: Option<Duration>,
    /// Time between the first signal and SIGKILL.
    pub grace: Duration,
    /// What happens with processes that outlive the command.
    pub leftovers: Leftovers,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Store a new status.
    Show(Status),
    /// Store why the task is being ended; always before the first signal.
    Record(Cause, Signal),
    /// Send this signal to the whole tree, and let stopped processes go on so that they get it.
    End(Signal),
    /// End the whole tree for certain.
    Kill,
    /// Archive the task.
    Finish,
}

/// How long the launcher may have been late for a deadline before it takes itself for having been
/// stopped. Time in which it did not run is not held against the task.
const STOPPED: Duration = Duration::from_secs(1);

/// How long SIGKILL may take before what survives it is reported. A process in an uninterruptible
/// system call (a dead network file system) can survive for ever.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The command runs, or `wait` waits for what it left.
    Watching,
    /// The first signal was sent; SIGKILL at the deadline.
    Ending { kill_at: Duration },
    /// SIGKILL was sent; at the deadline what survives is given up.
    Killing { give_up_at: Duration },
    /// Nothing is left to do.
    Done,
}

/// One task under supervision.
#[derive(Debug)]
pub struct Machine {
    policy: Policy,
    started: Duration,
    last_beat: Duration,
    status: Status,
    phase: Phase,
    /// The command itself has ended.
    exited: bool,
}

impl Machine {
    /// A task whose command was started at this time.
    pub fn new(policy: Policy, started: Duration) -> Self {
        Self {
            policy,
            started,
            last_beat: started,
            status: Status::Running,
            phase: Phase::Watching,
            exited: false,
        }
    }

    /// The same task under another launcher, which knows what the first one had last shown. The time
    /// in which nobody watched is not held against the task.
    pub fn going_on(mut self, status: Status, now: Duration) -> Self {
        let silence = self
            .policy
            .timeout
            .map_or(Duration::ZERO, |timeout| status.begins(timeout));
        self.last_beat = now.saturating_sub(silence);
        self.status = status;
        self
    }

    /// An end that an earlier launcher had begun is begun again.
    pub fn end_again(&mut self, signal: Signal, now: Duration) -> Vec<Action> {
        self.phase = Phase::Ending {
            kill_at: now + self.policy.grace,
        };
        vec![Action::End(signal)]
    }

    /// When [`Self::deadline_reached`] has to be called next; `None`: there is nothing to wait for
    /// but events.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Watching => self
                .silence_deadline()
                .into_iter()
                .chain(self.time_limit())
                .min(),
            Phase::Ending { kill_at } => Some(kill_at),
            Phase::Killing { give_up_at } => Some(give_up_at),
            Phase::Done => None,
        }
    }

    /// Whether heartbeats matter now, so that the feedback file is looked at before a deadline.
    pub fn counts_heartbeats(&self) -> bool {
        self.phase == Phase::Watching && self.policy.timeout.is_some()
    }

    /// Whether a heartbeat has to be noticed at once. While the task is running one is found in
    /// time at the deadline, and a busy program costs nothing.
    pub fn awaits_heartbeat(&self) -> bool {
        self.counts_heartbeats() && self.status != Status::Running
    }

    /// A heartbeat came at this time.
    pub fn heartbeat(&mut self, at: Duration, now: Duration) -> Vec<Action> {
        self.last_beat = self.last_beat.max(at.min(now));
        self.judge_silence(now)
    }

    /// The time of [`Self::deadline`] has come.
    pub fn deadline_reached(&mut self, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Watching if self.time_limit().is_some_and(|limit| now >= limit) => {
                self.end(Cause::MaxTime, Signal::TERM, now)
            }
            Phase::Watching => {
                if let Some(deadline) = self.silence_deadline()
                    && now >= deadline + STOPPED
                {
                    self.last_beat += now.saturating_sub(deadline);
                }
                self.judge_silence(now)
            }
            Phase::Ending { kill_at } if now >= kill_at => self.kill(now),
            Phase::Killing { give_up_at } if now >= give_up_at => self.finish(),
            Phase::Ending { .. } | Phase::Killing { .. } | Phase::Done => Vec::new(),
        }
    }

    /// The launcher was asked to end the task by this signal.
    pub fn asked_to_end(&mut self, signal: Signal, now: Duration) -> Vec<Action> {
        match self.phase {
            Phase::Watching => self.end(Cause::Killed, signal, now),
            // Asking again from the keyboard cuts the grace.
            Phase::Ending { .. } if matches!(signal, Signal::INT | Signal::QUIT) => self.kill(now),
            Phase::Ending { .. } | Phase::Killing { .. } | Phase::Done => Vec::new(),
        }
    }

    /// The command has ended, and so many other processes of its tree still run.
    pub fn command_ended(&mut self, others: usize, now: Duration) -> Vec<Action> {
        self.exited = true;
        match self.phase {
            Phase::Done => Vec::new(),
            _ if others == 0 => self.finish(),
            Phase::Watching => match self.policy.leftovers {
                Leftovers::Wait => Vec::new(),
                Leftovers::Leave => self.finish(),
                Leftovers::Kill => {
                    self.phase = Phase::Ending {
                        kill_at: now + self.policy.grace,
                    };
                    vec![Action::End(Signal::TERM)]
                }
            },
            Phase::Ending { .. } | Phase::Killing { .. } => Vec::new(),
        }
    }

    /// A process of the tree other than the command has ended, and so many others still run.
    pub fn others_changed(&mut self, others: usize) -> Vec<Action> {
        match self.phase {
            Phase::Done => Vec::new(),
            _ if !self.exited => Vec::new(),
            _ if others == 0 => self.finish(),
            // They fork faster than they were ended.
            Phase::Killing { .. } => vec![Action::Kill],
            Phase::Watching | Phase::Ending { .. } => Vec::new(),
        }
    }

    fn judge_silence(&mut self, now: Duration) -> Vec<Action> {
        let Some(timeout) = self.policy.timeout else {
            return Vec::new();
        };
        if self.phase != Phase::Watching {
            return Vec::new();
        }
        match Status::of_silence(now.saturating_sub(self.last_beat), timeout) {
            None => self.end(Cause::Timeout, Signal::TERM, now),
            Some(status) if status == self.status => Vec::new(),
            Some(status) => {
                self.status = status;
                vec![Action::Show(status)]
            }
        }
    }

    fn end(&mut self, cause: Cause, signal: Signal, now: Duration) -> Vec<Action> {
        self.phase = Phase::Ending {
            kill_at: now + self.policy.grace,
        };
        vec![Action::Record(cause, signal), Action::End(signal)]
    }

    fn kill(&mut self, now: Duration) -> Vec<Action> {
        self.phase = Phase::Killing {
            give_up_at: now + KILL_PATIENCE,
        };
        vec![Action::Kill]
    }

    fn finish(&mut self) -> Vec<Action> {
        self.phase = Phase::Done;
        vec![Action::Finish]
    }

    fn silence_deadline(&self) -> Option<Duration> {
        self.policy
            .timeout
            .map(|timeout| self.last_beat + self.status.ends(timeout))
    }

    fn time_limit(&self) -> Option<Duration> {
        self.policy.max_time.map(|limit| self.started + limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);
    const GRACE: Duration = Duration::from_secs(5);

    fn at(ms: u64) -> Duration {
        START + Duration::from_millis(ms)
    }

    fn machine(timeout: Option<u64>, leftovers: Leftovers) -> Machine {
        let policy = Policy {
            timeout: timeout.map(Duration::from_secs),
            max_time: None,
            grace: GRACE,
            leftovers,
        };
        Machine::new(policy, START)
    }

    #[test]
    fn silence_leads_step_by_step_to_the_end() {
        let mut task = machine(Some(8), Leftovers::Kill);
        assert!(!task.awaits_heartbeat());
        assert_eq!(task.deadline(), Some(at(2_000)));
        assert_eq!(
            task.deadline_reached(at(2_000)),
            [Action::Show(Status::Silent)]
        );
        assert!(task.awaits_heartbeat());
        assert_eq!(task.deadline(), Some(at(4_000)));
        assert_eq!(
            task.deadline_reached(at(4_000)),
            [Action::Show(Status::Stalled)]
        );
        assert_eq!(task.deadline(), Some(at(8_000)));
        assert_eq!(
            task.deadline_reached(at(8_000)),
            [
                Action::Record(Cause::Timeout, Signal::TERM),
                Action::End(Signal::TERM)
            ]
        );
        assert!(!task.counts_heartbeats());
        assert_eq!(task.deadline(), Some(at(13_000)));
        assert_eq!(task.deadline_reached(at(13_000)), [Action::Kill]);
        assert_eq!(task.command_ended(0, at(13_001)), [Action::Finish]);
        assert_eq!(task.deadline(), None);
    }

    #[test]
    fn a_late_heartbeat_brings_running_back_and_is_dated_when_it_came() {
        let mut task = machine(Some(8), Leftovers::Kill);
        task.deadline_reached(at(2_000));
        task.deadline_reached(at(4_000));
        assert_eq!(
            task.heartbeat(at(4_100), at(4_200)),
            [Action::Show(Status::Running)]
        );
        assert_eq!(task.deadline(), Some(at(6_100)));
        assert_eq!(task.heartbeat(at(5_000), at(6_100)), []);
        assert_eq!(task.deadline(), Some(at(7_000)));
    }

    #[test]
    fn a_deadline_that_comes_early_changes_nothing() {
        let mut task = machine(Some(8), Leftovers::Kill);
        assert_eq!(task.deadline_reached(at(1_999)), []);
        assert_eq!(task.deadline(), Some(at(2_000)));
    }

    #[test]
    fn a_heartbeat_from_the_future_or_the_past_is_put_right() {
        let mut task = machine(Some(8), Leftovers::Kill);
        task.heartbeat(at(90_000), at(1_000));
        assert_eq!(task.deadline(), Some(at(3_000)));
        task.heartbeat(at(0), at(1_500));
        assert_eq!(task.deadline(), Some(at(3_000)));
    }

    #[test]
    fn time_in_which_the_launcher_was_stopped_is_not_silence() {
        let mut task = machine(Some(8), Leftovers::Kill);
        assert_eq!(
            task.deadline_reached(at(60_000)),
            [Action::Show(Status::Silent)]
        );
        assert_eq!(task.deadline(), Some(at(62_000)));
        assert_eq!(
            task.deadline_reached(at(62_000)),
            [Action::Show(Status::Stalled)]
        );
        let ended = task.deadline_reached(at(66_000));
        assert_eq!(ended[0], Action::Record(Cause::Timeout, Signal::TERM));
    }

    #[test]
    fn without_timeout_there_is_nothing_to_wait_for() {
        let task = machine(None, Leftovers::Kill);
        assert_eq!(task.deadline(), None);
        assert!(!task.counts_heartbeats());
    }

    #[test]
    fn the_time_limit_holds_whatever_the_heartbeat() {
        let policy = Policy {
            timeout: Some(Duration::from_secs(8)),
            max_time: Some(Duration::from_secs(3)),
            grace: GRACE,
            leftovers: Leftovers::Kill,
        };
        let mut task = Machine::new(policy, START);
        task.heartbeat(at(1_900), at(2_000));
        assert_eq!(task.deadline(), Some(at(3_000)));
        assert_eq!(
            task.deadline_reached(at(3_000))[0],
            Action::Record(Cause::MaxTime, Signal::TERM)
        );
    }

    #[test]
    fn asking_ends_with_the_signal_that_was_asked_for_and_asking_again_cuts_the_grace() {
        let mut task = machine(None, Leftovers::Kill);
        let first = task.asked_to_end(Signal::INT, at(10));
        assert_eq!(
            first,
            [
                Action::Record(Cause::Killed, Signal::INT),
                Action::End(Signal::INT)
            ]
        );
        assert_eq!(task.asked_to_end(Signal::TERM, at(20)), []);
        assert_eq!(task.asked_to_end(Signal::INT, at(30)), [Action::Kill]);
        assert_eq!(task.asked_to_end(Signal::INT, at(40)), []);
        assert_eq!(task.command_ended(1, at(50)), []);
        assert_eq!(task.others_changed(0), [Action::Finish]);
        assert_eq!(task.others_changed(0), []);
    }

    #[test]
    fn what_survives_the_last_signal_is_given_up() {
        let mut task = machine(None, Leftovers::Kill);
        task.asked_to_end(Signal::TERM, at(0));
        assert_eq!(task.deadline_reached(at(5_000)), [Action::Kill]);
        assert_eq!(task.deadline_reached(at(9_999)), []);
        assert_eq!(task.deadline_reached(at(10_000)), [Action::Finish]);
    }

    #[test]
    fn leftovers_are_killed_waited_for_or_left() {
        let mut kill = machine(None, Leftovers::Kill);
        assert_eq!(kill.command_ended(2, at(0)), [Action::End(Signal::TERM)]);
        assert_eq!(kill.deadline_reached(at(5_000)), [Action::Kill]);
        assert_eq!(kill.others_changed(0), [Action::Finish]);

        let mut wait = machine(None, Leftovers::Wait);
        assert_eq!(wait.command_ended(2, at(0)), []);
        assert_eq!(wait.others_changed(1), []);
        assert_eq!(wait.others_changed(0), [Action::Finish]);

        let mut leave = machine(None, Leftovers::Leave);
        assert_eq!(leave.command_ended(2, at(0)), [Action::Finish]);
    }

    #[test]
    fn another_launcher_goes_on_where_the_first_one_was() {
        let mut task = machine(Some(8), Leftovers::Kill).going_on(Status::Silent, at(60_000));
        assert_eq!(task.deadline(), Some(at(62_000)));
        assert_eq!(
            task.deadline_reached(at(62_000)),
            [Action::Show(Status::Stalled)]
        );
        assert_eq!(
            task.end_again(Signal::INT, at(63_000)),
            [Action::End(Signal::INT)]
        );
        assert_eq!(task.deadline_reached(at(68_000)), [Action::Kill]);
    }

    #[test]
    fn what_forks_on_is_killed_again_until_it_is_given_up() {
        let mut task = machine(None, Leftovers::Kill);
        assert_eq!(task.command_ended(1, at(0)), [Action::End(Signal::TERM)]);
        assert_eq!(task.others_changed(1), []);
        assert_eq!(task.deadline_reached(at(5_000)), [Action::Kill]);
        assert_eq!(task.others_changed(1), [Action::Kill]);
        assert_eq!(task.deadline_reached(at(10_000)), [Action::Finish]);
        assert_eq!(task.others_changed(1), []);
    }

    #[test]
    fn a_process_that_ends_before_the_command_is_nothing() {
        let mut task = machine(None, Leftovers::Kill);
        assert_eq!(task.others_changed(0), []);
        assert_eq!(task.command_ended(0, at(1)), [Action::Finish]);
    }
}
