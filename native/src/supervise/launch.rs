//! Starting a task: fork to the gate, claim the row and record the child in one transaction, open
//! the gate, watch, archive.
//!
//! The fork comes before the database is first opened: no connection is carried into a child, and
//! the child's peak of memory does not begin at what SQLite needs.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use taskwatcher_core::json::Json;
use taskwatcher_core::outcome::{Exit, Outcome};
use taskwatcher_core::status::Status;

use super::arguments::{substitute, warn_of_another_file};
use super::finish::{self, Ended, NotStarted};
use super::heartbeat::Heartbeat;
use super::recover;
use super::run::{Started, Supervision};
use super::task::{Options, Task, Timeline};
use super::tree::Tree;
use crate::error::{Error, plain};
use crate::feedback::{self, Reading};
use crate::store::{Labels, Start, Store, Taken, feedback_name};
use crate::sys::clock;
use crate::sys::fault::{self, Step};
use crate::sys::file::{self, Version};
use crate::sys::identity::{self, Identity, Place, Process};
use crate::sys::process;
use crate::sys::proof::Proof;
use crate::sys::signal::{Inherited, Signal, Signals};
use crate::sys::spawn::{self, Gate, Order};
use crate::sys::terminal::Terminal;

/// A launch that was asked for, checked as far as possible without the database.
#[derive(Clone, Debug)]
pub struct Request {
    /// The database, an absolute path.
    pub database: PathBuf,
    /// Which id it takes.
    pub taken: Taken,
    /// Name and infos that were given.
    pub labels: Labels,
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Leave `{taskid}` and `{feedback}` as they are.
    pub literal: bool,
    /// Whether the task gives feedback.
    pub gives_feedback: bool,
    /// The folder of the feedback file, an absolute path.
    pub feedpath: PathBuf,
    /// Seconds without heartbeat after which it is ended.
    pub timeout: Option<f64>,
    /// The other options.
    pub options: Options,
    /// File that gets the command's output.
    pub output: Option<PathBuf>,
}

/// How a launch ended, for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The exit code of `launch`.
    pub code: u8,
    /// Why the command was not started, if so.
    pub not_started: Option<String>,
    /// The key that ended it.
    pub interrupted: Option<Interrupt>,
}

/// A key of the terminal that has ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// The signal of the key.
    pub signal: Signal,
    /// Whether the command alone was in the foreground: else the terminal has sent the signal to the
    /// caller's group too.
    pub alone: bool,
}

/// What the claim has made known.
struct Prepared {
    signals: Signals,
    order: Order,
    task: Task,
    old: Option<Reading>,
    timeline: Timeline,
    child: Process,
    /// Held until the task is archived. Without it (a kernel without files in memory), others than this
    /// user alone must not be able to write the database.
    proof: io::Result<Proof>,
}

/// Runs a task from its claim to its end. `started` is called once the command really runs.
///
/// # Errors
/// Nothing was started and nothing recorded; or the record could not be committed at the end.
pub fn launch(request: &Request, started: impl FnOnce(i64)) -> Result<Finished, Error> {
    let failed = |doing: &'static str| move |error: io::Error| Error::io(doing, &error);
    let inherited = Inherited::read().map_err(failed("read the signals this process was given"))?;
    process::adopt_orphans().map_err(failed("become the parent of orphaned processes"))?;
    let terminal = Terminal::controlling();
    let output = Output::open(request.output.as_deref())?;
    fault::reach(Step::BeforeFork);
    let gate = Gate::fork(&inherited, output.descriptor()).map_err(failed("fork"))?;
    fault::reach(Step::Forked);
    let (store, row, prepared) = match claim(request, &inherited, gate.pid()) {
        Ok(claimed) => {
            fault::reach(Step::Claimed);
            claimed
        }
        Err(error) => {
            gate.abandon();
            output.withdraw();
            return Err(error);
        }
    };
    drop(store);
    drop(output);
    // Nobody may be there to read it: it holds up no database.
    if let Some(path) = &prepared.task.feedfile {
        warn_of_another_file(&prepared.order.arguments, path);
    }
    let Prepared {
        signals,
        order,
        task,
        old,
        timeline,
        child,
        proof: _proof,
    } = prepared;
    let tree = Tree::of_child(child, &task.run);
    let group = gate.pid();
    let foreground = terminal.as_ref().filter(|terminal| terminal.is_ours());
    let was_in_front = foreground.is_some();
    if let Some(terminal) = foreground.filter(|_| Terminal::is_both_ends()) {
        // A command without the terminal still runs; it gets it when it is stopped for want of it.
        let _ = terminal.give(group);
    }
    let start = Started::now();
    let heartbeat = task
        .feedfile
        .clone()
        .map(|path| Heartbeat::new(path, task.options.before, start.monotonic()));
    let ended = match gate.open(&order, &signals) {
        Ok(()) => {
            fault::reach(Step::Executed);
            started(task.id);
            Supervision::new(
                &task,
                tree,
                &signals,
                terminal.as_ref(),
                heartbeat,
                timeline,
                start,
            )
            .run()
        }
        Err(error) => not_started(&request.command[0], &error, &timeline),
    };
    let front = terminal.as_ref().and_then(Terminal::foreground);
    let interrupted = interrupting_key(&ended, front == Some(group));
    if let Some(terminal) = &terminal
        && (front == Some(group) || (was_in_front && !front.is_some_and(process::group_exists)))
    {
        let _ = terminal.take_back();
    }
    let code = exit_code(&ended);
    finish::archive(&task, &row, old.as_ref(), &ended, &signals)?;
    Ok(Finished {
        code,
        not_started: ended.not_started.map(|failure| failure.reason),
        interrupted,
    })
}

