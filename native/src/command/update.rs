//! `update`: store what otherwise only readers compute.

use super::list::{is_here, present_tasks};
use crate::error::Error;
use crate::store::{Location, is_running};
use crate::supervise::recover;

/// Stores duration and last heartbeat of the tasks that run on this system. Expired reservations are
/// dropped and dead launchers' tasks recovered when the database is opened.
pub fn run(database: &Location) -> Result<u8, Error> {
    let mut store = recover::open(database)?;
    let running = present_tasks(&store)?
        .into_iter()
        .filter(|task| is_running(task) && is_here(task));
    let fresh: Vec<_> = running
        .map(|task| (task.taskid, task.duration, task.lastupdate))
        .collect();
    store.refresh(&fresh)?;
    Ok(0)
}
