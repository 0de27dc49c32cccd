//! `feedback`: the present values of a task.

use taskwatcher_core::Values;
use taskwatcher_core::json::harmless;
use taskwatcher_core::record::Task;

use crate::error::Error;
use crate::feedback::{self, LastLine, Reading};
use crate::render::output::print;
use crate::store::{Location, Store, is_running};
use crate::supervise::recover;

/// Prints the values as JSON and stores them.
pub fn run(database: &Location, id: i64) -> Result<u8, Error> {
    let mut store = recover::open_to_read(database)?;
    let Some(task) = store.task(id)? else {
        return finished(&store, id);
    };
    if !is_running(&task) {
        return Err(Error::Refused(format!(
            "task {id} is reserved and not launched yet: it has no values"
        )));
    }
    print(&harmless(present(&mut store, &task)?.to_json()))?;
    Ok(0)
}

/// The present values of a running task, which are stored too: where that is not possible (locked, no
/// room), the next read only costs more.
pub fn present(store: &mut Store, task: &Task) -> Result<Values, Error> {
    let id = task.taskid;
    let Some(path) = store.feedfile(id)? else {
        if task.feedback && !store.is_private() {
            return Err(Error::Refused(format!(
                "the feedback file of task {id} is not read: others can write this database or the folders that hold \
                 it, and cannot be shown to have the right to that file"
            )));
        }
        return Err(Error::Refused(format!(
            "task {id} gives no feedback; launch it with --feedback if it should"
        )));
    };
    let stored = store.feedback(id)?.as_ref().and_then(Reading::stored);
    let reading = feedback::read(&path, stored.clone(), LastLine::Unfinished).map_err(|error| {
        Error::io(
            format!("read the feedback file '{}'", path.display()),
            &error,
        )
    })?;
    if reading.is_cut {
        crate::warn(&format!(
            "the feedback file '{}' was not read to its end, because that took too long; the next \
             command continues there",
            path.display()
        ));
    }
    let is_new = !stored.is_some_and(|stored| stored.is_at(&reading));
    if is_new
        && !store.is_read_only()
        && let Some(identity) = recover::identity_of(task)
    {
        match store.store_feedback(&identity.run, &reading.to_row(id)) {
            Ok(()) | Err(Error::Locked) => {}
            Err(error) => {
                crate::warn(&format!("the values of task {id} were not stored: {error}"));
            }
        }
    }
    Ok(reading.values)
}

fn finished(store: &Store, id: i64) -> Result<u8, Error> {
    let row = store.finished(id)?.ok_or(Error::NoSuchTask(id))?;
    let Some(values) = row.feedback else {
        return Err(Error::Refused(format!("task {id} gave no feedback")));
    };
    print(&harmless(values.as_str().to_owned()))?;
    Ok(0)
}
