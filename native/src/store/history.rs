//! The history table: archiving a task exactly once, and clearing.

use std::path::PathBuf;

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use taskwatcher_core::database::read;
use taskwatcher_core::json::Json;
use taskwatcher_core::record::{History, Task};

use super::Store;
use super::task::{is_feedback_file, path_of, path_value};
use crate::error::Error;
use crate::sys::file::Version;

/// A finished task on its way into the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The task's id.
    pub taskid: i64,
    /// The row; its own id is given by the table. Its run tells which task row it replaces; a task
    /// of 1.7 has none.
    pub record: History,
    /// The feedback file that goes once the task is archived.
    pub removal: Option<Removal>,
}

/// A feedback file that is to be deleted, unless it is still as it was before its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Absolute path, byte for byte.
    #[serde(with = "bytes_of_path")]
    pub path: PathBuf,
    /// What stood there at launch.
    pub before: Option<Version>,
}

/// A path in JSON: a text cannot hold every path, its bytes can.
mod bytes_of_path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().as_bytes().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Vec::deserialize(deserializer).map(|bytes| OsString::from_vec(bytes).into())
    }
}

/// What `clear` leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Only what ended before this time (unix seconds) is cleared.
    pub ended_since: Option<i64>,
    /// The newest so many are kept.
    pub newest: Option<u32>,
}

impl Store {
    /// Moves a task into the history in one transaction that survives a loss of power. `false`: its
    /// run is there already. A task whose row has been lost (a database that was replaced) is
    /// archived all the same.
    pub fn finish(&mut self, finished: &Finished) -> Result<bool, Error> {
        self.synchronous("FULL")?;
        let transaction = self.write()?;
        let run = finished.record.run.as_deref();
        transaction.execute(
            "DELETE FROM tasks WHERE id = ?1 AND instr(identity, ?2) > 0",
            params![finished.taskid, run],
        )?;
        let is_new = insert(&transaction, finished)?;
        transaction.commit()?;
        Ok(is_new)
    }

    /// The same for tasks that were each judged to be gone by this identity, all in one transaction;
    /// returns which of them were archived. If a row has another identity by now, a launcher has it or
    /// had it, which knows more: then nothing is done.
    pub fn finish_lost(&mut self, lost: &[(Finished, Option<Json>)]) -> Result<Vec<bool>, Error> {
        self.synchronous("FULL")?;
        let transaction = self.write()?;
        let archive = |(finished, identity): &(Finished, Option<Json>)| {
            let deleted = transaction
                .prepare("DELETE FROM tasks WHERE id = ?1 AND identity IS ?2")?
                .execute(params![
                    finished.taskid,
                    identity.as_ref().map(Json::as_str)
                ])?;
            Ok(deleted > 0 && insert(&transaction, finished)?)
        };
        let archived = lost.iter().map(archive).collect::<rusqlite::Result<_>>()?;
        transaction.commit()?;
        Ok(archived)
    }

