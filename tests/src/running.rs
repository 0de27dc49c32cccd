//! A process that a test started, with what it prints.
//!
//! Output goes to files, not pipes: a grandchild that keeps a descriptor open can then hold up
//! nothing. Dropping a process that still runs kills it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};

use crate::process::Process;
use crate::wait::{Deadline, readable};
use rustix::process::Signal;
use std::os::fd::AsFd;

/// What a finished process left.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it printed as errors.
    pub stderr: String,
}

impl Output {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| {
            panic!(
                "ended by signal {:?}: {}",
                self.status.signal(),
                self.stderr
            )
        })
    }

    /// Asserts success, whatever it printed or remarked.
    #[track_caller]
    pub fn done(self) {
        assert!(self.status.success(), "expected success: {self:?}");
    }

    /// Asserts success without any error text, and gives back what was printed.
    #[must_use]
    #[track_caller]
    pub fn success(self) -> String {
        assert!(
            self.status.success() && self.stderr.is_empty(),
            "expected success: {self:?}"
        );
        self.stdout
    }

    /// Asserts a failure with this code, nothing printed and one line of error, and gives back that
    /// line.
    #[must_use]
    #[track_caller]
    pub fn failure(self, code: i32) -> String {
        assert_eq!(self.status.code(), Some(code), "exit code: {self:?}");
        assert_eq!(self.stdout, "", "standard output carries results only");
        assert_eq!(
            self.stderr.matches('\n').count(),
            1,
            "an error is one line: {:?}",
            self.stderr
        );
        assert!(self.stderr.ends_with('\n'), "{:?}", self.stderr);
        self.stderr.trim_end().to_owned()
    }
}

/// A process that runs.
pub struct Running {
    child: Child,
    process: Process,
    printed: PathBuf,
    complained: PathBuf,
}

impl Running {
    pub(crate) fn start(mut command: Command, printed: PathBuf, complained: PathBuf) -> Self {
        command
            .stdout(fs::File::create(&printed).expect("a file for output"))
            .stderr(fs::File::create(&complained).expect("a file for errors"));
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let pid = i32::try_from(child.id()).expect("a process number");
        let process = Process::open(pid).expect("a child that was not reaped yet");
        Self {
            child,
            process,
            printed,
            complained,
        }
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// True once it has ended; never waits.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// What it has printed so far.
    #[must_use]
    pub fn stdout_so_far(&self) -> String {
        read(&self.printed)
    }

    /// What it has complained of so far.
    #[must_use]
    pub fn stderr_so_far(&self) -> String {
        read(&self.complained)
    }

    /// Waits for its end.
    #[must_use]
    #[track_caller]
    pub fn wait(mut self) -> Output {
        self.wait_unreaped();
        let status = self.child.wait().expect("the end of a child");
        Output {
            status,
            stdout: read(&self.printed),
            stderr: read(&self.complained),
        }
    }

    /// Waits for its end and leaves the zombie, as a parent does that is busy with something else.
    #[track_caller]
    pub fn wait_unreaped(&self) {
        assert!(
            readable(self.process.as_fd(), Deadline::new()),
            "still runs: {}\nprinted: {}\ncomplained: {}",
            crate::process::describe(self.pid()),
            read(&self.printed),
            read(&self.complained)
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A child that was waited for already makes both calls fail without harm.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &PathBuf) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a file of output")).into_owned()
}
