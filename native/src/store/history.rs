//! The history table: archiving a task exactly once, and clearing.

use rusqlite::params;
use serde::{Deserialize, Serialize};
use taskwatcher_core::json::Json;
use taskwatcher_core::record::History;

use super::Store;
use crate::error::Error;

/// A finished task on its way into the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The task's id.
    pub taskid: i64,
    /// The mark of its run, or nothing for a task of 1.7: only the row of that run is replaced.
    pub run: String,
    /// The row; its own id is given by the table.
    pub record: History,
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
    /// row was not there any more, so that it is archived already, and nothing was done.
    pub fn finish(&mut self, finished: &Finished) -> Result<bool, Error> {
        let Finished {
            taskid,
            run,
            record,
        } = finished;
        self.synchronous("FULL")?;
        let transaction = self.write()?;
        let deleted = transaction.execute(
            "DELETE FROM tasks WHERE id = ?1
                 AND CASE ?2 WHEN '' THEN identity IS NULL ELSE instr(identity, ?2) > 0 END",
            params![taskid, run],
        )?;
        if deleted == 0 {
            return Ok(false);
        }
        transaction.execute("DELETE FROM feedbacks WHERE id = ?1", [taskid])?;
        transaction.execute(
            "INSERT INTO history (taskid, taskname, info1, info2, info3, termsignal, termerror,
                 starttime, endtime, duration, feedback, exitcode, outcome, command, cwd, host,
                 elapsed_ms, user_ms, system_ms, maxrss_kb, leftovers, timeline)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20, ?21, ?22)",
            params![
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
            ],
        )?;
        transaction.commit()?;
        Ok(true)
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

    /// Empties every table. Ids go on where they were, so that no old feedback file is taken for a
    /// new task's.
    pub fn erase(&mut self) -> Result<(), Error> {
        let transaction = self.write()?;
        transaction
            .execute_batch("DELETE FROM tasks; DELETE FROM feedbacks; DELETE FROM history;")?;
        transaction.commit()?;
        Ok(())
    }

    /// How many finished tasks there are.
    pub fn count_history(&self) -> Result<i64, Error> {
        Ok(self
            .connection
            .query_row("SELECT count(*) FROM history", [], |row| row.get(0))?)
    }
}
