//! Cleaning up after launchers that died: every command does it before its own work.
//!
//! Only rows of this place are judged (same machine, user, pid and time namespace): what runs
//! elsewhere cannot be seen from here. From outside of all containers it can be seen that one of them
//! has no process any more. A row whose launcher lives is left to it. If the command is
//! gone too, nobody saw how it ended: the task is archived as lost, with its final feedback; unless
//! it is a zombie still, which tells.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use taskwatcher_core::json::{Json, Kind};
use taskwatcher_core::outcome::{Ending, Exit};
use taskwatcher_core::record::{History, Task as Row};

use super::adopt;
use super::finish::{self, Ended};
use super::machine::Leftovers;
use super::task::{CommandEnd, Options};
use super::tree::Tree;
use crate::error::Error;
use crate::feedback::Reading;
use crate::store::{Finished, Location, Missing, Patience, Store, is_running};
use crate::sys::clock;
use crate::sys::identity::{Identity, Place, Process};
use crate::sys::process;
use crate::sys::proof;
use crate::sys::wait::Reaped;

/// What can be said of a running row from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its launcher lives.
    Supervised,
    /// Its launcher is dead, its command lives, or others of its tree do.
    Orphaned,
    /// Its launcher is dead, and there is a process with its command's number that this user may not look
    /// at (`hidepid`, a set-user-id program): it may be the command.
    Hidden,
    /// All are gone.
    Gone(Loss),
    /// It runs at another place, or was started by 1.7, which does not say where.
    Elsewhere,
}

/// Why nobody can know any more how a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its launcher has died.
    LauncherDied,
    /// The container that it ran in is gone.
    ContainerEnded,
    /// The machine was booted since.
    Rebooted,
}

/// Judges a row of either kind: a reservation is gone once the machine was booted after it.
fn verdict_of(row: &Row, marks: &Marks) -> Verdict {
    if is_running(row) {
        return judge(row, marks);
    }
    let place: Option<Place> = row.identity.as_ref().and_then(Json::to);
    match place {
        Some(place) if place.is_ours() && place.is_of_an_earlier_boot() => {
            Verdict::Gone(Loss::Rebooted)
        }
        _ => Verdict::Elsewhere,
    }
}

/// The marks of runs that processes carry, looked for once however many rows are judged.
#[derive(Debug, Default)]
pub struct Marks(OnceCell<HashMap<Vec<u8>, u64>>);

impl Marks {
    /// Whether a process younger than `command` carries the mark of this run.
    fn are_carried(&self, run: &str, command: Process) -> bool {
        let found = self
            .0
            .get_or_init(|| process::values_in_environments("TASKWATCHER_RUN"));
        found
            .get(run.as_bytes())
            .is_some_and(|&youngest| youngest >= command.start)
    }
}

/// Judges the row of a running task. What cannot be known is not judged: a process that may be there
/// is taken for one that is.
pub fn judge(row: &Row, marks: &Marks) -> Verdict {
    let Some(identity) = identity_of(row) else {
        return judge_original(row);
    };
    if !identity.place.is_ours() {
        if identity.place.is_empty_container() {
            Verdict::Gone(Loss::ContainerEnded)
        } else {
            Verdict::Elsewhere
        }
    } else if identity.place.is_of_an_earlier_boot() {
        Verdict::Gone(Loss::Rebooted)
    } else if !identity.launcher.is_gone() {
        Verdict::Supervised
    } else if identity.child.is_alive() || has_left_others(row, &identity, marks) {
        Verdict::Orphaned
    } else if !identity.child.is_gone() {
        Verdict::Hidden
    } else {
        Verdict::Gone(Loss::LauncherDied)
    }
}

