//! The tasks table: reserving, claiming, showing a status, deciding an ending.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use taskwatcher_core::database::read;
use taskwatcher_core::json::Json;
use taskwatcher_core::outcome::Ending;
use taskwatcher_core::record::Task;
use taskwatcher_core::status::Status;

use super::feedback::put_feedback;
use super::{Store, trust};
use crate::error::Error;
use crate::feedback::Reading;
use crate::sys::identity::Identity;
use crate::sys::proof;

/// What people know a task by. `None` leaves what a reservation said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Its name.
    pub name: Option<String>,
    /// The three side informations.
    pub infos: [Option<String>; 3],
}

/// Which id a launch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This reservation.
    Reserved(i64),
    /// A new id; with `unique` only if no task of the name is active.
    New {
        /// Refuse if the name is active.
        unique: bool,
    },
}

/// A row's content once its command is about to run.
#[derive(Clone, Debug)]
pub struct Start {
    /// Process id of the command.
    pub pid: i32,
    /// Unix seconds.
    pub starttime: i64,
    /// Seconds without heartbeat, if there is a limit.
    pub timeout: Option<f64>,
    /// Program and arguments as a JSON array.
    pub command: String,
    /// Working directory.
    pub cwd: String,
    /// Machine.
    pub host: String,
    /// Feedback file, if the task gives feedback.
    pub feedfile: Option<PathBuf>,
    /// JSON object.
    pub options: String,
    /// JSON array.
    pub timeline: String,
    /// JSON object.
    pub identity: String,
    /// The mark of the run.
    pub run: String,
    /// What stands in the feedback file already, which is not this task's.
    pub old: Option<Reading>,
}

/// What a launcher keeps up to date in the row of its task.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// The status it shows.
    pub status: Status,
    /// JSON array.
    pub timeline: &'a str,
    /// Unix seconds of the last heartbeat that was seen.
    pub beat: Option<i64>,
    /// JSON object.
    pub options: &'a str,
    /// Why it is being ended, once that was decided.
    pub ending: Option<&'a Ending>,
}

impl Store {
    /// Gives out a new id. `lifetime` is in seconds; `None`: the reservation never expires. `place`
    /// says where, as JSON: a reservation does not outlive the boot it was made in.
    pub fn reserve(
        &mut self,
        labels: &Labels,
        unique: bool,
        lifetime: Option<i64>,
        now: i64,
        place: &Json,
    ) -> Result<i64, Error> {
        let transaction = self.write()?;
        drop_expired(&transaction, now)?;
        if let Some(name) = labels.name.as_deref().filter(|_| unique) {
            refuse_active(&transaction, name)?;
        }
        let id = next_id(&transaction)?;
        let expires = lifetime.map(|seconds| now.saturating_add(seconds));
        insert(&transaction, id, labels, now, expires)?;
        transaction.execute(
            "UPDATE tasks SET identity = ?2 WHERE id = ?1",
            params![id, place.as_str()],
        )?;
        transaction.commit()?;
        Ok(id)
    }

    /// Turns a reservation, or a new id, into a running task. `start` is asked for the content of
    /// the row once the id and the labels are known; it must not wait for anybody, since everybody
    /// waits for it. If anything fails, nothing was claimed. Of two launchers of one id, one wins.
    pub fn claim<T>(
        &mut self,
        taken: Taken,
        labels: &Labels,
        default_name: &str,
        now: i64,
        start: impl FnOnce(i64) -> Result<(Start, T), Error>,
    ) -> Result<(Task, T), Error> {
        let transaction = self.write()?;
        drop_expired(&transaction, now)?;
        let id = match taken {
            Taken::Reserved(id) => {
                check_reserved(&transaction, id)?;
                id
            }
            Taken::New { unique } => {
                if unique {
                    refuse_active(&transaction, labels.name.as_deref().unwrap_or(default_name))?;
                }
                let id = next_id(&transaction)?;
                insert(&transaction, id, labels, now, None)?;
                id
            }
        };
        relabel(&transaction, id, labels, default_name)?;
        let (row, result) = start(id)?;
        transaction.execute(
            "UPDATE tasks SET status = ?2, pid = ?3, feedback = ?4, starttime = ?5, duration = 0,
                 lastupdate = NULL, timeout = ?6, command = ?7, cwd = ?8, host = ?9, feedfile = ?10,
                 expires = NULL, options = ?11, ending = NULL, timeline = ?12, identity = ?13
             WHERE id = ?1",
            params![
                id,
                Status::Running.as_str(),
                row.pid,
                row.feedfile.is_some(),
                row.starttime,
                row.timeout,
                row.command,
                row.cwd,
                row.host,
                row.feedfile.as_deref().map(path_value),
                row.options,
                row.timeline,
                row.identity,
            ],
        )?;
        if let Some(old) = &row.old {
            put_feedback(&transaction, &row.run, &old.to_row(id))?;
        }
        let claimed = read::task_by_id(&transaction, id)?.ok_or(Error::NoSuchTask(id))?;
        transaction.commit()?;
        Ok((claimed, result))
    }

