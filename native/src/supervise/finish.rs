//! The end of a task: its record, one transaction that archives it, and only then the feedback file.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use taskwatcher_core::json::{Json, Kind};
use taskwatcher_core::outcome::{Ending, Exit, Outcome};
use taskwatcher_core::record::{History, Task as Row};

use super::task::{Options, Task};
use crate::error::{Error, caught, plain};
use crate::feedback::{self, LastLine, Reading};
use crate::render::time::duration_words;
use crate::store::{Finished, Patience, Removal, Store, spool};
use crate::sys::fault::{self, Step};
use crate::sys::file::Version;
use crate::sys::signal::{Signal, Signals};
use crate::sys::wait::Reaped;
use crate::sys::{clock, watch};

/// How long a launcher whose record is safe in a spool file goes on trying to commit it.
const RETRY_LIMIT: Duration = Duration::from_secs(60);

/// How a record names processes that nothing could end; their ids follow.
pub const SURVIVORS: &str = "could not be ended and still run: ";

/// Why a command could not be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// The exit code that shells have for it: 127 if it was not found, else 126.
    pub code: i32,
    /// In words.
    pub reason: String,
}

/// How a command came to its end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What its parent saw, if it started and was reaped.
    pub reaped: Option<Reaped>,
    /// Why it was ended, if somebody ended it.
    pub ending: Option<Ending>,
    /// Why it could not be executed, if so.
    pub not_started: Option<NotStarted>,
    /// Time from start to its end.
    pub elapsed: Duration,
    /// When it ended, unix seconds.
    pub endtime: i64,
    /// How many processes outlived it.
    pub leftovers: usize,
    /// The last key of the terminal that reached its launcher and was passed on.
    pub key: Option<Signal>,
    /// Which processes could not be ended.
    pub survivors: Vec<i32>,
    /// The JSON of the timeline.
    pub timeline: String,
}

impl Ended {
    /// What the parent saw of the command.
    pub fn exit(&self) -> Exit {
        self.reaped.map_or(Exit::Unknown, |reaped| reaped.exit)
    }

    /// The word that history keeps.
    pub fn outcome(&self) -> Outcome {
        if self.not_started.is_some() {
            return Outcome::NotStarted;
        }
        Outcome::of(self.exit(), self.ending.as_ref().map(|ending| ending.cause))
    }

    /// How it ended, in words.
    fn words(&self) -> String {
        self.error().unwrap_or_else(|| "exit code 0".to_owned())
    }

    /// Why it did not succeed, in words.
    fn error(&self) -> Option<String> {
        let reason = match (&self.not_started, &self.ending, self.exit()) {
            (Some(failure), _, _) => Some(failure.reason.clone()),
            (None, Some(ending), _) => Some(ending.reason.clone()),
            (None, None, Exit::Code(0)) => None,
            (None, None, Exit::Code(code)) => Some(format!("exit code {code}")),
            (None, None, Exit::Signal(signal)) => {
                Some(format!("ended by {}", Signal::from_number(signal)))
            }
            (None, None, Exit::Unknown) => Some("exit status unknown".to_owned()),
        };
        if self.survivors.is_empty() {
            return reason;
        }
        let pids: Vec<String> = self.survivors.iter().map(ToString::to_string).collect();
        let survivors = format!("{SURVIVORS}{}", pids.join(", "));
        Some(reason.map_or(survivors.clone(), |reason| format!("{reason}; {survivors}")))
    }
}

/// The history row of a task, from its row and what is known of its end.
pub fn record(row: &Row, ended: &Ended, feedback: Option<Json>) -> History {
    let (exitcode, termsignal) = match ended.exit() {
        _ if ended.not_started.is_some() => (None, None),
        Exit::Code(code) => (Some(i64::from(code)), None),
        Exit::Signal(signal) => (None, Some(Signal::from_number(signal).to_string())),
        Exit::Unknown => (None, None),
    };
    let usage = ended.reaped.and_then(|reaped| reaped.usage);
    History {
        id: 0,
        taskid: Some(row.taskid),
        taskname: row.name.clone(),
        info1: row.info1.clone(),
        info2: row.info2.clone(),
        info3: row.info3.clone(),
        termsignal,
        termerror: ended.error(),
        starttime: row.starttime,
        endtime: Some(ended.endtime.max(row.starttime.unwrap_or(ended.endtime))),
        duration: i64::try_from(ended.elapsed.as_secs()).ok(),
        feedback,
        exitcode,
        outcome: Some(ended.outcome().as_str().to_owned()),
        command: row.command.clone(),
        cwd: row.cwd.clone(),
        host: row.host.clone(),
        elapsed_ms: milliseconds(ended.elapsed),
        user_ms: usage.and_then(|usage| milliseconds(usage.user)),
        system_ms: usage.and_then(|usage| milliseconds(usage.system)),
        maxrss_kb: usage.map(|usage| usage.maxrss_kb),
        leftovers: i64::try_from(ended.leftovers).ok(),
        timeline: Json::parse(&ended.timeline, Kind::Array),
        run: None,
    }
}

