//! `update`: store what otherwise only readers compute.

use std::path::Path;

use crate::error::Error;
use crate::store::is_running;
use crate::supervise::recover;

/// Stores duration and last heartbeat of running tasks. Expired reservations are dropped and dead
/// launchers' tasks recovered when the database is opened.
pub fn run(database: &Path) -> Result<u8, Error> {
    let mut store = recover::open(database)?;
    let running = super::list::present_tasks(&store)?
        .into_iter()
        .filter(is_running);
    let fresh: Vec<_> = running
        .map(|task| (task.taskid, task.duration, task.lastupdate))
        .collect();
    store.refresh(&fresh)?;
    Ok(0)
}