/// Whether processes may be signalled on the word of a row. A database that others can have written may
/// name any process: there a launcher must show itself that it serves this run of this database, and
/// without one the command, or what it has left, must carry both in its environment, and be this user's.
pub fn may_signal(store: &Store, identity: &Identity) -> bool {
    let Identity {
        launcher,
        child,
        run,
        ..
    } = identity;
    let is_of_run = |pid| proof::is_process_of(pid, run, store.path(), None);
    if store.is_private() {
        true
    } else if !launcher.is_gone() {
        proof::is_launcher_of(*launcher, run, store.path())
    } else if child.is_alive() {
        is_of_run(child.pid)
    } else {
        process::all().iter().any(|other| is_of_run(other.pid))
    }
}

/// Whether a command that is gone has left processes that a launcher would have ended or waited for.
fn has_left_others(row: &Row, identity: &Identity, marks: &Marks) -> bool {
    let options = Options::of(row);
    if options.leftovers == Leftovers::Leave && row.ending.is_none() {
        return false;
    }
    let is_zombie =
        process::stat(identity.child.pid).is_some_and(|stat| stat.process() == identity.child);
    if is_zombie {
        let tree = Tree::adopted(identity.child, options.detached, &identity.run);
        return !tree.others().is_empty();
    }
    // Its group and session may be anybody's by now.
    marks.are_carried(&identity.run, identity.child)
}

/// Judges a row of 1.7, which says no more than a process id. Its launcher refreshes `lastupdate`
/// every three seconds, and its command stays a zombie until right before it is archived. Such a row
/// is taken for one of this machine: 1.7 knows no other.
fn judge_original(row: &Row) -> Verdict {
    let last = row.lastupdate.max(row.starttime);
    let (Some(pid), Some(last)) = (row.pid.and_then(|pid| i32::try_from(pid).ok()), last) else {
        return Verdict::Elsewhere;
    };
    let patience = ORIGINAL_REFRESHES.as_secs().cast_signed();
    let is_fresh = clock::unix_seconds().saturating_sub(last) < patience;
    let is_there = Process::of(pid).is_some_and(|process| {
        let began =
            clock::wall().saturating_sub(clock::since_boot().saturating_sub(process.started()));
        // One that began later only has the same id.
        i64::try_from(began.as_secs()).is_ok_and(|began| began <= last + patience)
    });
    if is_fresh || is_there {
        Verdict::Elsewhere
    } else {
        Verdict::Gone(Loss::LauncherDied)
    }
}

/// How long after its last refresh a row of 1.7 is left alone.
const ORIGINAL_REFRESHES: Duration = Duration::from_secs(60);

/// The identity column of a row.
pub fn identity_of(row: &Row) -> Option<Identity> {
    row.identity.as_ref()?.to()
}

/// Whether this process runs inside a task, and would end with it.
pub fn is_inside_task() -> bool {
    std::env::var_os("TASKWATCHER_RUN").is_some()
}

/// Opens the database and puts in order what is not as it should be: takes in spool files, drops
/// expired reservations, archives tasks that are gone, and starts launchers for commands that have
/// lost theirs. Where the database can only be read, it is left as it is, and where it cannot be
/// written just now (locked, no room), reading does not depend on it: who has to write is told by
/// their own attempt.
pub fn open(database: &Location) -> Result<Store, Error> {
    open_with(&database.path, Patience::Long, missing(database))
}

/// The same for a command that only reads: it does not wait long for others that write.
pub fn open_to_read(database: &Location) -> Result<Store, Error> {
    open_with(&database.path, Patience::Record, missing(database))
}

/// The same for a command that puts something into the database, and makes it at first use.
pub fn open_or_create(database: &Path) -> Result<Store, Error> {
    open_with(database, Patience::Long, Missing::Create)
}

/// The user's own database that does not exist yet is empty; one that was named has to be there.
fn missing(database: &Location) -> Missing {
    if database.is_named {
        Missing::Refuse
    } else {
        Missing::Empty
    }
}

