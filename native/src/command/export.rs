//! `export`: everything in one JSON document, for the viewer.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use taskwatcher_core::database::read::HistoryFilter;

use crate::error::Error;
use crate::render::document::Document;
use crate::store::{Store, is_running};
use crate::supervise::recover;

/// Writes the document to a file, which is replaced only once it is whole, or to standard output.
pub fn run(database: &Path, file: Option<&Path>) -> Result<u8, Error> {
    let mut store = recover::open(database)?;
    refresh_feedback(&mut store)?;
    match file {
        None => write(&store, io::stdout().lock())?,
        Some(path) => write_file(&store, path)?,
    }
    Ok(0)
}

fn write_file(store: &Store, path: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::io(format!("write '{}'", path.display()), &error);
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part);
    let written = write(store, out.map_err(failed)?);
    let written = written.and_then(|()| std::fs::rename(&part, path).map_err(failed));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write(store: &Store, out: impl Write) -> Result<(), Error> {
    let mut document = Document::begin(out)?;
    let tasks = super::list::present_tasks(store)?;
    document.member("tasks", |records| {
        tasks.iter().try_for_each(|task| records.push(task))
    })?;
    document.member("history", |records| {
        store.each_of_history(&HistoryFilter::default(), |row| records.push(&row))
    })?;
    let feedbacks = store.feedbacks()?;
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
