//! `list`: running and reserved tasks.

use std::path::Path;

use taskwatcher_core::record::{Document, Task};

use crate::error::Error;
use crate::render::output::print;
use crate::render::table::{self, Look};
use crate::store::is_running;
use crate::supervise::recover;
use crate::sys::clock;
use crate::sys::file::Version;

/// Prints the tasks as a table or as JSON.
pub fn run(database: &Path, json: bool) -> Result<u8, Error> {
    let store = recover::open(database)?;
    let mut tasks = store.tasks()?;
    for task in &mut tasks {
        let feedfile = if task.feedback {
            store.feedfile(task.taskid)?
        } else {
            None
        };
        let modified = feedfile
            .as_deref()
            .and_then(Version::of)
            .map(|version| version.modified.as_secs());
        refresh(
            task,
            modified.and_then(|seconds| i64::try_from(seconds).ok()),
            clock::unix_seconds(),
        );
    }
    if json {
        print(
            &Document {
                tasks: Some(tasks),
                ..Document::new()
            }
            .to_json(),
        )?;
    } else if tasks.is_empty() {
        eprintln!("taskwatcher: no task is running or reserved");
    } else {
        print(&table::tasks(&tasks, &Look::of_stdout()))?;
    }
    Ok(0)
}

/// Fills in what changes every second and is therefore not stored: the duration, and with feedback
/// the time since the last heartbeat, which is the file's last change or the start.
pub fn refresh(task: &mut Task, modified: Option<i64>, now: i64) {
    let Some(start) = task.starttime.filter(|_| is_running(task)) else {
        return;
    };
    task.duration = Some((now - start).max(0));
    if task.feedback {
        let beat = task.lastupdate.max(modified).filter(|&beat| beat >= start);
        task.lastupdate = beat.or(task.lastupdate);
        task.timer = Some((now - beat.unwrap_or(start)).max(0));
    }
}
