//! The processes of a task: its command and every descendant, also one that left the group or the
//! session.
//!
//! A launcher that started the command is its parent and the subreaper of the rest, so that orphans
//! come to it. One that adopted the command has neither role: it finds descendants by their parents,
//! their group, their session and the mark of the run in their environment.
//!
//! What was a child of this process before the command ran is none of the task's, and neither are the
//! orphans that it leaves here: a launcher may have been executed by a shell that had started others,
//! and one that adopted other tasks at its start has started their launchers. Where there are any, an
//! orphan shows by its group or its mark whose it is.
//!
//! No process is signalled whose identity was not verified right before: a child's group is safe
//! while the child is unreaped, every other process is signalled through a descriptor of its own.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use taskwatcher_core::outcome::Exit;

use crate::sys::clock;
use crate::sys::identity::Process;
use crate::sys::pidfd::{self, PidFd};
use crate::sys::process::{self, Stat};
use crate::sys::signal::Signal;
use crate::sys::wait::{self, Change, Reaped};

/// How long processes that fork faster than they can be ended are chased at a time.
const CHASE: Duration = Duration::from_millis(500);

/// The tree of one command.
#[derive(Debug)]
pub struct Tree {
    command: Process,
    root: Root,
}

#[derive(Debug)]
enum Root {
    /// The command is a child of this process and leads a group of its own.
    Child {
        own: i32,
        lists_children: bool,
        /// The mark of the run, as it stands in an environment.
        mark: String,
        /// Orphans of others come to this process too: it had other children before, or is the first
        /// process of a container.
        is_shared: bool,
    },
    /// The command is another process's child.
    Adopted(Adopted),
}

#[derive(Debug)]
struct Adopted {
    /// Opened while the command was alive; `None` where the kernel refuses.
    descriptor: Option<PidFd>,
    /// The mark of the run, as it stands in an environment.
    mark: String,
    /// The session that belongs to the task alone, if there is one: that of a launcher that was
    /// detached. Once nobody is in it, its number may be another one's.
    session: Cell<Option<i32>>,
    /// When it was adopted, the command still had its number, and so its group.
    has_group: bool,
    /// When it was adopted, the command was not executed yet.
    at_gate: bool,
}

/// The exit code of a child that was told at the gate not to execute anything.
const NOT_EXECUTED: Exit = Exit::Code(127);

impl Tree {
    /// The tree of a child that waits at its gate and leads a group of its own. `run` is its mark.
    pub fn of_child(command: Process, run: &str) -> Self {
        let own = Process::own().pid;
        let lists_children = process::lists_children();
        let has_others = children(own, lists_children)
            .iter()
            .any(|&child| child != command.pid);
        let root = Root::Child {
            own,
            lists_children,
            mark: mark(run),
            is_shared: has_others || own == 1,
        };
        Self { command, root }
    }

    /// The tree of a command whose launcher has died. `run` is its mark; `detached` says that it was
    /// started in a session of its own. If the command has died too and was reaped, its group and
    /// session may be anybody's: then the mark alone tells who was of its tree.
    pub fn adopted(command: Process, detached: bool, run: &str) -> Self {
        let descriptor = PidFd::open(command.pid).ok();
        let present = process::stat(command.pid).filter(|stat| stat.start == command.start);
        // While the command is in it, the kernel gives the session's number to nobody else.
        let session = present.map(|stat| stat.session);
        Self {
            command,
            root: Root::Adopted(Adopted {
                descriptor: descriptor.filter(|_| command.is_alive()),
                mark: mark(run),
                session: Cell::new(session.filter(|_| detached)),
                has_group: present.is_some(),
                at_gate: present.is_some_and(|stat| stat.is_forked_only()),
            }),
        }
    }

    /// The command's group.
    pub fn group(&self) -> i32 {
        self.command.pid
    }

    /// A descriptor that tells when the command ends; a child's end is told by SIGCHLD.
    pub fn descriptor(&self) -> Option<&PidFd> {
        match &self.root {
            Root::Child { .. } => None,
            Root::Adopted(adopted) => adopted.descriptor.as_ref(),
        }
    }

    /// Whether every end of a process of this tree shows by SIGCHLD.
    pub fn tells_ends(&self) -> bool {
        matches!(self.root, Root::Child { .. })
    }