    /// Whether a run is one of this database's, running or archived.
    pub fn knows_run(&self, run: &str) -> Result<bool, Error> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM tasks WHERE instr(identity, ?1) > 0)
                 OR EXISTS (SELECT 1 FROM history WHERE run = ?1)",
            [run],
            |row| row.get(0),
        )?)
    }

    /// The feedback files that are still to be deleted, by task.
    pub fn removals(&self) -> Result<Vec<(i64, Removal)>, Error> {
        let mut statement = self
            .connection
            .prepare("SELECT taskid, feedfile, before FROM removals")?;
        let rows = statement.query_map([], |row| {
            let before: Option<String> = row.get(2)?;
            let before = before.and_then(|text| serde_json::from_str(&text).ok());
            Ok((
                row.get(0)?,
                path_of(row.get_ref(1)?).map(|path| Removal { path, before }),
            ))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows
            .into_iter()
            .filter_map(|(id, removal)| Some((id, removal?)))
            .filter(|(id, removal)| is_feedback_file(&removal.path, *id))
            .filter(|(_, removal)| self.is_within_reach(&removal.path))
            .collect())
    }

    /// A file is deleted.
    pub fn forget_removal(&mut self, taskid: i64) -> Result<(), Error> {
        let transaction = self.write()?;
        transaction.execute("DELETE FROM removals WHERE taskid = ?1", [taskid])?;
        transaction.commit()?;
        Ok(())
    }

    /// Clears the history but for what is to be kept; returns how many rows went.
    pub fn clear(&mut self, keep: Keep) -> Result<usize, Error> {
        let transaction = self.write()?;
        let cleared = transaction.execute(
            "DELETE FROM history
             WHERE (?1 IS NULL OR coalesce(endtime, 0) < ?1)
               AND (?2 IS NULL OR id NOT IN (SELECT id FROM history ORDER BY id DESC LIMIT ?2))",
            params![keep.ended_since, keep.newest],
        )?;
        transaction.commit()?;
        Ok(cleared)
    }

    /// Empties every table, unless `check` refuses. It is told of the active tasks and of how many
    /// have finished, under the lock: nothing can begin or end between its answer and the erasing.
    /// Ids go on where they were, so that no old feedback file is taken for a new task's.
    pub fn erase(
        &mut self,
        check: impl FnOnce(&[Task], i64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let transaction = self.write()?;
        let finished =
            transaction.query_row("SELECT count(*) FROM history", [], |row| row.get(0))?;
        check(&read::tasks(&transaction)?, finished)?;
        transaction.execute_batch(
            "DELETE FROM tasks; DELETE FROM feedbacks; DELETE FROM history; DELETE FROM removals;",
        )?;
        transaction.commit()?;
        Ok(())
    }
}

/// The columns of a record, in the order of [`VALUES`].
const COLUMNS: &str = "taskid, taskname, info1, info2, info3, termsignal, termerror, starttime, endtime,
    duration, feedback, exitcode, outcome, command, cwd, host, elapsed_ms, user_ms, system_ms, maxrss_kb,
    leftovers, timeline, run";

const VALUES: &str =
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
    ?21, ?22, ?23";

/// Inserts the record of a task whose row is gone; whether its run was not there yet. One that is there
/// without the exit facts, because nobody was known to have observed them, is replaced by one that has
/// them: what was observed is never thrown away.
fn insert(transaction: &Transaction<'_>, finished: &Finished) -> rusqlite::Result<bool> {
    let Finished {
        taskid,
        record,
        removal,
    } = finished;
    transaction
        .prepare("DELETE FROM feedbacks WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM tasks WHERE id = ?1)")?
        .execute([taskid])?;
    let is_archived: bool = transaction
        .prepare("SELECT EXISTS (SELECT 1 FROM history WHERE run = ?1)")?
        .query_row([&record.run], |row| row.get(0))?;
    let sql = if !is_archived {
        format!("INSERT INTO history ({COLUMNS}) VALUES ({VALUES})")
    } else if record.exitcode.is_some() || record.termsignal.is_some() {
        format!(
            "UPDATE history SET ({COLUMNS}) = ({VALUES})
             WHERE run = ?23 AND exitcode IS NULL AND termsignal IS NULL AND outcome IS NOT 'not_started'"
        )
    } else {
        // A row that is there all the same would be archived again by every command.
        return Ok(false);
    };
    if let Some(removal) = removal {
        transaction.execute(
            "INSERT OR REPLACE INTO removals (taskid, feedfile, before) VALUES (?1, ?2, ?3)",
            params![
                taskid,
                path_value(&removal.path),
                removal
                    .before
                    .map(|before| Json::of(&before))
                    .as_ref()
                    .map(Json::as_str)
            ],
        )?;
    }
    transaction.prepare(&sql)?.execute(params![
        taskid,
        record.taskname,
        record.info1,
        record.info2,
        record.info3,
        record.termsignal,
        record.termerror,
        record.starttime,
        record.endtime,
        record.duration,
        record.feedback.as_ref().map(Json::as_str),
        record.exitcode,
        record.outcome,
        record.command.as_ref().map(Json::as_str),
        record.cwd,
        record.host,
        record.elapsed_ms,
        record.user_ms,
        record.system_ms,
        record.maxrss_kb,
        record.leftovers,
        record.timeline.as_ref().map(Json::as_str),
        record.run,
    ])?;
    Ok(!is_archived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Missing, Patience};
    use taskwatcher_core::database::read::HistoryFilter;
    use taskwatcher_core::json::Kind;

    fn identity(run: &str) -> String {
        format!("{{\"run\":\"{run}\"}}")
    }

    /// A store with one task of this run.
    fn store(run: &str) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(
            &folder.path().join("tasks.db"),
            Patience::Long,
            Missing::Create,
        )
        .unwrap();
        store
            .connection
            .execute(
                "INSERT INTO tasks (id, status, identity) VALUES (7, 'RUNNING', ?1)",
                [identity(run)],
            )
            .unwrap();
        (folder, store)
    }

    fn finished(run: &str) -> Finished {
        Finished {
            taskid: 7,
            record: History {
                run: Some(run.to_owned()),
                ..History::default()
            },
            removal: None,
        }
    }

    #[test]
    fn a_verdict_that_is_out_of_date_archives_nothing() {
        let (_folder, mut store) = store("r, adopted");
        let judged = Json::parse(&identity("r"), Kind::Object);
        let lost = [(finished("r"), judged), (finished("r"), None)];
        assert_eq!(store.finish_lost(&lost).unwrap(), [false, false]);
        assert!(store.task(7).unwrap().is_some());
        let present = Json::parse(&identity("r, adopted"), Kind::Object);
        let lost = [(finished("r"), present)];
        assert_eq!(store.finish_lost(&lost).unwrap(), [true]);
        assert!(store.task(7).unwrap().is_none());
    }

    #[test]
    fn what_was_observed_replaces_what_was_not_known_and_nothing_else_does() {
        let (_folder, mut store) = store("r");
        let record = |outcome: &str, exitcode| {
            let mut finished = finished("r");
            finished.record.outcome = Some(outcome.to_owned());
            finished.record.exitcode = exitcode;
            finished
        };
        assert!(store.finish(&record("lost", None)).unwrap());
        for (later, stays) in [
            (record("lost", None), ("lost", None)),
            (record("failed", Some(3)), ("failed", Some(3))),
            (record("succeeded", Some(0)), ("failed", Some(3))),
            (record("lost", None), ("failed", Some(3))),
        ] {
            assert!(!store.finish(&later).unwrap());
            let row = store.finished(7).unwrap().unwrap();
            assert_eq!((row.outcome.as_deref().unwrap(), row.exitcode), stays);
        }
    }

    #[test]
    fn a_row_whose_run_is_archived_goes() {
        let (_folder, mut store) = store("r");
        assert!(store.finish(&finished("r")).unwrap());
        let row = "INSERT INTO tasks (id, status, identity) VALUES (7, 'RUNNING', ?1)";
        store.connection.execute(row, [identity("r")]).unwrap();
        assert!(!store.finish(&finished("r")).unwrap());
        assert!(store.task(7).unwrap().is_none());
        assert_eq!(
            store.history_ids(&HistoryFilter::default()).unwrap().len(),
            1
        );
    }
}
