//! `export`: everything in one JSON document, for the viewer.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use taskwatcher_core::database::read::HistoryFilter;

use crate::error::Error;
use crate::render::document::Document;
use crate::store::{Location, Store, is_running};
use crate::supervise::recover;
use crate::sys::file::{self, NewFile};
use crate::sys::identity::Place;

/// Writes the document to a file or to standard output.
pub fn run(database: &Location, file: Option<&Path>) -> Result<u8, Error> {
    let file = file.filter(|path| *path != Path::new("-"));
    let mut store = recover::open(database)?;
    refresh_feedback(&mut store)?;
    match file {
        None => write(&store, io::stdout().lock())?,
        Some(path) if file::is_of_database(path, &database.path) => {
            return Err(Error::Refused(format!(
                "'{}' is the database itself; name another file",
                path.display()
            )));
        }
        Some(path) => write_file(&store, path)?,
    }
    Ok(0)
}

/// A regular file is replaced only once the new one is whole, and keeps its mode if it was this user's:
/// one that somebody else has put there may be readable for them. Anything else that stands there (a
/// device, a pipe, a link) is written to as it is.
fn write_file(store: &Store, path: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(format!("write '{}'", path.display()), &error);
    let mode = match fs::symlink_metadata(path) {
        Ok(data) if data.is_file() => {
            Some(data.permissions()).filter(|_| data.uid() == Place::here().uid)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => return write(store, file::open_to_replace(path).map_err(failed)?),
    };
    let new = NewFile::begin(path).map_err(failed)?;
    if let Some(mode) = mode {
        new.file().set_permissions(mode).map_err(failed)?;
    }
    write(store, new.file())?;
    new.appear(path).map_err(failed)
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