/// Archives a task. Returns once its record is committed; or, if that cannot be done for a minute
/// or somebody asks this process to end, once it is safe in a spool file. Where neither can be
/// written, this process is the only place that knows how the task ended: it says so and goes on
/// trying, until somebody asks it to end.
///
/// # Errors
/// The record could not be committed; the text says where it is kept instead.
pub fn archive(
    task: &Task,
    row: &Row,
    old: Option<&Reading>,
    ended: &Ended,
    signals: &Signals,
) -> Result<(), Error> {
    let began = clock::monotonic();
    let mut pause = Duration::from_millis(50);
    let mut spooled = None;
    let mut has_warned = false;
    let mut store = Store::reopen(&task.database, Patience::Record);
    let stored = store
        .as_ref()
        .ok()
        .and_then(|store| store.feedback(task.id).ok().flatten());
    let stored = stored
        .as_ref()
        .and_then(Reading::stored)
        .or_else(|| old.cloned());
    let (finished, mut unread) = finished(task, row, stored, ended);
    // Said once the record is safe: whoever reads it may take his time.
    let mut complain = || {
        if let Some(complaint) = unread.take() {
            crate::warn(&complaint);
        }
    };
    loop {
        let done = caught(|| {
            let mut store = store?;
            fault::reach(Step::BeforeCommit);
            store.finish(&finished)?;
            fault::reach(Step::Committed);
            Ok(store)
        });
        let failure = match done {
            Ok(mut store) => {
                if let Some(path) = spooled {
                    let _ = fs::remove_file(path);
                }
                if let Some(removal) = &finished.removal {
                    // The record is safe; what is not deleted now is deleted by the next command.
                    let _ = remove_feedback_file(&mut store, task.id, removal);
                }
                complain();
                return Ok(());
            }
            Err(failure) => failure,
        };
        if spooled.is_none() {
            let folder = task.feedfile.as_deref().and_then(Path::parent);
            match spool::write(&task.database, folder, &finished) {
                Ok(path) => {
                    spooled = Some(path);
                    fault::reach(Step::Spooled);
                    complain();
                }
                Err(error) if !has_warned => {
                    has_warned = true;
                    crate::warn(&format!(
                        "task {} has ended ({}), but its record can be stored neither in the \
                         database ({}) nor in a file beside it ({}); it is tried again until \
                         it can be, or until this process is ended and the record is lost",
                        task.id,
                        ended.words(),
                        cause(&failure),
                        plain(&error)
                    ));
                }
                Err(_) => {}
            }
        }
        let asked_to_end = is_asked_to_end(signals, pause);
        match &spooled {
            Some(path)
                if asked_to_end || clock::monotonic().saturating_sub(began) > RETRY_LIMIT =>
            {
                return Err(Error::Database(format!(
                    "task {} has ended ({}), and its record is kept in '{}' until the next command takes it in: {}",
                    task.id,
                    ended.words(),
                    path.display(),
                    cause(&failure)
                )));
            }
            None if asked_to_end => {
                return Err(Error::Database(format!(
                    "task {} has ended ({}), and its record is lost: {}",
                    task.id,
                    ended.words(),
                    cause(&failure)
                )));
            }
            _ => {}
        }
        pause = (pause * 2).min(Duration::from_secs(5));
        store = Store::reopen(&task.database, Patience::Record);
    }
}

/// Why the database takes no record, without advice to run the command again: it has run.
fn cause(failure: &Error) -> String {
    match failure {
        Error::Locked => "another process holds it locked".to_owned(),
        other => other.to_string(),
    }
}

/// Waits until a signal comes that asks this process to end, at most so long; whether one came.
fn is_asked_to_end(signals: &Signals, limit: Duration) -> bool {
    watch::wait(signals, None, None, Some(limit));
    let mut asked = false;
    while let Some(received) = signals.next() {
        asked |= received.signal.is_request_to_end();
    }
    asked
}

