//! The database as the commands see it: one small type, behind which another engine may stand one
//! day. Everything that writes is one transaction that takes the write lock at its start.

mod feedback;
mod history;
mod open;
pub mod spool;
mod task;
mod trust;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use taskwatcher_core::database::read::{self, HistoryFilter};
use taskwatcher_core::record::{Feedback, History, Task};

pub use self::history::{Finished, Keep, Removal};
pub use self::open::{Missing, Patience};
pub use self::task::{Labels, Start, State, Taken, feedback_name, is_running};

use crate::error::Error;

/// Which database a command works on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Its one path, absolute and without links.
    pub path: PathBuf,
    /// Somebody named it, so that it is expected to be there; else it is the user's own.
    pub is_named: bool,
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    is_private: OnceCell<bool>,
}

impl Store {
    /// Whether the file can only be read.
    pub fn is_read_only(&self) -> bool {
        self.connection.is_readonly("main").unwrap_or(true)
    }

    /// Whether what it holds was written by this user or root, and by nobody else.
    pub fn is_private(&self) -> bool {
        *self
            .is_private
            .get_or_init(|| trust::is_private(&self.path))
    }

    /// Whether there is no such database, so that nothing can be beside it.
    pub fn is_missing(&self) -> bool {
        self.connection.path().is_none_or(str::is_empty)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Running and reserved tasks, in the order of ids.
    pub fn tasks(&self) -> Result<Vec<Task>, Error> {
        Ok(read::tasks(&self.connection)?)
    }

    /// The same with no more than tells whether they still run.
    pub fn owners(&self) -> Result<Vec<Task>, Error> {
        Ok(read::owners(&self.connection)?)
    }

    /// The task with this id, if it is running or reserved.
    pub fn task(&self, id: i64) -> Result<Option<Task>, Error> {
        Ok(read::task_by_id(&self.connection, id)?)
    }

    /// Running and reserved tasks of this name, in the order of ids.
    pub fn tasks_named(&self, name: &str) -> Result<Vec<Task>, Error> {
        Ok(read::tasks_by_name(&self.connection, name)?)
    }

    /// Which rows the history has of finished tasks, oldest first.
    pub fn history_ids(&self, filter: &HistoryFilter) -> Result<Vec<i64>, Error> {
        Ok(read::history_ids(&self.connection, filter)?)
    }

    /// These finished tasks one by one. The database is not held while `take` has one: whoever reads
    /// what is printed may take as long as they like. One that was cleared since is left out.
    pub fn each_of_history(
        &self,
        ids: &[i64],
        take: impl FnMut(History) -> Result<(), Error>,
    ) -> Result<(), Error> {
        read::each_of_history(&self.connection, ids, take)
    }

    /// Lets `look` see the database as it is at one moment, whatever others write meanwhile.
    pub fn at_one_moment<T>(&self, look: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let moment = self.connection.unchecked_transaction()?;
        let seen = look()?;
        moment.rollback()?;
        Ok(seen)
    }

    /// The stored values of running tasks, in the order of ids.
    pub fn feedbacks(&self) -> Result<Vec<Feedback>, Error> {
        Ok(read::feedbacks(&self.connection)?)
    }

    /// The finished task with this task id; the newest one, since 1.7 gave ids out again.
    pub fn finished(&self, taskid: i64) -> Result<Option<History>, Error> {
        Ok(read::history_by_taskid(&self.connection, taskid)?)
    }

    /// The stored values of a running task.
    pub fn feedback(&self, id: i64) -> Result<Option<Feedback>, Error> {
        Ok(read::feedback_by_id(&self.connection, id)?)
    }

    /// Takes the write lock. What is done in the transaction is undone unless it is committed.
    /// Whether this process could write just now, after its patience with others that do.
    pub fn check_lock(&mut self) -> Result<(), Error> {
        Ok(self.write().map(drop)?)
    }

    fn write(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
    }
}
