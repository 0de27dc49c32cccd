//! Spool files: the record of a finished task that could not be committed, kept beside the database
//! until the next command that can write takes it in.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Finished, Store};
use crate::error::Error;

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
    for folder in folder_of(database)
        .into_iter()
        .chain(feedback_folder.map(Path::to_owned))
    {
        match write_whole(&folder.join(&name), &text) {
            Ok(path) => return Ok(path),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn write_whole(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&part, path)) {
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    Ok(path.to_owned())
}

impl Store {
    /// Takes in the spool files beside the database and in these folders, each exactly once: the
    /// record is inserted by the transaction that deletes the task's row, and only then the file
    /// goes. A file that is no record is left for a person to look at.
    pub fn take_in_spools(&mut self, folders: &[PathBuf]) -> Result<(), Error> {
        let start = prefix(&self.path);
        for folder in folder_of(&self.path)
            .into_iter()
            .chain(folders.iter().cloned())
        {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let Some(name) = name.to_str() else { continue };
                if !name.starts_with(&start) || Path::new(name).extension() != Some("json".as_ref())
                {
                    continue;
                }
                let text = match fs::read_to_string(entry.path()) {
                    Ok(text) => text,
                    // Its launcher could commit after all, or another command has taken it in.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(_) => String::new(),
                };
                let Ok(finished) = serde_json::from_str(&text) else {
                    crate::warn(&format!(
                        "'{name}' is no record of a task; look at it and move it away"
                    ));
                    continue;
                };
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

fn folder_of(database: &Path) -> Option<PathBuf> {
    let folder = database.parent()?;
    Some(if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    })
}
