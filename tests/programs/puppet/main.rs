//! A program that does what a test tells it: a task, a daemon, a shell, whatever the test needs.
//!
//! ```text
//! puppet [--stage SOCKET] [--name NAME] [--feedback FILE] [--do COMMAND]… [anything]
//! ```
//! Commands come from `--do` in their order, then line by line over the stage's socket, each
//! answered by one line (`ok …` or `error …`), so the test always knows what has happened. When the
//! socket closes, the puppet exits: it never outlives its test. Other arguments are there to be
//! reported.
//!
//! | command | what it does |
//! |---|---|
//! | `exit N`, `die SIGNAL`, `stop` | ends or stops itself |
//! | `say LINE` | one update as the known producer makes it |
//! | `nap MS` | takes its time |
//! | `beats COUNT RATE` | heartbeats, RATE a second |
//! | `raw TEXT`, `rewrite TEXT`, `replace TEXT`, `truncate`, `remove` | other treatment of the feedback file |
//! | `hold SIGNAL…` | from now on these are told to the test instead of acting |
//! | `child NAME [setsid] [orphan] [bare]` | another puppet from this one |
//! | `hop COUNT` | a chain of processes, each starts the next and exits; the last one appears as `hopped` |
//! | `start PROGRAM…`, `job PROGRAM…`, `background PROGRAM…`, `await` | a program of its own: plain, or as a shell's job |
//! | `fg` | lets a stopped job go on |
//! | `take-watches` | takes every inotify instance that its user may have |
//! | `print TEXT`, `read`, `flags FD`, `report`, `foreground` | what it sees |
#![forbid(unsafe_code)]

mod feedback;
mod kin;
mod report;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{InitFlags, Inotify};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use feedback::Feedback;
use kin::Kin;
use report::Report;

/// The exit code when the test went away first.
const ABANDONED: u8 = 99;

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    stage: Option<PathBuf>,
    name: String,
    feedback: Option<PathBuf>,
    commands: Vec<String>,
    /// Leave the session before anything else.
    setsid: bool,
    /// Stay off the stage: the first half of a double fork.
    mute: bool,
    /// Number of processes still to come in a chain.
    hops: Option<u32>,
    /// The terminal to take as controlling terminal, as a login does.
    terminal: Option<PathBuf>,
}

fn main() -> ExitCode {
    // Before anything opens a descriptor of its own.
    let report = Report::take();
    let arguments = parse();
    if arguments.setsid || arguments.terminal.is_some() {
        nix::unistd::setsid().expect("a session of its own");
    }
    if let Some(terminal) = &arguments.terminal {
        kin::take_terminal(terminal);
    }
    if let Some(hops) = arguments.hops
        && kin::hop(hops, arguments.stage.as_deref())
    {
        return ExitCode::SUCCESS;
    }
    let mut puppet = Puppet {
        kin: Kin::new(arguments.stage.clone()),
        feedback: Feedback::new(arguments.feedback),
        signals: None,
        watches: Vec::new(),
        report,
    };
    for command in &arguments.commands {
        if let Err(error) = puppet.obey(command) {
            eprintln!("puppet: {command}: {error}");
            return ExitCode::FAILURE;
        }
    }
    match arguments.stage {
        Some(stage) if !arguments.mute => puppet.play(&stage, &arguments.name),
        _ => ExitCode::SUCCESS,
    }
}

fn parse() -> Arguments {
    let mut parsed = Arguments {
        name: "puppet".to_owned(),
        ..Arguments::default()
    };
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_default();
        match word.to_str() {
            Some("--stage") => parsed.stage = Some(next().into()),
            Some("--name") => parsed.name = next().to_string_lossy().into_owned(),
            Some("--feedback") => parsed.feedback = Some(next().into()),
            Some("--do") => parsed.commands.push(next().to_string_lossy().into_owned()),
            Some("--hops") => parsed.hops = next().to_str().and_then(|it| it.parse().ok()),
            Some("--terminal") => parsed.terminal = Some(next().into()),
            Some("--setsid") => parsed.setsid = true,
            Some("--mute") => parsed.mute = true,
            Some(word) if word.starts_with("--feedback=") => {
                parsed.feedback = Some(word["--feedback=".len()..].into());
            }
            _ => {}
        }
    }
    if parsed.feedback.is_none() {
        parsed.feedback = std::env::var_os("TASKWATCHER_FEEDBACK").map(PathBuf::from);
    }
    parsed
}

