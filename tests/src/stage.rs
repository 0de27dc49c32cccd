//! The test's end of its puppets: each `puppet` process connects to the stage, says its name and
//! does what it is told.
//!
//! One line each way per command, so a test knows that a step is done before it takes the next.
//! When a puppet ends, whatever ends it, the test sees the end of file; when the test ends, the
//! puppet sees it and exits: no puppet outlives its test.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::wait::{Deadline, readable};

/// Where puppets appear.
pub struct Stage {
    path: PathBuf,
    listener: UnixListener,
    waiting: RefCell<Vec<Puppet>>,
}

impl Stage {
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("stage");
        let listener = UnixListener::bind(&path).expect("a socket in the lab's folder");
        Self {
            path,
            listener,
            waiting: RefCell::default(),
        }
    }

    /// The socket, as a puppet's `--stage` wants it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.to_str().expect("a folder with a plain name")
    }

    /// Waits for the puppet of this name to appear.
    #[must_use]
    pub fn expect(&self, name: &str) -> Puppet {
        let deadline = Deadline::new();
        loop {
            if let Some(puppet) = self.take(name) {
                return puppet;
            }
            assert!(
                readable(self.listener.as_fd(), deadline),
                "no puppet called {name} appeared"
            );
            self.admit();
        }
    }

    /// True if a puppet of this name has appeared and was not taken yet; never waits.
    #[must_use]
    pub fn has_appeared(&self, name: &str) -> bool {
        while readable(self.listener.as_fd(), Deadline::now()) {
            self.admit();
        }
        self.waiting.borrow().iter().any(|it| it.name == name)
    }

    fn take(&self, name: &str) -> Option<Puppet> {
        let mut waiting = self.waiting.borrow_mut();
        let place = waiting.iter().position(|puppet| puppet.name == name)?;
        Some(waiting.remove(place))
    }

    fn admit(&self) {
        let (stream, _) = self.listener.accept().expect("a puppet's connection");
        let mut puppet = Puppet {
            name: String::new(),
            pid: 0,
            stream,
            unread: Vec::new(),
            signals: Vec::new(),
        };
        // One that was killed before it could speak has not appeared.
        let Some(hello) = puppet.line() else { return };
        let mut words = hello.split(' ').skip(1);
        if let (Some(name), Some(pid)) = (words.next(), words.next()) {
            name.clone_into(&mut puppet.name);
            puppet.pid = pid.parse().expect("a process number");
            self.waiting.borrow_mut().push(puppet);
        }
    }
}

/// One process that does what the test tells it.
pub struct Puppet {
    name: String,
    pid: i32,
    stream: UnixStream,
    unread: Vec<u8>,
    signals: Vec<String>,
}

impl Puppet {
    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Has it do something and waits until it is done; gives back what it answers.
    pub fn tell(&mut self, command: &str) -> String {
        self.send(command);
        loop {
            let Some(line) = self.line() else {
                panic!("puppet {} ended instead of doing: {command}", self.name)
            };
            if let Some(signal) = line.strip_prefix("signal ") {
                self.signals.push(signal.to_owned());
            } else if let Some(answer) = line.strip_prefix("ok") {
                return answer.trim_start().to_owned();
            } else {
                panic!("puppet {} cannot do {command}: {line}", self.name);
            }
        }
    }

    /// Has it do something that leaves no time for an answer, such as `exit 3`.
    pub fn send(&mut self, command: &str) {
        writeln!(self.stream, "{command}")
            .unwrap_or_else(|error| panic!("puppet {} is gone ({error})", self.name));
    }

    /// Ends it with this exit code and waits for that.
    pub fn exit(mut self, code: u8) {
        self.send(&format!("exit {code}"));
        self.wait_for_end();
    }

    /// Writes one line of feedback as the known producer does; gives back the time in unix
    /// milliseconds.
    pub fn say(&mut self, line: &str) -> i64 {
        let answer = self.tell(&format!("say {line}"));
        answer.parse().expect("a time in milliseconds")
    }

    /// What it was started with: arguments, environment, descriptors, signals.
    pub fn report(&mut self) -> Value {
        serde_json::from_str(&self.tell("report")).expect("a report in JSON")
    }

    /// Starts another puppet from this one; `how` are words such as `setsid` or `orphan`.
    #[must_use]
    pub fn child(&mut self, stage: &Stage, name: &str, how: &str) -> Puppet {
        self.tell(&format!("child {name} {how}"));
        stage.expect(name)
    }

    /// Waits for the next of the signals that it was told to `hold`.
    pub fn next_signal(&mut self) -> String {
        if !self.signals.is_empty() {
            return self.signals.remove(0);
        }
        let Some(line) = self.line() else {
            panic!("puppet {} ended, no signal came first", self.name)
        };
        line.strip_prefix("signal ")
            .unwrap_or_else(|| panic!("puppet {} said {line}", self.name))
            .to_owned()
    }

    /// Waits until the process has ended.
    pub fn wait_for_end(&mut self) {
        while let Some(line) = self.line() {
            if let Some(signal) = line.strip_prefix("signal ") {
                self.signals.push(signal.to_owned());
            }
        }
    }

    /// True when the process has ended already; never waits.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        while readable(self.stream.as_fd(), Deadline::now()) {
            if self.read() == 0 {
                return true;
            }
        }
        false
    }

    /// The next line; nothing at the end of the process.
    fn line(&mut self) -> Option<String> {
        let deadline = Deadline::new();
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            assert!(
                readable(self.stream.as_fd(), deadline),
                "puppet {} ({}) does not answer: {}",
                self.name,
                self.pid,
                crate::process::describe(self.pid)
            );
            if self.read() == 0 {
                return None;
            }
        }
    }

    fn read(&mut self) -> usize {
        let mut piece = [0; 4096];
        // A reset is how the end looks when the puppet left something unread.
        let count = self.stream.read(&mut piece).unwrap_or(0);
        self.unread.extend_from_slice(&piece[..count]);
        count
    }
}
