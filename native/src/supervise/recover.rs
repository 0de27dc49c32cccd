//! Cleaning up after launchers that died: every command does it before its own work.
//!
//! Only rows of this place are judged (same machine, user, pid and time namespace): what runs
//! elsewhere cannot be seen from here. From outside of all containers it can be seen that one of them
//! has no process any more. A row whose launcher lives is left to it. If the command is
//! gone too, nobody saw how it ended: the task is archived as lost, with its final feedback; unless
//! it is a zombie still, which tells.

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
use crate::store::{Finished, Patience, Store, is_running};
use crate::sys::clock;
use crate::sys::identity::{Identity, Place, Process};
use crate::sys::process;
use crate::sys::wait::Reaped;

/// What can be said of a running row from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its launcher lives.
    Supervised,
    /// Its launcher is dead, its command lives, or others of its tree do.
    Orphaned,
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
fn verdict_of(row: &Row) -> Verdict {
    if is_running(row) {
        return judge(row);
    }
    let place: Option<Place> = row.identity.as_ref().and_then(Json::to);
    match place {
        Some(place) if place.is_ours() && place.is_of_an_earlier_boot() => {
            Verdict::Gone(Loss::Rebooted)
        }
        _ => Verdict::Elsewhere,
    }
}

/// Judges the row of a running task.
pub fn judge(row: &Row) -> Verdict {
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
    } else if identity.launcher.is_alive() {
        Verdict::Supervised
    } else if identity.child.is_alive() || has_left_others(row, &identity) {
        Verdict::Orphaned
    } else {
        Verdict::Gone(Loss::LauncherDied)
    }
}

/// Whether processes may be signalled on the word of a row. A database that others can write, or that
/// came from them, may name any process: there the command, or what it has left, must carry the
/// mark of its run, and the launcher, if it lives, must be one.
pub fn may_signal(store: &Store, identity: &Identity) -> bool {
    let Identity {
        launcher, child, ..
    } = identity;
    let mark = format!("TASKWATCHER_RUN={}", identity.run);
    store.is_private()
        || ((process::has_in_environment(child.pid, &mark)
            || (!child.is_alive()
                && process::all()
                    .iter()
                    .any(|other| process::has_in_environment(other.pid, &mark))))
            && (!launcher.is_alive() || process::has_name_of_this(launcher.pid)))
}

/// Whether a command that is gone has left processes that a launcher would have ended or waited for.
fn has_left_others(row: &Row, identity: &Identity) -> bool {
    let options = adopt::options_of(row);
    let ends_at_once = options.leftovers == Leftovers::Leave && row.ending.is_none();
    let tree = || Tree::adopted(identity.child, options.detached, &identity.run);
    !ends_at_once && !tree().others().is_empty()
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
pub fn open(database: &Path) -> Result<Store, Error> {
    open_with(database, Patience::Long)
}

/// The same for a command that only reads: it does not wait long for others that write.
pub fn open_to_read(database: &Path) -> Result<Store, Error> {
    open_with(database, Patience::Record)
}

fn open_with(database: &Path, patience: Patience) -> Result<Store, Error> {
    let mut store = Store::open(database, patience)?;
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
    Store::open(database, patience)
}

/// The same without adoption; returns the tasks whose commands have lost their launchers.
fn recover(store: &mut Store) -> Result<Vec<i64>, Error> {
    if store.is_read_only() {
        return Ok(Vec::new());
    }
    // Judged before the spool files are looked for: a launcher that is dead by now writes none any
    // more, and one that dies later is left to the next command.
    let judged: Vec<(Row, Verdict)> = store
        .owners()?
        .into_iter()
        .map(|row| {
            let verdict = verdict_of(&row);
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
    for (row, verdict) in &judged {
        match *verdict {
            Verdict::Gone(_) if !is_running(row) => {
                store.drop_reservation(row.taskid)?;
            }
            Verdict::Gone(loss) => archive_lost(store, row, loss)?,
            // A launcher that was started inside another task would end with that one.
            Verdict::Orphaned if !is_inside_task() => {
                if identity_of(row).is_some_and(|identity| may_signal(store, &identity)) {
                    orphans.push(row.taskid);
                } else {
                    crate::warn(&format!(
                        "task {} has lost its launcher and gets no other one: others can write this database, and \
                         process {} does not show that it is the task's; look at it, and end it yourself",
                        row.taskid,
                        row.pid.unwrap_or_default()
                    ));
                }
            }
            Verdict::Orphaned | Verdict::Supervised | Verdict::Elsewhere => {}
        }
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

fn archive_lost(store: &mut Store, judged: &Row, loss: Loss) -> Result<(), Error> {
    let id = judged.taskid;
    // A spool may have been taken in, or another command may be at it: the row decides.
    let row = store.task(id)?;
    let Some(row) = row.filter(|row| row.identity == judged.identity) else {
        return Ok(());
    };
    // A path of a container is another file here.
    let feedfile = store.feedfile(id)?.filter(|_| loss != Loss::ContainerEnded);
    let stored = store.feedback(id)?;
    let reading = stored.as_ref().and_then(Reading::stored);
    let (feedback, unread) = feedfile
        .as_deref()
        .map(|path| finish::final_feedback(path, reading))
        .unzip();
    let feedback = feedback
        // 1.7 does not say which file it read, and one in a container is not to be found.
        .or_else(|| stored?.feedback.map(|values| values.as_str().to_owned()));
    let identity = identity_of(&row);
    let exit = identity
        .as_ref()
        .filter(|_| loss == Loss::LauncherDied)
        .and_then(|identity| process::exit_of_zombie(identity.child));
    let options: Option<Options> = row.options.as_ref().and_then(Json::to);
    let end = options.as_ref().and_then(|options| options.command_end);
    let mut record = lost_record(&row, exit, end, loss, feedback.as_deref());
    record.run = identity.map(|identity| identity.run);
    let removal = feedfile
        .zip(options)
        .and_then(|(path, options)| finish::removal(&path, &options));
    let finished = Finished {
        taskid: id,
        record,
        removal,
    };
    if store.finish_lost(&finished, judged.identity.as_ref())?
        && let Some(complaint) = unread.flatten()
    {
        crate::warn(&complaint);
    }
    Ok(())
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