    /// Stores what its launcher knows of a running task; returns why it is being ended, if a cause is
    /// recorded: the first one stays. `run` is the mark of the run that says so: a row that was
    /// archived meanwhile is not touched.
    pub fn store_state(
        &mut self,
        id: i64,
        run: &str,
        state: &State<'_>,
    ) -> Result<Option<Ending>, Error> {
        let ending = state.ending.map(Json::of);
        let transaction = self.write()?;
        let recorded: Option<Option<String>> = transaction
            .query_row(
                "UPDATE tasks SET status = ?3, timeline = ?4, lastupdate = coalesce(?5, lastupdate),
                     options = ?6, ending = coalesce(ending, ?7)
                 WHERE id = ?1 AND instr(identity, ?2) > 0
                 RETURNING ending",
                params![
                    id,
                    run,
                    state.status.as_str(),
                    state.timeline,
                    state.beat,
                    state.options,
                    ending.as_ref().map(Json::as_str),
                ],
                |row| row.get(0),
            )
            .optional()?;
        transaction.commit()?;
        Ok(recorded
            .flatten()
            .and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Records why a task is being ended, unless a cause is recorded already; returns the one that
    /// is. `None`: the row is gone.
    pub fn record_ending(
        &mut self,
        id: i64,
        run: &str,
        ending: &Ending,
    ) -> Result<Option<Ending>, Error> {
        let text = serde_json::to_string(ending).expect("an ending is JSON");
        let transaction = self.write()?;
        let recorded: Option<String> = transaction
            .query_row(
                "UPDATE tasks SET ending = coalesce(ending, ?3) WHERE id = ?1 AND instr(identity, ?2) > 0
                 RETURNING ending",
                params![id, run, text],
                |row| row.get(0),
            )
            .optional()?;
        transaction.commit()?;
        Ok(recorded.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Replaces the identity of a running task, if it is still the one in `row`: of two launchers that
    /// adopt one task, one wins. `prepare` is called while the lock is held, and what it gives comes
    /// back; nothing, if the identity was another one.
    pub fn change_identity<T>(
        &mut self,
        id: i64,
        row: &Task,
        identity: &Json,
        prepare: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let transaction = self.write()?;
        let changed = transaction.execute(
            "UPDATE tasks SET identity = ?3 WHERE id = ?1 AND identity = ?2",
            params![
                id,
                row.identity.as_ref().map(Json::as_str),
                identity.as_str()
            ],
        )?;
        if changed == 0 {
            return Ok(None);
        }
        let prepared = prepare()?;
        transaction.commit()?;
        Ok(Some(prepared))
    }

    /// Drops a reservation that was not launched; whether there was one.
    pub fn drop_reservation(&mut self, id: i64) -> Result<bool, Error> {
        let transaction = self.write()?;
        let dropped = transaction.execute(
            "DELETE FROM tasks WHERE id = ?1 AND status = ?2",
            params![id, Status::Reserved.as_str()],
        )?;
        transaction.commit()?;
        Ok(dropped > 0)
    }

    /// Drops the reservations that have expired. Takes no lock if there is none.
    pub fn drop_expired(&mut self, now: i64) -> Result<(), Error> {
        let expired: bool = self.connection.query_row(
            &format!("SELECT EXISTS (SELECT 1 FROM tasks WHERE {EXPIRED})"),
            params![Status::Reserved.as_str(), now],
            |row| row.get(0),
        )?;
        if expired {
            let transaction = self.write()?;
            drop_expired(&transaction, now)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// Stores the time information of running tasks: id, duration and last heartbeat.
    pub fn refresh(&mut self, tasks: &[(i64, Option<i64>, Option<i64>)]) -> Result<(), Error> {
        let transaction = self.write()?;
        for (id, duration, lastupdate) in tasks {
            transaction.execute(
                "UPDATE tasks SET duration = ?2, lastupdate = coalesce(?3, lastupdate)
                 WHERE id = ?1 AND status <> ?4",
                params![id, duration, lastupdate, Status::Reserved.as_str()],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The feedback file of a task, byte for byte. A path that is no task's feedback file is none:
    /// the database may come from anybody, and what stands there is read and deleted.
    pub fn feedfile(&self, id: i64) -> Result<Option<PathBuf>, Error> {
        let sql = "SELECT feedfile, identity FROM tasks WHERE id = ?1";
        let found = self
            .connection
            .prepare(sql)?
            .query_row([id], |row| {
                let identity = row.get_ref(1)?.as_str_or_null().ok().flatten();
                let identity: Option<Identity> =
                    identity.and_then(|text| serde_json::from_str(text).ok());
                let path: Option<PathBuf> = path_of(row.get_ref(0)?);
                Ok((path, identity))
            })
            .optional()?;
        let Some((Some(path), identity)) = found else {
            return Ok(None);
        };
        let is_allowed = is_feedback_file(&path, id)
            && (self.is_within_reach(&path)
                || identity.is_some_and(|identity| self.is_shown(&path, &identity)));
        Ok(Some(path).filter(|_| is_allowed))
    }

    /// Whether a file may be read and deleted on the word of this database: because nobody else can
    /// have written it, or because whoever has could do both as well.
    pub(super) fn is_within_reach(&self, path: &Path) -> bool {
        self.is_private() || trust::is_within_reach_of_writers(&self.path, path)
    }

    /// Whether the command of a running task shows by its environment that this is its feedback file.
    fn is_shown(&self, path: &Path, identity: &Identity) -> bool {
        identity.child.is_alive()
            && proof::is_process_of(identity.child.pid, &identity.run, &self.path, Some(path))
    }
}

/// The name of a task's feedback file in its folder, which every part and every program agrees on.
pub fn feedback_name(id: i64) -> String {
    format!("feedback_{id}.log")
}

pub(super) fn is_feedback_file(path: &Path, id: i64) -> bool {
    path.is_absolute() && path.file_name() == Some(feedback_name(id).as_ref())
}

/// A path is text where it can be; other bytes are stored as they are.
pub(super) fn path_value(path: &Path) -> ToSqlOutput<'_> {
    let bytes = path.as_os_str().as_bytes();
    ToSqlOutput::Borrowed(path.to_str().map_or(ValueRef::Blob(bytes), |text| {
        ValueRef::Text(text.as_bytes())
    }))
}

pub(super) fn path_of(value: ValueRef<'_>) -> Option<PathBuf> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
        }
        _ => None,
    }
}

/// Reservations (status ?1) that have expired at ?2. Those of 1.7, which say neither where they were
/// made nor how long they live, live for the five seconds that 1.7 gave them.
const EXPIRED: &str = "status = ?1 AND (expires <= ?2
    OR (expires IS NULL AND identity IS NULL AND reservetime <= ?2 - 5))";

fn drop_expired(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    transaction.execute(
        &format!("DELETE FROM tasks WHERE {EXPIRED}"),
        params![Status::Reserved.as_str(), now],
    )?;
    Ok(())
}

/// Ids only ever grow. A 1.7 that works on the same database takes them from the tasks table.
fn next_id(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    let id = transaction.query_row(
        "INSERT INTO taskids (id) SELECT 1 + max(
             coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'taskids'), 0),
             coalesce((SELECT max(id) FROM tasks), 0))
         RETURNING id",
        [],
        |row| row.get(0),
    )?;
    transaction.execute("DELETE FROM taskids", [])?;
    Ok(id)
}

fn refuse_active(connection: &Connection, name: &str) -> Result<(), Error> {
    let active: Option<(i64, Option<String>)> = connection
        .query_row(
            "SELECT id, status FROM tasks WHERE name = ?1 ORDER BY id LIMIT 1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match active {
        None => Ok(()),
        Some((id, status)) => Err(Error::Refused(format!(
            "a task named '{name}' is active already: {id} is {}; wait for it, or end it with 'taskwatcher kill {id}'",
            status.unwrap_or_default()
        ))),
    }
}

fn check_reserved(connection: &Connection, id: i64) -> Result<(), Error> {
    let status: Option<Option<String>> = connection
        .query_row("SELECT status FROM tasks WHERE id = ?1", [id], |row| {
            row.get(0)
        })
        .optional()?;
    match status.flatten().as_deref() {
        Some("RESERVED") => Ok(()),
        Some(status) => Err(Error::Refused(format!(
            "task {id} is {status}, not reserved: it was launched already; reserve another id"
        ))),
        None if is_finished(connection, id)? => Err(Error::Refused(format!(
            "task {id} has finished already, see 'taskwatcher history'; reserve another id"
        ))),
        None => Err(Error::Refused(format!(
            "task {id} is not reserved: the id is unknown, or its reservation expired; reserve another one"
        ))),
    }
}

fn is_finished(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM history WHERE taskid = ?1)";
    connection.query_row(sql, [id], |row| row.get(0))
}

fn insert(
    transaction: &Transaction<'_>,
    id: i64,
    labels: &Labels,
    now: i64,
    expires: Option<i64>,
) -> rusqlite::Result<()> {
    let [info1, info2, info3] = &labels.infos;
    transaction.execute(
        "INSERT INTO tasks (id, name, info1, info2, info3, status, reservetime, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id,
            labels.name,
            info1,
            info2,
            info3,
            Status::Reserved.as_str(),
            now,
            expires
        ],
    )?;
    Ok(())
}

fn relabel(
    transaction: &Transaction<'_>,
    id: i64,
    labels: &Labels,
    default_name: &str,
) -> rusqlite::Result<()> {
    let [info1, info2, info3] = &labels.infos;
    transaction.execute(
        "UPDATE tasks SET name = coalesce(?2, name, ?6), info1 = coalesce(?3, info1),
             info2 = coalesce(?4, info2), info3 = coalesce(?5, info3)
         WHERE id = ?1",
        params![id, labels.name, info1, info2, info3, default_name],
    )?;
    Ok(())
}

/// Whether a row is a task that was launched.
pub fn is_running(task: &Task) -> bool {
    task.status.as_deref() != Some(Status::Reserved.as_str())
}