    /// What became of the command; a child is not reaped by this.
    pub fn peek(&self) -> Change {
        match &self.root {
            // Without such a child there is nothing to wait for.
            Root::Child { .. } => {
                wait::peek(self.command.pid).unwrap_or(Change::Ended(Exit::Unknown))
            }
            Root::Adopted(_) if self.command.is_alive() => Change::None,
            Root::Adopted(adopted) => Change::Ended(self.exit(adopted)),
        }
    }

    /// Takes what is known of the command's end; `None` if it still runs.
    pub fn reap_command(&self) -> Option<Reaped> {
        match &self.root {
            Root::Child { .. } => wait::reap(self.command.pid).ok().flatten(),
            Root::Adopted(_) if self.command.is_alive() => None,
            Root::Adopted(adopted) => Some(Reaped {
                exit: self.exit(adopted),
                usage: None,
            }),
        }
    }

    /// How an adopted command has ended, if anybody says.
    fn exit(&self, adopted: &Adopted) -> Exit {
        pidfd::exit(self.command, adopted.descriptor.as_ref())
            .filter(|&exit| exit != NOT_EXECUTED || !adopted.at_gate)
            .unwrap_or(Exit::Unknown)
    }

    /// The processes of the tree that run now, without the command. Children that have ended are
    /// reaped by the way.
    pub fn others(&self) -> Vec<Stat> {
        match &self.root {
            Root::Child {
                own,
                lists_children,
                mark,
                is_shared,
            } => {
                let is_ours = |orphan: &Stat| {
                    !is_shared
                        || orphan.group == self.command.pid
                        || process::has_in_environment(orphan.pid, mark)
                };
                self.descendants(*own, *lists_children, is_ours)
            }
            Root::Adopted(adopted) => {
                let found = self.relatives(adopted);
                // One that has just been started may have been missed; not twice.
                if found.is_empty() {
                    self.relatives(adopted)
                } else {
                    found
                }
            }
        }
    }

    /// Reaps descendants that came to this process and have ended. The command stays.
    pub fn reap_others(&self) {
        if let Root::Child {
            own,
            lists_children,
            ..
        } = self.root
        {
            for child in children(own, lists_children) {
                if child != self.command.pid {
                    is_reaped(child);
                }
            }
        }
    }

    /// Sends a signal to every process of the tree, and lets stopped ones go on so that they get it.
    pub fn signal(&self, signal: Signal) {
        self.signal_all(signal);
        self.signal_all(Signal::CONT);
    }

    /// Passes on to the command's group what the terminal, or somebody in its place, sent to this
    /// process's.
    pub fn pass_on(&self, signal: Signal) {
        if self.signal_group(signal).is_err() {
            self.tell_command(signal);
        }
    }

