//! `update`: store what otherwise only readers compute.

use std::path::Path;

use crate::error::Error;
use crate::store::is_running;
use crate::supervise::recover;
use crate::sys::clock;
use crate::sys::file::Version;

/// Stores duration and last heartbeat of running tasks. Expired reservations are dropped and dead
/// launchers' tasks recovered when the database is opened.
pub fn run(database: &Path) -> Result<u8, Error> {
    let mut store = recover::open(database)?;
    let now = clock::unix_seconds();
    let mut fresh = Vec::new();
    for mut task in store.tasks()?.into_iter().filter(is_running) {
        let feedfile = if task.feedback {
            store.feedfile(task.taskid)?
        } else {
            None
        };
        let modified = feedfile
            .as_deref()
            .and_then(Version::of)
            .map(|version| version.modified.as_secs());
        super::list::refresh(
            &mut task,
            modified.and_then(|seconds| i64::try_from(seconds).ok()),
            now,
        );
        fresh.push((task.taskid, task.duration, task.lastupdate));
    }
    store.refresh(&fresh)?;
    Ok(0)
}
