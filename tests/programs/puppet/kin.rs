//! Processes that a puppet starts: children, daemons, chains, and programs like a shell's.

use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpgrp, tcsetpgrp};

type Answer = Result<String, Box<dyn std::error::Error>>;

/// Separates the words of a program to start: the only character that none of them has.
const SEPARATOR: char = '\u{1f}';

/// What a puppet has started.
pub(crate) struct Kin {
    stage: Option<PathBuf>,
    program: Option<Pid>,
    is_job: bool,
}

impl Kin {
    pub(crate) fn new(stage: Option<PathBuf>) -> Self {
        Self {
            stage,
            program: None,
            is_job: false,
        }
    }

    /// `child NAME [setsid] [orphan] [bare]`: another puppet.
    pub(crate) fn child(&mut self, rest: &str) -> Answer {
        let mut words = rest.split_whitespace();
        let name = words.next().ok_or("child NAME")?;
        let how: Vec<&str> = words.collect();
        let stage = self.stage.as_ref().ok_or("no stage")?;
        let mut command = quiet_self()?;
        command.arg("--stage").arg(stage);
        if how.contains(&"bare") {
            command.env_clear();
        }
        if how.contains(&"orphan") {
            // The half in the middle leaves the session, starts the daemon and is gone.
            let setsid = if how.contains(&"setsid") {
                " setsid"
            } else {
                ""
            };
            command.args(["--mute", "--do", &format!("child {name}{setsid}")]);
            if how.contains(&"setsid") {
                command.arg("--setsid");
            }
            let status = command.status()?;
            return if status.success() {
                Ok(String::new())
            } else {
                Err(format!("the first half of a double fork failed: {status}").into())
            };
        }
        command.args(["--name", name]);
        if how.contains(&"setsid") {
            command.arg("--setsid");
        }
        Ok(command.spawn()?.id().to_string())
    }

    /// `hop COUNT`: starts a chain of processes.
    pub(crate) fn start_hops(&mut self, rest: &str) -> Answer {
        let stage = self.stage.as_ref().ok_or("no stage")?;
        let mut command = quiet_self()?;
        command.arg("--stage").arg(stage).args(["--hops", rest]);
        Ok(command.spawn()?.id().to_string())
    }

    /// `start PROGRAM…`: a program with this process's own input and output.
    pub(crate) fn start(&mut self, rest: &str) -> Answer {
        self.run(&mut words(rest)?, false)
    }

    /// `job PROGRAM…`: the same in a group of its own that gets the terminal, as an interactive
    /// shell does it.
    pub(crate) fn job(&mut self, rest: &str) -> Answer {
        // A shell must not be stopped when it takes the terminal back.
        SigSet::from_iter([Signal::SIGTTOU]).thread_block()?;
        self.run(words(rest)?.process_group(0), true)
    }

    /// `background PROGRAM…`: the same in a group of its own, without the terminal, as after `&`.
    pub(crate) fn background(&mut self, rest: &str) -> Answer {
        self.run(words(rest)?.process_group(0), false)
    }

    /// `await`: the end of that program, or that it was stopped, as a shell reports it.
    pub(crate) fn wait(&mut self) -> Answer {
        let pid = self.program.ok_or("nothing was started")?;
        let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED))?;
        if self.is_job {
            tcsetpgrp(std::io::stdin(), getpgrp())?;
        }
        Ok(match status {
            WaitStatus::Exited(_, code) => code.to_string(),
            WaitStatus::Signaled(_, signal, _) => (128 + signal as i32).to_string(),
            WaitStatus::Stopped(_, signal) => format!("stopped {signal}"),
            other => format!("{other:?}"),
        })
    }

    /// `fg`: lets the stopped job go on, in the foreground.
    pub(crate) fn foreground(&mut self) -> Answer {
        let pid = self.program.ok_or("nothing was started")?;
        tcsetpgrp(std::io::stdin(), pid)?;
        killpg(pid, Signal::SIGCONT)?;
        Ok(String::new())
    }

    fn run(&mut self, command: &mut Command, is_job: bool) -> Answer {
        let child = command.spawn()?;
        // Waited for by number, because only that tells of a stop.
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        self.program = Some(pid);
        self.is_job = is_job;
        if is_job {
            tcsetpgrp(std::io::stdin(), pid)?;
        }
        Ok(pid.to_string())
    }
}

/// One link of a chain: starts the next and says that this one is done; the last link says that it
/// stays.
pub(crate) fn hop(left: u32, stage: Option<&Path>) -> bool {
    let (Some(stage), Ok(mut command)) = (stage, quiet_self()) else {
        return true;
    };
    command.arg("--stage").arg(stage);
    if left == 0 {
        command.args(["--name", "hopped"]);
    } else {
        command.args(["--hops", &(left - 1).to_string()]);
    }
    // A machine without room for another process ends the chain early, which is an end like any
    // other.
    let _ = command.spawn();
    true
}

/// Makes a terminal the controlling one of this session and its three standard streams.
pub(crate) fn take_terminal(path: &Path) {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .expect("the terminal");
    dup2_stdin(terminal.as_fd()).expect("standard input");
    dup2_stdout(terminal.as_fd()).expect("standard output");
    dup2_stderr(terminal.as_fd()).expect("standard error");
}

fn quiet_self() -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

fn words(rest: &str) -> Result<Command, &'static str> {
    let mut words = rest.split(SEPARATOR);
    let mut command = Command::new(words.next().ok_or("a program")?);
    command.args(words);
    Ok(command)
}