/// Claims the row for a child that waits at the gate, in one transaction.
fn claim(
    request: &Request,
    inherited: &Inherited,
    child: i32,
) -> Result<(Store, taskwatcher_core::record::Task, Prepared), Error> {
    let mut store = recover::open_or_create(&request.database)?;
    if request.gives_feedback {
        prepare_folder(&request.feedpath)?;
    }
    let default_name = file_name(&request.command[0]);
    let prepare = |id| prepare(request, inherited, child, id);
    let (row, prepared) = store.claim(
        request.taken,
        &request.labels,
        &default_name,
        clock::unix_seconds(),
        prepare,
    )?;
    Ok((store, row, prepared))
}

/// The content of the row, once the id is known. Up to here a signal ends this process as any other
/// one, also while it waits for the database; from now on there is a task to end.
fn prepare(
    request: &Request,
    inherited: &Inherited,
    child: i32,
    id: i64,
) -> Result<(Start, Prepared), Error> {
    let signals =
        Signals::take(inherited).map_err(|error| Error::io("take over signals", &error))?;
    let feedfile = request
        .gives_feedback
        .then(|| request.feedpath.join(feedback_name(id)));
    let arguments: Vec<OsString> = if request.literal {
        request.command.clone()
    } else {
        request
            .command
            .iter()
            .map(|argument| substitute(argument, id, feedfile.as_deref()))
            .collect()
    };
    let run = identity::random_mark().map_err(|error| Error::io("draw a random mark", &error))?;
    let child = Process::of(child).ok_or_else(|| {
        Error::Refused(
            "the child cannot be seen in /proc: it was killed before its start, or /proc is not mounted"
                .to_owned(),
        )
    })?;
    let proof = Proof::show(&run, &request.database);
    let identity = Identity {
        place: Place::here().clone(),
        launcher: Process::own(),
        child,
        run: run.clone(),
    };
    let words: Vec<_> = arguments
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    let timeline = Timeline::new(Status::Running);
    let mut options = request.options.clone();
    options.launched = Some(clock::monotonic());
    options.before = feedfile.as_deref().and_then(Version::of);
    let old = feedfile.as_deref().and_then(feedback::mark_old);
    let start = Start {
        pid: child.pid,
        starttime: clock::unix_seconds(),
        timeout: request.timeout,
        command: Json::of(&words).as_str().to_owned(),
        cwd: std::env::current_dir()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        host: identity::host(),
        feedfile: feedfile.clone(),
        options: Json::of(&options).as_str().to_owned(),
        timeline: timeline.to_json(),
        identity: Json::of(&identity).as_str().to_owned(),
        run: run.clone(),
        old: old.clone(),
    };
    let environment = [
        ("TASKWATCHER_TASKID", Some(id.to_string().into())),
        (
            "TASKWATCHER_FEEDBACK",
            feedfile.clone().map(PathBuf::into_os_string),
        ),
        (
            "TASKWATCHER_DB",
            Some(request.database.clone().into_os_string()),
        ),
        ("TASKWATCHER_RUN", Some(run.clone().into())),
    ];
    let task = Task {
        id,
        run,
        database: request.database.clone(),
        feedfile: feedfile.clone(),
        timeout: request.timeout,
        options,
    };
    let prepared = Prepared {
        signals,
        order: Order {
            arguments,
            environment: environment.map(|(name, value)| (name.into(), value)).into(),
        },
        task,
        old,
        timeline,
        child,
        proof,
    };
    Ok((start, prepared))
}

