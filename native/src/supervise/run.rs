//! The loop of a launcher: wait, look, ask the machine, do what it says.
//!
//! It wakes for signals, for the next deadline, and for the feedback file while a heartbeat is
//! awaited. Nothing else costs anything: an idle task makes no system call. The database is open
//! only while something is stored.

use std::collections::VecDeque;
use std::time::Duration;

use taskwatcher_core::json::Json;
use taskwatcher_core::outcome::{Cause, Ending, Exit};
use taskwatcher_core::status::Status;

use super::finish::{self, Ended};
use super::heartbeat::Heartbeat;
use super::machine::{Action, Leftovers, Machine};
use super::task::{CommandEnd, Options, Task, Timeline};
use super::tree::Tree;
use crate::store::{Patience, State, Store};
use crate::sys::fault::{self, Step};
use crate::sys::pidfd::PidFd;
use crate::sys::process::Stat;
use crate::sys::signal::{Received, Signal, Signals};
use crate::sys::terminal::Terminal;
use crate::sys::wait::{Change, Reaped};
use crate::sys::{clock, watch};

/// When to try again to store what could not be stored.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// How often the tree of an adopted command is looked at where the kernel refuses descriptors of
/// processes, so that nothing tells of its changes.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// When a command was started: on the clock of the deadlines, and on the one of durations.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    monotonic: Duration,
    since_boot: Duration,
}

impl Started {
    /// At these times.
    pub fn at(monotonic: Duration, since_boot: Duration) -> Self {
        Self {
            monotonic,
            since_boot,
        }
    }

    /// Now.
    pub fn now() -> Self {
        Self {
            monotonic: clock::monotonic(),
            since_boot: clock::since_boot(),
        }
    }

    /// On the clock of the deadlines.
    pub fn monotonic(self) -> Duration {
        self.monotonic
    }
}

/// A task and all that its launcher holds while it runs.
pub struct Supervision<'a> {
    task: &'a Task,
    machine: Machine,
    tree: Tree,
    signals: &'a Signals,
    /// The controlling terminal, if the command may have to give it back.
    terminal: Option<&'a Terminal>,
    heartbeat: Option<Heartbeat>,
    timeline: Timeline,
    status: Status,
    store_again: Option<Duration>,
    started: Started,
    ending: Option<Ending>,
    /// The last key that was passed on to the command.
    key: Option<Signal>,
    /// A process of the tree may have ended though no signal says so.
    look_at_tree: bool,
    /// The command's own end, while others of its tree run on.
    command_end: Option<CommandEnd>,
    /// One of those that run on, where SIGCHLD does not tell of their ends.
    leftover: Option<PidFd>,
}

impl<'a> Supervision<'a> {
    /// Supervision of a command that was just started.
    pub fn new(
        task: &'a Task,
        tree: Tree,
        signals: &'a Signals,
        terminal: Option<&'a Terminal>,
        heartbeat: Option<Heartbeat>,
        timeline: Timeline,
        started: Started,
    ) -> Self {
        Self {
            task,
            machine: Machine::new(task.options.policy(task.timeout), started.monotonic),
            tree,
            signals,
            terminal,
            heartbeat,
            timeline,
            status: Status::Running,
            store_again: None,
            started,
            ending: None,
            key: None,
            look_at_tree: false,
            command_end: task.options.command_end,
            leftover: None,
        }
    }

    /// Goes on where an earlier launcher was: with the status it had shown, and with an end that it
    /// had begun.
    pub fn going_on(mut self, status: Status, ending: Option<Ending>) -> Self {
        let now = clock::monotonic();
        self.status = status;
        self.machine = self.machine.going_on(status, now);
        self.ending = ending;
        self
    }

    /// Runs the task to its end.
    pub fn run(mut self) -> Ended {
        // The command may have ended before its signals were waited for.
        let mut finished = self.take_up() || self.child_changed();
        while !finished {
            self.wait();
            finished = self.step();
        }
        self.ended()
    }

    /// Goes on with an end that an earlier launcher had begun, and with what the command had left;
    /// whether the task is finished.
    fn take_up(&mut self) -> bool {
        let now = clock::monotonic();
        if let Some(ending) = &self.ending {
            let signal = Signal::named(&ending.signal).unwrap_or(Signal::TERM);
            let actions = self.machine.end_again(signal, now);
            self.perform(actions, None);
        }
        if self.command_end.is_none() {
            return false;
        }
        let left = self.count_others();
        let actions = self.machine.command_ended(left, now);
        self.perform(actions, None)
    }