    /// Sends a signal to the command's group at once, where that hits nobody else for certain.
    fn signal_group(&self, signal: Signal) -> io::Result<()> {
        match &self.root {
            Root::Child { .. } => process::signal_group(self.command.pid, signal),
            Root::Adopted(Adopted {
                descriptor: Some(leader),
                ..
            }) => leader.signal_group(signal),
            Root::Adopted(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Sends a signal to the command alone, as the sender would have without a launcher.
    pub fn tell_command(&self, signal: Signal) {
        let _ = process::signal(self.command, signal);
    }

    /// Ends every process of the tree for certain. Repeats for a while if new ones appear, since a
    /// process may fork between the listing and the signal.
    pub fn kill(&self) {
        let limit = clock::monotonic() + CHASE;
        let mut before: Vec<i32> = Vec::new();
        loop {
            let present = self.signal_all(Signal::KILL);
            if present.iter().all(|pid| before.contains(pid)) || clock::monotonic() >= limit {
                return;
            }
            before.extend(present);
        }
    }

    /// Signals every process of the tree once; returns the others. Failures are seen by what
    /// survives.
    fn signal_all(&self, signal: Signal) -> Vec<i32> {
        // Whoever gets it with the whole group at once cannot fork meanwhile.
        let group_is_reached = self.signal_group(signal).is_ok();
        if !group_is_reached {
            let _ = process::signal(self.command, signal);
        }
        let others = self.others();
        for other in &others {
            if !group_is_reached || other.group != self.command.pid || signal == Signal::KILL {
                let _ = process::signal(other.process(), signal);
            }
        }
        others.iter().map(|stat| stat.pid).collect()
    }

    /// A process that starts another one and ends moves that one to this process, whose children may
    /// have been listed before. So nothing is taken for the last one while the list still changes.
    fn descendants(
        &self,
        own: i32,
        lists_children: bool,
        is_ours: impl Fn(&Stat) -> bool,
    ) -> Vec<Stat> {
        let mut ended = Vec::new();
        loop {
            let mut found = Vec::new();
            let mut changed = false;
            let mut parents = vec![own];
            while let Some(parent) = parents.pop() {
                for child in children(parent, lists_children) {
                    if child == self.command.pid {
                        parents.push(child);
                        continue;
                    }
                    if parent == own && is_reaped(child) {
                        changed = true;
                        continue;
                    }
                    // Since it was listed, its number may have become another one's.
                    match process::stat(child).filter(|stat| stat.parent == parent) {
                        Some(stat) if parent == own && !is_ours(&stat) => {}
                        Some(stat) if stat.is_alive() => {
                            parents.push(child);
                            found.push(stat);
                        }
                        _ if ended.contains(&child) => {}
                        _ => {
                            changed = true;
                            ended.push(child);
                        }
                    }
                }
            }
            if !found.is_empty() || !changed {
                return found;
            }
        }
    }

    fn relatives(&self, adopted: &Adopted) -> Vec<Stat> {
        let command = self.command;
        let own = Process::own().pid;
        let all: Vec<Stat> = process::all().into_iter().filter(Stat::is_alive).collect();
        let present = |pid: i32| all.iter().find(|stat| stat.pid == pid);
        // Once the command is gone its number may be anybody's, and so may the group's once nobody
        // is left in it.
        let command_lives = present(command.pid).is_some_and(|stat| stat.process() == command);
        let leader = adopted.descriptor.as_ref();
        let group_lives = adopted.has_group
            && leader
                .and_then(PidFd::group_exists)
                .unwrap_or_else(|| command_lives || present(command.pid).is_none());
        // The session's leader is the dead launcher; one that has a leader again is another session.
        let session = adopted
            .session
            .get()
            .filter(|&session| present(session).is_none());
        if !all.iter().any(|stat| Some(stat.session) == session) {
            adopted.session.set(None);
        }
        let is_relative = |stat: &Stat| {
            // A descendant is younger than the command.
            stat.start >= command.start
                && stat.pid != command.pid
                && stat.pid != own
                && ((group_lives && stat.group == command.pid)
                    || Some(stat.session) == session
                    || process::has_in_environment(stat.pid, &adopted.mark))
        };
        let mut found: Vec<Stat> = all
            .iter()
            .filter(|stat| is_relative(stat))
            .copied()
            .collect();
        // And all descendants of those, whatever they did to their environment.
        let mut parents: Vec<i32> = found
            .iter()
            .map(|stat| stat.pid)
            .chain(command_lives.then_some(command.pid))
            .collect();
        while let Some(parent) = parents.pop() {
            for stat in all
                .iter()
                .filter(|stat| stat.parent == parent && stat.pid != own)
            {
                if stat.pid != command.pid && !found.iter().any(|known| known.pid == stat.pid) {
                    parents.push(stat.pid);
                    found.push(*stat);
                }
            }
        }
        found
    }
}

/// How a run shows in the environment of its processes.
fn mark(run: &str) -> String {
    format!("TASKWATCHER_RUN={run}")
}

/// The children of a process; where the kernel does not list them, they are searched for.
fn children(parent: i32, lists_children: bool) -> Vec<i32> {
    if lists_children && parent == std::process::id().cast_signed() {
        return process::own_children();
    }
    if lists_children {
        return process::children(parent);
    }
    let all = process::all().into_iter();
    all.filter(|stat| stat.parent == parent)
        .map(|stat| stat.pid)
        .collect()
}

/// Reaps a child if it has ended; whether it had.
fn is_reaped(child: i32) -> bool {
    matches!(wait::reap(child), Ok(Some(_)))
}
