//! The processes of a task: its command and every descendant, also one that left the group or the
//! session. This launcher is their subreaper, so that they come to it when their parents end.
//!
//! No process is signalled whose identity was not verified right before: the command's own group is
//! safe while the command is unreaped, the others are signalled through a descriptor of their own.

use crate::sys::identity::Process;
use crate::sys::process::{self, Stat};
use crate::sys::signal::Signal;
use crate::sys::wait::{self, Change, Reaped};

/// The tree of one command, a child of this process.
#[derive(Debug)]
pub struct Tree {
    command: i32,
    own: i32,
    lists_children: bool,
}

impl Tree {
    /// The tree of the child with this process id, which leads a group of its own.
    pub fn of_child(command: i32) -> Self {
        Self {
            command,
            own: Process::own().pid,
            lists_children: process::lists_children(),
        }
    }

    /// The command's group.
    pub fn group(&self) -> i32 {
        self.command
    }

    /// What became of the command; it is not reaped by this.
    pub fn peek(&self) -> Change {
        // Without such a child there is nothing to wait for.
        wait::peek(self.command).unwrap_or(Change::Ended)
    }

    /// Takes the command's exit facts; `None` if it still runs.
    pub fn reap_command(&self) -> Option<Reaped> {
        wait::reap(self.command).ok().flatten()
    }

    /// The processes of the tree that run now, without the command. Descendants that came to this
    /// process and have ended are reaped by the way.
    pub fn others(&self) -> Vec<Stat> {
        let mut found = Vec::new();
        let mut parents = vec![self.own];
        while let Some(parent) = parents.pop() {
            for child in self.children(parent) {
                if child == self.command {
                    parents.push(child);
                } else if parent != self.own || !is_reaped(child) {
                    parents.push(child);
                    found.extend(process::stat(child).filter(Stat::is_alive));
                }
            }
        }
        found
    }

    /// Reaps descendants that came to this process and have ended. The command stays.
    pub fn reap_others(&self) {
        for child in self.children(self.own) {
            if child != self.command {
                is_reaped(child);
            }
        }
    }

    /// Sends a signal to every process of the tree, and lets stopped ones go on so that they get it.
    pub fn signal(&self, signal: Signal) {
        for signal in [signal, Signal::CONT] {
            // An empty group, or one that belongs to another user now, is seen by what survives.
            let _ = process::signal_group(self.command, signal);
            for other in self.others() {
                if other.group != self.command {
                    let process = Process {
                        pid: other.pid,
                        start: other.start,
                    };
                    let _ = process::signal(process, signal);
                }
            }
        }
    }

    /// Stops the command's group as Ctrl-Z would.
    pub fn stop(&self) {
        let _ = process::signal_group(self.command, Signal::TSTP);
    }

    /// Lets the command's group go on after a stop.
    pub fn go_on(&self) {
        let _ = process::signal_group(self.command, Signal::CONT);
    }

    /// Ends every process of the tree for certain. Repeats while new ones appear, since a process
    /// may fork between the listing and the signal.
    pub fn kill(&self) {
        let mut before: Vec<i32> = Vec::new();
        loop {
            let _ = process::signal_group(self.command, Signal::KILL);
            let others = self.others();
            for other in &others {
                let process = Process {
                    pid: other.pid,
                    start: other.start,
                };
                let _ = process::signal(process, Signal::KILL);
            }
            let present: Vec<i32> = others.iter().map(|stat| stat.pid).collect();
            if present.iter().all(|pid| before.contains(pid)) {
                return;
            }
            before.extend(present);
        }
    }

    fn children(&self, parent: i32) -> Vec<i32> {
        if self.lists_children {
            process::children(parent)
        } else {
            let all = process::all().into_iter();
            all.filter(|stat| stat.parent == parent)
                .map(|stat| stat.pid)
                .collect()
        }
    }
}

/// Reaps a child if it has ended; whether it had.
fn is_reaped(child: i32) -> bool {
    matches!(wait::reap(child), Ok(Some(_)))
}