    fn wait(&mut self) {
        let awaited = self.machine.awaits_heartbeat();
        let mut look_now = false;
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.await_beat(awaited);
            look_now = awaited && heartbeat.watch().is_some();
        }
        // What happened before the file was watched sends no event.
        if look_now && self.look() {
            return;
        }
        let deadlines = [
            self.machine.deadline(),
            self.store_again,
            self.heartbeat.as_ref().and_then(Heartbeat::next_look),
            self.next_look_at_tree(),
        ];
        let limit = deadlines
            .into_iter()
            .flatten()
            .min()
            .map(|deadline| deadline.saturating_sub(clock::monotonic()));
        let file = self.heartbeat.as_ref().and_then(Heartbeat::watch);
        let woken = watch::wait(self.signals, file, self.awaited_process(), limit);
        if let Some(heartbeat) = self.heartbeat.as_mut().filter(|_| woken.by_file) {
            heartbeat.drain();
        }
        self.look_at_tree = woken.by_process || self.is_blind();
    }

    /// The process whose end is waited for, if SIGCHLD does not tell it: the command, and after its
    /// end one of those that it left, since the task goes on as long as that one lives.
    fn awaited_process(&self) -> Option<&PidFd> {
        if self.command_end.is_none() {
            self.tree.descriptor()
        } else {
            self.leftover.as_ref()
        }
    }

    /// Whether nothing tells of the end of a process, so that it has to be looked for.
    fn is_blind(&self) -> bool {
        !self.tree.tells_ends() && self.awaited_process().is_none()
    }

    fn next_look_at_tree(&self) -> Option<Duration> {
        self.is_blind().then(|| clock::monotonic() + LOOK_AGAIN)
    }

    /// How many processes of the tree run besides the command.
    fn count_others(&mut self) -> usize {
        let others = self.tree.others();
        if !self.tree.tells_ends() {
            let mut alive = others.iter().map(Stat::process);
            self.leftover = alive.find_map(|process| PidFd::of(process).ok().flatten());
        }
        others.len()
    }

    /// Looks at everything that may have changed; whether the task is finished.
    fn step(&mut self) -> bool {
        let mut child = self.look_at_tree;
        let mut asked = Vec::new();
        while let Some(Received { signal, is_key }) = self.signals.next() {
            match signal {
                Signal::CHLD => child = true,
                Signal::TSTP | Signal::CONT | Signal::WINCH => self.tree.pass_on(signal),
                _ if signal.is_for_command() => self.tree.tell_command(signal),
                // The command would have got it too, and decides.
                _ if is_key && self.ending.is_none() && self.command_end.is_none() => {
                    self.key = Some(signal);
                    self.tree.pass_on(signal);
                }
                other => asked.push(other),
            }
        }
        // What ended by itself was not ended by a request that came at the same time.
        if child && self.child_changed() {
            return true;
        }
        for signal in asked {
            let actions = self.machine.asked_to_end(signal, clock::monotonic());
            if self.perform(actions, Some(signal)) {
                return true;
            }
        }
        if self.machine.counts_heartbeats() && (self.machine.awaits_heartbeat() || self.is_due()) {
            self.look();
        }
        if self.is_due() {
            let actions = self.machine.deadline_reached(clock::monotonic());
            if self.perform(actions, None) {
                return true;
            }
        }
        if self
            .store_again
            .is_some_and(|again| clock::monotonic() >= again)
        {
            self.store_state();
        }
        false
    }

    fn is_due(&self) -> bool {
        self.machine
            .deadline()
            .is_some_and(|deadline| clock::monotonic() >= deadline)
    }

    /// Looks for a heartbeat; whether there was one.
    fn look(&mut self) -> bool {
        let Some(beat) = self.heartbeat.as_mut().and_then(Heartbeat::look) else {
            return false;
        };
        let actions = self.machine.heartbeat(beat, clock::monotonic());
        self.perform(actions, None);
        true
    }

    /// A child has ended or stopped; whether the task is finished.
    fn child_changed(&mut self) -> bool {
        let mut others = None;
        if self.command_end.is_none() {
            match self.tree.peek() {
                Change::None => {}
                Change::Stopped(signal) => self.command_stopped(signal),
                Change::Ended(exit) => {
                    fault::reach(Step::ExitSeen);
                    let left = self.count_others();
                    self.command_end = Some(self.ends_now(exit, left));
                    let actions = self.machine.command_ended(left, clock::monotonic());
                    if !actions.contains(&Action::Finish) {
                        // What it left may run for long: whoever goes on with it has to know.
                        self.store_state();
                    }
                    if self.perform(actions, None) {
                        return true;
                    }
                    others = Some(left);
                }
            }
        }
        if others.is_none() {
            self.tree.reap_others();
        }
        if self.command_end.is_some() && others != Some(0) {
            let left = self.count_others();
            let actions = self.machine.others_changed(left);
            return self.perform(actions, None);
        }
        false
    }

    /// The terminal stopped the command. If it wants the terminal and this job is in front, it gets
    /// it. Else the launcher stops with it, as the job that the shell knows, and both go on together.
    fn command_stopped(&self, signal: Signal) {
        let Some(terminal) = self.terminal.filter(|_| signal.is_job_control_stop()) else {
            return;
        };
        let group = self.tree.group();
        let had_terminal = terminal.foreground() == Some(group);
        if !signal.wants_terminal() || !(had_terminal || terminal.is_ours()) {
            if had_terminal {
                let _ = terminal.take_back();
            }
            let was_continued = self.signals.stop_own_group().unwrap_or(false);
            // A job that no shell knows any more is not stopped by this: its command stays so, rather
            // than to ask again and again.
            if !terminal.is_ours() {
                if was_continued {
                    self.tree.pass_on(Signal::CONT);
                }
                return;
            }
        }
        if (had_terminal || signal.wants_terminal()) && terminal.give(group).is_err() {
            return;
        }
        self.tree.pass_on(Signal::CONT);
    }

    /// Does what the machine says; whether the task is finished.
    fn perform(&mut self, actions: Vec<Action>, asked_by: Option<Signal>) -> bool {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Show(status) => {
                    self.status = status;
                    self.timeline.push(status);
                    self.store_state();
                }
                Action::Record(cause, signal) => self.record_ending(cause, signal, asked_by),
                Action::End(signal) => self.tree.signal(signal),
                Action::Kill => self.tree.kill(),
                Action::Finish => return true,
            }
        }
        false
    }

    /// Stores all that another launcher or a person would have to know. It must never hold up a
    /// deadline: what cannot be stored now is tried again.
    fn store_state(&mut self) {
        let options = Json::of(&Options {
            command_end: self.command_end,
            ..self.task.options.clone()
        });
        let timeline = self.timeline.to_json();
        let state = State {
            status: self.status,
            timeline: &timeline,
            beat: self.heartbeat.as_ref().and_then(Heartbeat::last),
            options: options.as_str(),
            ending: self.ending.as_ref(),
        };
        let stored = Store::reopen(&self.task.database, Patience::Short)
            .and_then(|mut store| store.store_state(self.task.id, &self.task.run, &state));
        self.store_again = stored.is_err().then(|| clock::monotonic() + STORE_AGAIN);
        // Somebody may have recorded a cause before; but what ends by itself has none.
        if let (Some(ending), Ok(Some(recorded))) = (&mut self.ending, stored) {
            *ending = recorded;
        }
    }

    fn record_ending(&mut self, cause: Cause, signal: Signal, asked_by: Option<Signal>) {
        let policy = self.task.options.policy(self.task.timeout);
        let reason = match (cause, asked_by) {
            (Cause::Timeout, _) => finish::silence_words(policy.timeout.unwrap_or_default()),
            (Cause::MaxTime, _) => finish::limit_words(policy.max_time.unwrap_or_default()),
            (Cause::Killed, signal) => {
                format!("the launcher got {}", signal.unwrap_or(Signal::TERM))
            }
        };
        self.ending = Some(Ending {
            cause,
            signal: signal.to_string(),
            reason,
        });
        self.store_state();
    }

    /// The command ends just now.
    fn ends_now(&self, exit: Exit, leftovers: usize) -> CommandEnd {
        CommandEnd {
            exit,
            elapsed: clock::since_boot().saturating_sub(self.started.since_boot),
            endtime: clock::unix_seconds(),
            leftovers,
        }
    }

    fn ended(self) -> Ended {
        let reaped = self.tree.reap_command();
        let end = self
            .command_end
            .unwrap_or_else(|| self.ends_now(Exit::Unknown, 0));
        let mut survivors: Vec<i32> = Vec::new();
        let ended_all = self.ending.is_some() || self.task.options.leftovers != Leftovers::Leave;
        if ended_all && (end.leftovers > 0 || self.ending.is_some()) {
            survivors.extend(self.tree.others().iter().map(|stat| stat.pid));
        }
        if reaped.is_none() {
            survivors.push(self.tree.group());
        }
        // Only the first of its launchers may have been told.
        let exit = Some(end.exit).filter(|&exit| exit != Exit::Unknown);
        Ended {
            reaped: reaped.map(|reaped| Reaped {
                exit: exit.unwrap_or(reaped.exit),
                ..reaped
            }),
            ending: self.ending,
            not_started: None,
            elapsed: end.elapsed,
            endtime: end.endtime,
            leftovers: end.leftovers,
            key: self.key,
            survivors,
            timeline: self.timeline.to_json(),
        }
    }
}