struct Puppet {
    kin: Kin,
    feedback: Feedback,
    signals: Option<SignalFd>,
    watches: Vec<Inotify>,
    report: Report,
}

impl Puppet {
    /// Follows the stage's commands until told to exit or abandoned.
    fn play(&mut self, stage: &std::path::Path, name: &str) -> ExitCode {
        let Ok(mut stream) = UnixStream::connect(stage) else {
            return ExitCode::from(ABANDONED);
        };
        let say = |stream: &mut UnixStream, line: &str| {
            // A test that is gone shows as the end of the stream, next.
            let _ = writeln!(stream, "{line}");
        };
        say(&mut stream, &format!("hello {name} {}", std::process::id()));
        let mut unread = Vec::new();
        loop {
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                let command = String::from_utf8_lossy(&line[..end]).into_owned();
                match self.obey(&command) {
                    Ok(answer) => say(&mut stream, &format!("ok {answer}")),
                    Err(error) => say(&mut stream, &format!("error {error}")),
                }
            }
            let (commands, signals) = wait(&stream, self.signals.as_ref());
            if signals
                && let Some(held) = &self.signals
                && let Ok(Some(info)) = held.read_signal()
            {
                let number = i32::try_from(info.ssi_signo).unwrap_or_default();
                let signal = Signal::try_from(number).map_or("unknown", Signal::as_str);
                say(&mut stream, &format!("signal {signal}"));
            }
            if commands {
                let mut piece = [0; 4096];
                match stream.read(&mut piece) {
                    Ok(count) if count > 0 => unread.extend_from_slice(&piece[..count]),
                    _ => return ExitCode::from(ABANDONED),
                }
            }
        }
    }

    /// Does one command; the answer is for the test.
    fn obey(&mut self, command: &str) -> Result<String, Box<dyn std::error::Error>> {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match verb {
            "exit" => std::process::exit(rest.parse()?),
            "die" => {
                let signal = Signal::from_str(rest)?;
                SigSet::from_iter([signal]).thread_unblock()?;
                // The run-time's own handler for a stack overflow lets the first one pass.
                raise(signal)?;
                raise(signal)?;
            }
            "stop" => raise(Signal::SIGSTOP)?,
            "nap" => {
                poll(&mut [], PollTimeout::try_from(rest.parse::<u32>()?)?)?;
            }
            "hold" => self.hold(rest)?,
            "print" => {
                println!("{rest}");
                std::io::stdout().flush()?;
            }
            "read" => return report::read_input(),
            "flags" => return report::descriptor_flags(rest),
            "report" => return Ok(self.report.to_string()),
            "foreground" => return report::foreground(),
            "child" => return self.kin.child(rest),
            "hop" => return self.kin.start_hops(rest),
            "start" => return self.kin.start(rest),
            "job" => return self.kin.job(rest),
            "background" => return self.kin.background(rest),
            "fg" => return self.kin.foreground(),
            "take-watches" => return self.take_watches(),
            "await" => return self.kin.wait(),
            _ => return self.feedback.obey(verb, rest),
        }
        Ok(String::new())
    }

    /// Takes every inotify instance that this user may have.
    fn take_watches(&mut self) -> Result<String, Box<dyn std::error::Error>> {
        loop {
            match Inotify::init(InitFlags::IN_CLOEXEC) {
                Ok(instance) => self.watches.push(instance),
                Err(Errno::EMFILE) => return Ok(self.watches.len().to_string()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hold(&mut self, names: &str) -> Result<(), Box<dyn std::error::Error>> {
        let mut set = SigSet::empty();
        for name in names.split_whitespace() {
            set.add(Signal::from_str(name)?);
        }
        // Blocked is as deaf as ignored, and the descriptor says that the signal came.
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        self.signals = Some(SignalFd::with_flags(&set, flags)?);
        Ok(())
    }
}

/// Waits for a command or a held signal.
fn wait(stream: &UnixStream, signals: Option<&SignalFd>) -> (bool, bool) {
    let mut wanted = vec![PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    if let Some(signals) = signals {
        wanted.push(PollFd::new(signals.as_fd(), PollFlags::POLLIN));
    }
    // An interrupted wait has nothing to tell, and the caller comes back.
    if poll(&mut wanted, PollTimeout::NONE).is_err() {
        return (false, false);
    }
    let ready = |it: &PollFd<'_>| it.any().unwrap_or(false);
    (ready(&wanted[0]), wanted.get(1).is_some_and(ready))
}
