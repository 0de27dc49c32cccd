//! A database of this machine's own file system, for tests: what `lent` does for the browser.
//!
//! Guarantees: the answers are those of the browser for the same files. A log is read with
//! `locking_mode=exclusive` as there, for which the system wants write access: use copies that no task
//! writes to. The database stays as it is; beside it an empty log may appear.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use taskwatcher_core::database::header;

use crate::history::{History, damaged, look};

impl History {
    /// Opens the database of this path, with its log if there is one beside it.
    pub fn open_file(path: &Path) -> Result<Self, String> {
        let unreadable = |error: io::Error| format!("cannot read '{}': {error}", path.display());
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let (head, _) = head(path).map_err(unreadable)?;
        let log_seen = match self::head(Path::new(&log)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other.map_err(unreadable)?),
        };
        let log_seen = log_seen.as_ref().map(|(head, size)| (&**head, *size));
        let (note, _) = look(&head, log_seen)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| damaged(&error))?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(|error| damaged(&error))?;
        connection
            .pragma_update(None, "locking_mode", "exclusive")
            .map_err(|error| damaged(&error))?;
        Self::of(connection, note)
    }
}

/// The first bytes of a file, and its size.
fn head(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let mut head = Vec::new();
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    file.take(header::LEN as u64).read_to_end(&mut head)?;
    Ok((head, size))
}