/// Makes the folder for feedback, if there is none, and checks that a task can write there.
fn prepare_folder(feedpath: &Path) -> Result<(), Error> {
    let failed = |error: &io::Error| {
        Error::Refused(format!(
            "the folder for feedback '{}' cannot be used: {}; name another one with --feedpath",
            feedpath.display(),
            plain(error)
        ))
    };
    file::create_private_folder(feedpath).map_err(|error| failed(&error))?;
    file::check_writable_folder(feedpath).map_err(|error| failed(&error))
}

fn file_name(program: &OsStr) -> String {
    Path::new(program)
        .file_name()
        .unwrap_or(program)
        .to_string_lossy()
        .into_owned()
}

/// ENOEXEC, the same number on every Linux.
const EXEC_FORMAT: i32 = 8;

fn not_started(program: &OsStr, error: &io::Error, timeline: &Timeline) -> Ended {
    let name = program.to_string_lossy();
    let failure = if error.raw_os_error() == Some(EXEC_FORMAT) {
        let reason = format!(
            "cannot execute '{name}': it is neither a program for this machine nor a script that \
                              begins with '#!'"
        );
        NotStarted { code: 126, reason }
    } else if error.kind() != io::ErrorKind::NotFound {
        NotStarted {
            code: 126,
            reason: format!(
                "cannot execute '{name}': {}; check that it is a program, and who may execute it",
                plain(error)
            ),
        }
    } else if spawn::exists(program) {
        let reason = format!(
            "cannot execute '{name}': the interpreter that it names does not exist; check its first line"
        );
        NotStarted { code: 127, reason }
    } else if program.as_bytes().contains(&b'/') {
        let reason = format!("cannot execute '{name}': it does not exist; check the path");
        NotStarted { code: 127, reason }
    } else {
        let reason = format!("command '{name}' was not found; check its spelling and PATH");
        NotStarted { code: 127, reason }
    };
    Ended {
        reaped: None,
        ending: None,
        not_started: Some(failure),
        elapsed: std::time::Duration::ZERO,
        endtime: clock::unix_seconds(),
        leftovers: 0,
        key: None,
        survivors: Vec::new(),
        timeline: timeline.to_json(),
    }
}

fn exit_code(ended: &Ended) -> u8 {
    let code = match (ended.outcome(), ended.exit()) {
        (Outcome::Timeout, _) => 124,
        (Outcome::NotStarted, _) => ended
            .not_started
            .as_ref()
            .map_or(126, |failure| failure.code),
        (_, Exit::Code(code)) => code,
        (_, Exit::Signal(signal)) => 128 + signal,
        (_, Exit::Unknown) => 125,
    };
    u8::try_from(code).unwrap_or(125)
}

/// The key that ended a command, if one did. A command that caught it and ended by itself is none:
/// then a shell goes on too.
fn interrupting_key(ended: &Ended, alone: bool) -> Option<Interrupt> {
    let Exit::Signal(number) = ended.exit() else {
        return None;
    };
    let signal = Signal::from_number(number);
    let is_key = matches!(signal, Signal::INT | Signal::QUIT) && ended.ending.is_none();
    (is_key && (alone || ended.key == Some(signal))).then_some(Interrupt { signal, alone })
}

/// The file that gets the command's output, opened before anything runs.
struct Output {
    file: Option<OwnedFd>,
    path: Option<PathBuf>,
    created: bool,
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else {
            return Ok(Self {
                file: None,
                path: None,
                created: false,
            });
        };
        let (file, created) = file::open_append(path).map_err(|error| {
            Error::io(format!("open the output file '{}'", path.display()), &error)
        })?;
        Ok(Self {
            file: Some(file.into()),
            path: Some(path.to_owned()),
            created,
        })
    }

    fn descriptor(&self) -> Option<&OwnedFd> {
        self.file.as_ref()
    }

    /// Nothing was started: a file that was made for it goes.
    fn withdraw(self) {
        if let Some(path) = self.path.filter(|_| self.created) {
            let _ = std::fs::remove_file(path);
        }
    }
}
