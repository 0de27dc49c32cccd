//! Spool files: the record of a finished task that could not be committed, kept beside the database
//! until the next command that can write takes it in.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Finished, Store};
use crate::error::{Error, plain};
use crate::sys::file;
use crate::sys::identity::Place;

/// Writes the record to a file in the first of the folders that takes it: beside the database, or
/// where the task's feedback file is. The file appears whole or not at all.
pub fn write(
    database: &Path,
    feedback_folder: Option<&Path>,
    finished: &Finished,
) -> io::Result<PathBuf> {
    let name = format!(
        "{}{}-{}.json",
        prefix(database),
        finished.taskid,
        finished.record.run.as_deref().unwrap_or_default()
    );
    let text = serde_json::to_string(finished)?;
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for folder in database.parent().into_iter().chain(feedback_folder) {
        let path = folder.join(&name);
        match file::create_whole(&path, text.as_bytes()) {
            Ok(()) => return Ok(path),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Reads a record that a launcher of this user wrote. The folder may be one that others write to.
fn read(path: &Path) -> io::Result<Option<Finished>> {
    let text = match file::read_own(path) {
        Ok(text) => text,
        // Its launcher could commit after all, or another command has taken it in.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let finished: Finished = serde_json::from_str(&text)?;
    if finished.record.run.as_deref().is_none_or(str::is_empty) {
        return Err(io::Error::other("it says nothing of its run"));
    }
    Ok(Some(finished))
}

impl Store {
    /// Takes in the spool files beside the database and in these folders, each exactly once: the
    /// record is inserted by the transaction that deletes the task's row, and only then the file
    /// goes. Another user's is left to that user's next command, and what is no record to a person.
    pub fn take_in_spools(&mut self, folders: &[PathBuf]) -> Result<(), Error> {
        let start = prefix(&self.path);
        let beside = self.path.parent().map(Path::to_owned);
        for (place, folder) in beside.iter().chain(folders).enumerate() {
            let Ok(entries) = fs::read_dir(folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let Some(name) = name.to_str() else { continue };
                if !name.starts_with(&start) || Path::new(name).extension() != Some("json".as_ref())
                {
                    continue;
                }
                if entry
                    .metadata()
                    .is_ok_and(|data| data.uid() != Place::here().uid)
                {
                    continue;
                }
                let finished = match read(&entry.path()) {
                    Ok(Some(finished)) => finished,
                    Ok(None) => continue,
                    Err(error) => {
                        crate::warn(&format!(
                            "'{}' is no record of a task ({}); look at it and move it away",
                            entry.path().display(),
                            plain(&error)
                        ));
                        continue;
                    }
                };
                // A folder of feedback files may serve other databases of that name.
                let run = finished.record.run.as_deref().unwrap_or_default();
                if place > 0 && !self.knows_run(run)? {
                    continue;
                }
                self.finish(&finished)?;
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

fn prefix(database: &Path) -> String {
    let name = database.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}.spool-")
}