fn open_with(database: &Path, patience: Patience, missing: Missing) -> Result<Store, Error> {
    let mut store = Store::open(database, patience, missing)?;
    let orphans = match recover(&mut store) {
        Err(error @ (Error::Database(_) | Error::Locked)) => {
            crate::warn(&format!(
                "what dead launchers left is not put in order yet: {error}"
            ));
            Vec::new()
        }
        other => other?,
    };
    if orphans.is_empty() {
        return Ok(store);
    }
    let failed = |id: i64, error: &Error| {
        crate::warn(&format!(
            "task {id} has lost its launcher and gets no other one yet: {error}"
        ));
    };
    // A new launcher has to write, and would be waited for in vain.
    if let Err(error) = store.check_lock() {
        for id in orphans {
            failed(id, &error);
        }
        return Ok(store);
    }
    // No connection may be carried into another process.
    drop(store);
    for id in orphans {
        if let Err(error) = adopt::in_background(database, id) {
            failed(id, &error);
        }
    }
    Store::open(database, patience, Missing::Refuse)
}

/// The same without adoption; returns the tasks whose commands have lost their launchers.
fn recover(store: &mut Store) -> Result<Vec<i64>, Error> {
    if store.is_read_only() || store.is_missing() {
        return Ok(Vec::new());
    }
    // Judged before the spool files are looked for: a launcher that is dead by now writes none any
    // more, and one that dies later is left to the next command.
    let marks = Marks::default();
    let judged: Vec<(Row, Verdict)> = store
        .owners()?
        .into_iter()
        .map(|row| {
            let verdict = verdict_of(&row, &marks);
            (row, verdict)
        })
        .collect();
    let gone = judged
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Gone(_)));
    let folders = feedback_folders(store, gone.map(|(row, _)| row.taskid))?;
    store.take_in_spools(&folders)?;
    store.drop_expired(clock::unix_seconds())?;
    let mut orphans = Vec::new();
    let mut gone_tasks = Vec::new();
    for (row, verdict) in &judged {
        match *verdict {
            Verdict::Gone(_) if !is_running(row) => {
                store.drop_reservation(row.taskid)?;
            }
            Verdict::Gone(loss) => gone_tasks.push((row, loss)),
            // A launcher that was started inside another task would end with that one.
            Verdict::Orphaned if !is_inside_task() => {
                if identity_of(row).is_some_and(|identity| may_signal(store, &identity)) {
                    orphans.push(row.taskid);
                } else {
                    crate::warn(&format!(
                        "task {} has no launcher and gets no other one: others can write this database or the \
                         folders that hold it, and process {} cannot be verified as part of the task; inspect it and \
                         end it manually",
                        row.taskid,
                        row.pid.unwrap_or_default()
                    ));
                }
            }
            Verdict::Orphaned | Verdict::Hidden | Verdict::Supervised | Verdict::Elsewhere => {}
        }
    }
    for some in gone_tasks.chunks(AT_ONCE) {
        archive_lost(store, some)?;
    }
    finish::remove_feedback_files(store)?;
    Ok(orphans)
}