/// A finished task with the final values of its feedback file; and a complaint if that was not read,
/// or not to its end.
fn finished(
    task: &Task,
    row: &Row,
    stored: Option<Reading>,
    ended: &Ended,
) -> (Finished, Option<String>) {
    let feedfile = task.feedfile.as_deref();
    let (values, unread) = feedfile.map(|path| final_feedback(path, stored)).unzip();
    let unread = unread.flatten();
    let feedback = values.and_then(|values| Json::parse(&values, Kind::Object));
    let mut record = History {
        run: Some(task.run.clone()),
        ..record(row, ended, feedback)
    };
    if let Some(unread) = &unread {
        unread.note_in(&mut record);
    }
    let finished = Finished {
        taskid: task.id,
        record,
        removal: feedfile.and_then(|path| removal(path, &task.options, unread.as_ref())),
    };
    (finished, unread.map(|unread| unread.complaint))
}

/// Why the final values may not be those of the whole file.
#[derive(Debug)]
pub struct Unread {
    /// In words for a person.
    pub complaint: String,
    /// The reading was cut short: values are there, but not the last ones.
    is_cut: bool,
}

impl Unread {
    /// Says in a record that its values are not the last ones. The outcome is not touched by it.
    pub fn note_in(&self, record: &mut History) {
        if self.is_cut {
            record.termerror = Some(match record.termerror.take() {
                Some(reason) => format!("{reason}; {NOT_TO_ITS_END}"),
                None => NOT_TO_ITS_END.to_owned(),
            });
        }
    }
}

/// How a record says that its values are not the last ones.
const NOT_TO_ITS_END: &str = "feedback not read to its end";

/// The final values as JSON. A file that cannot be read must not keep a task from being archived:
/// then the values are those that were last read, and why comes with them.
pub fn final_feedback(path: &Path, stored: Option<Reading>) -> (String, Option<Unread>) {
    match feedback::read(path, stored.clone(), LastLine::Complete) {
        Ok(reading) => {
            let unread = reading.is_cut.then(|| Unread {
                complaint: format!(
                    "the feedback file '{}' was not read to its end, because that took too long or this \
                     process was asked to end; it is kept: 'taskwatcher parse' reads all of it",
                    path.display()
                ),
                is_cut: true,
            });
            (reading.values.to_json(), unread)
        }
        Err(error) => {
            let complaint = format!(
                "the feedback file '{}' was not read at the end: {}",
                path.display(),
                plain(&error)
            );
            let unread = Unread {
                complaint,
                is_cut: false,
            };
            (stored.unwrap_or_default().values.to_json(), Some(unread))
        }
    }
}

/// The feedback file that goes with the task, if it does.
pub fn removal(path: &Path, options: &Options, unread: Option<&Unread>) -> Option<Removal> {
    // What was not read is nowhere else.
    let is_cut = unread.is_some_and(|unread| unread.is_cut);
    (!options.keep_feedback && !is_cut).then(|| Removal {
        path: path.to_owned(),
        before: options.before,
    })
}

/// Deletes the feedback files of archived tasks that this database may name.
pub fn remove_feedback_files(store: &mut Store) -> Result<(), Error> {
    for (taskid, removal) in store.removals()? {
        remove_feedback_file(store, taskid, &removal)?;
    }
    Ok(())
}

/// Deletes the feedback file of an archived task, if it is a regular file and that task wrote it.
fn remove_feedback_file(
    store: &mut Store,
    taskid: i64,
    Removal { path, before }: &Removal,
) -> Result<(), Error> {
    let is_done = match Version::of(path) {
        Some(present) if present.is_regular && Some(present) != *before => {
            fs::remove_file(path).map_or_else(|error| is_gone(&error), |()| true)
        }
        // It is not the task's.
        Some(_) => true,
        None => fs::symlink_metadata(path).is_err_and(|error| is_gone(&error)),
    };
    fault::reach(Step::Removed);
    // What cannot be deleted or looked at now may be later.
    if is_done {
        store.forget_removal(taskid)?;
    }
    Ok(())
}

/// Whether an error says that there is no such file.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The cause of a silent task's end, in words.
pub fn silence_words(timeout: Duration) -> String {
    format!("no heartbeat for {}", duration_words(timeout))
}

/// The cause of the end of a task that ran too long, in words.
pub fn limit_words(limit: Duration) -> String {
    format!("ran for its maximum time of {}", duration_words(limit))
}

fn milliseconds(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_millis()).ok()
}
