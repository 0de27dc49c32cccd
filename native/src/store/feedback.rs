//! The feedbacks table: the values of running tasks as far as they were read.

use rusqlite::{Transaction, params};
use taskwatcher_core::json::Json;
use taskwatcher_core::record::Feedback;

use super::Store;
use crate::error::Error;

impl Store {
    /// Stores what was read of a task's feedback file, all of it or nothing, if the task still runs.
    pub fn store_feedback(&mut self, run: &str, feedback: &Feedback) -> Result<(), Error> {
        let transaction = self.write()?;
        put_feedback(&transaction, run, feedback)?;
        transaction.commit()?;
        Ok(())
    }
}

/// The same as part of another transaction.
pub(super) fn put_feedback(
    transaction: &Transaction<'_>,
    run: &str,
    feedback: &Feedback,
) -> rusqlite::Result<()> {
    transaction.execute(
            "INSERT INTO feedbacks (id, feedback, lastupdate, offset, inode, fingerprint)
             SELECT ?1, ?3, ?4, ?5, ?6, ?7
             WHERE EXISTS (SELECT 1 FROM tasks WHERE id = ?1 AND instr(identity, ?2) > 0)
             ON CONFLICT (id) DO UPDATE SET feedback = excluded.feedback, lastupdate = excluded.lastupdate,
                 offset = excluded.offset, inode = excluded.inode, fingerprint = excluded.fingerprint",
            params![
                feedback.id,
                run,
                feedback.feedback.as_ref().map(Json::as_str),
                feedback.lastupdate,
                feedback.offset,
                feedback.inode,
                feedback.fingerprint,
            ],
        )?;
    Ok(())
}
