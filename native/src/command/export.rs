//! `export`: everything in one JSON document, for the viewer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use taskwatcher_core::database::read::HistoryFilter;

use crate::error::Error;
use crate::render::document::Document;
use crate::store::{Store, is_running};
use crate::supervise::recover;
use crate::sys::{file, identity};

/// Writes the document to a file or to standard output.
pub fn run(database: &Path, file: Option<&Path>) -> Result<u8, Error> {
    let mut store = recover::open(database)?;
    refresh_feedback(&mut store)?;
    match file {
        None => write(&store, io::stdout().lock())?,
        Some(path) if file::is_of_database(path, database) => {
            return Err(Error::Refused(format!(
                "'{}' is the database itself; name another file",
                path.display()
            )));
        }
        Some(path) => write_file(&store, path)?,
    }
    Ok(0)
}

/// A regular file is replaced only once the new one is whole, and keeps its mode. Anything else that
/// stands there (a device, a pipe, a link) is written to as it is.
fn write_file(store: &Store, path: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(format!("write '{}'", path.display()), &error);
    let mode = match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => Some(data.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => return write(store, File::create(path).map_err(failed)?),
    };
    // A name of its own, so that two exports to one file do not write into each other.
    let mark = identity::random_mark().map_err(failed)?;
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{mark}.part"));
    let mut options = OpenOptions::new();
    let out = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)
        .map_err(failed)?;
    let written = mode
        .map_or(Ok(()), |mode| out.set_permissions(mode))
        .map_err(failed)
        .and_then(|()| write(store, out))
        .and_then(|()| fs::rename(&part, path).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// What is written is the state at one moment, however long the writing takes; only a finished task
/// that is cleared meanwhile is left out.
fn write(store: &Store, out: impl Write) -> Result<(), Error> {
    let (tasks, finished, feedbacks) = store.at_one_moment(|| {
        let tasks = super::list::present_tasks(store)?;
        let finished = store.history_ids(&HistoryFilter::default())?;
        Ok((tasks, finished, store.feedbacks()?))
    })?;
    let mut document = Document::begin(out)?;
    document.member("tasks", |records| {
        tasks.iter().try_for_each(|task| records.push(task))
    })?;
    document.member("history", |records| {
        store.each_of_history(&finished, |row| records.push(&row))
    })?;
    document.member("feedbacks", |records| {
        feedbacks.iter().try_for_each(|row| records.push(row))
    })?;
    document.end()
}

/// Reads what running tasks have written since it was last stored. One whose file cannot be read is
/// exported as it was.
fn refresh_feedback(store: &mut Store) -> Result<(), Error> {
    for task in store
        .tasks()?
        .iter()
        .filter(|task| is_running(task) && task.feedback)
    {
        if let Err(error) = super::feedback::present(store, task) {
            crate::warn(&error.to_string());
        }
    }
    Ok(())
}