/// Folders in which a launcher may have left a spool file: only those of tasks that are gone, and of
/// tasks that were archived right before their launcher died.
fn feedback_folders(store: &Store, gone: impl Iterator<Item = i64>) -> Result<Vec<PathBuf>, Error> {
    let mut folders = Vec::new();
    for id in gone {
        let path = store.feedfile(id)?;
        folders.extend(path.as_deref().and_then(Path::parent).map(Path::to_owned));
    }
    let removals = store.removals()?;
    let parents = removals
        .iter()
        .filter_map(|(_, removal)| removal.path.parent());
    folders.extend(parents.map(Path::to_owned));
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// How many lost tasks are archived in one transaction: others wait for the lock meanwhile.
const AT_ONCE: usize = 500;

fn archive_lost(store: &mut Store, lost: &[(&Row, Loss)]) -> Result<(), Error> {
    let mut finished = Vec::with_capacity(lost.len());
    let mut complaints = Vec::with_capacity(lost.len());
    for (judged, loss) in lost {
        if let Some((task, complaint)) = lost_task(store, judged, *loss)? {
            finished.push((task, judged.identity.clone()));
            complaints.push(complaint);
        }
    }
    let archived = store.finish_lost(&finished)?;
    for (_, complaint) in archived
        .into_iter()
        .zip(complaints)
        .filter(|(is_new, _)| *is_new)
    {
        if let Some(complaint) = complaint {
            crate::warn(&complaint);
        }
    }
    Ok(())
}

/// The record of a lost task, and why its feedback was not read, if so.
fn lost_task(
    store: &Store,
    judged: &Row,
    loss: Loss,
) -> Result<Option<(Finished, Option<String>)>, Error> {
    let id = judged.taskid;
    // A spool may have been taken in, or another command may be at it: the row decides.
    let row = store.task(id)?;
    let Some(row) = row.filter(|row| row.identity == judged.identity) else {
        return Ok(None);
    };
    // A path of a container is another file here.
    let feedfile = store.feedfile(id)?.filter(|_| loss != Loss::ContainerEnded);
    let stored = store.feedback(id)?;
    let reading = stored.as_ref().and_then(Reading::stored);
    let (feedback, unread) = feedfile
        .as_deref()
        .map(|path| finish::final_feedback(path, reading))
        .unzip();
    let unread = unread.flatten();
    let feedback = feedback
        // 1.7 does not say which file it read, and one in a container is not to be found.
        .or_else(|| stored?.feedback.map(|values| values.as_str().to_owned()));
    let identity = identity_of(&row);
    let exit = identity
        .as_ref()
        .filter(|_| loss == Loss::LauncherDied)
        .and_then(|identity| process::exit_of_zombie(identity.child));
    let options = Options::of(&row);
    let end = options.command_end;
    let mut record = lost_record(&row, exit, end, loss, feedback.as_deref());
    record.run = identity.map(|identity| identity.run);
    if let Some(unread) = &unread {
        unread.note_in(&mut record);
    }
    let removal = feedfile.and_then(|path| finish::removal(&path, &options, unread.as_ref()));
    let finished = Finished {
        taskid: id,
        record,
        removal,
    };
    Ok(Some((finished, unread.map(|unread| unread.complaint))))
}

fn lost_record(
    row: &Row,
    exit: Option<Exit>,
    end: Option<CommandEnd>,
    loss: Loss,
    feedback: Option<&str>,
) -> History {
    let ending: Option<Ending> = row.ending.as_ref().and_then(Json::to);
    let told = end.map(|end| end.exit);
    let exit = told.filter(|&exit| exit != Exit::Unknown).or(exit);
    let ended = Ended {
        reaped: exit.map(|exit| Reaped { exit, usage: None }),
        ending,
        not_started: None,
        elapsed: end.map_or(Duration::ZERO, |end| end.elapsed),
        endtime: end.map_or_else(clock::unix_seconds, |end| end.endtime),
        leftovers: end.map_or(0, |end| end.leftovers),
        key: None,
        survivors: Vec::new(),
        timeline: row.timeline.as_ref().map_or("[]", Json::as_str).to_owned(),
    };
    let mut record = finish::record(
        row,
        &ended,
        feedback.and_then(|text| Json::parse(text, Kind::Object)),
    );
    let why = match (exit, loss) {
        (Some(_), _) => "its launcher died before it",
        (None, Loss::Rebooted) => "the machine was restarted while it ran; exit status unknown",
        (None, Loss::ContainerEnded) => "the container it ran in is gone; exit status unknown",
        (None, Loss::LauncherDied) => {
            "its launcher died and nobody saw how it ended; exit status unknown"
        }
    };
    if exit != Some(Exit::Code(0)) {
        let is_known = exit.is_some() || ended.ending.is_some();
        record.termerror = Some(match record.termerror.filter(|_| is_known) {
            Some(reason) => format!("{reason}; {why}"),
            None => why.to_owned(),
        });
    }
    if end.is_none() {
        // Only when it was found is known, not how long it ran or what it left.
        record.duration = None;
        record.elapsed_ms = None;
        record.leftovers = None;
    }
    record
}
