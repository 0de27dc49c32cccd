//! Opening a database: creating it at first use, bringing it to the present schema, and settings
//! that keep it sound with many processes and against a hostile file.

use std::cell::OnceCell;
use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use taskwatcher_core::database::harden;
use taskwatcher_core::database::schema::{self, State};

use super::{Store, trust};
use crate::error::{Error, plain};
use crate::sys::file;

/// How long to wait for another process that holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as a person would: for commands that have something to write.
    Long,
    /// Long enough for others that write their records at the same time: for launchers that can try
    /// again, and for commands that only read, and store what they found if it is possible.
    Record,
    /// Not noticeably: for a launcher that has deadlines to keep and can try again.
    Short,
}

impl Patience {
    fn limit(self) -> Duration {
        match self {
            Self::Long => Duration::from_secs(10),
            Self::Record => Duration::from_secs(1),
            Self::Short => Duration::from_millis(100),
        }
    }
}

/// Size of the write-ahead log, in bytes, at which it is copied back into the database. Commands
/// come one at a time, and the first one to open the database reads the whole log; so it is kept
/// far shorter than SQLite's default of 4 MB.
const LOG_LIMIT: u64 = 256 * 1024;

/// What to do where there is no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make it, and its folder: for commands that put something in.
    Create,
    /// An error: it was named, so that it should be there.
    Refuse,
    /// Nothing is made, and it is as if it were empty.
    Empty,
}

impl Store {
    /// Opens the database of this path.
    pub fn open(path: &Path, patience: Patience, missing: Missing) -> Result<Self, Error> {
        match path.metadata() {
            Ok(data) if data.is_file() => {}
            Ok(_) => {
                let text = "it is not a regular file; name a file with --db";
                return Err(Error::Database(text.to_owned()));
            }
            Err(error) if is_absent(&error) => match missing {
                Missing::Create => create(path)?,
                Missing::Empty => return Self::empty(path),
                Missing::Refuse => {
                    return Err(Error::Database(
                        "it does not exist; check the path, or make it with 'taskwatcher initialize'"
                            .to_owned(),
                    ));
                }
            },
            Err(error) => {
                return Err(Error::Database(format!(
                    "it cannot be looked at: {}; check who may use its folder",
                    plain(&error)
                )));
            }
        }
        let mut store = Self::connect(path, patience)?;
        match schema::inspect(&store.connection)? {
            State::Version(schema::VERSION) => {}
            _ if store.is_read_only() => {
                let text = "it has an older schema and cannot be written; check who owns the file and its folder";
                return Err(Error::Database(text.to_owned()));
            }
            _ => schema::migrate(&mut store.connection)?,
        }
        store.use_log(path)?;
        Ok(store)
    }

    /// Stands for a database that does not exist.
    fn empty(path: &Path) -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection)?;
        Ok(Self::of(connection, path))
    }

    fn of(connection: Connection, path: &Path) -> Self {
        Self {
            connection,
            path: path.to_owned(),
            is_private: OnceCell::new(),
        }
    }

    /// Opens the database for a launcher whose task is in it: whatever its schema has become since,
    /// the columns of the task are still there. Creates nothing.
    pub fn reopen(path: &Path, patience: Patience) -> Result<Self, Error> {
        Self::connect(path, patience)
    }

    fn connect(path: &Path, patience: Patience) -> Result<Self, Error> {
        trust::check_parts(path)?;
        match Self::connect_with(path, patience, OpenFlags::SQLITE_OPEN_READ_WRITE) {
            // Without write access to the folder a log cannot be begun, and one without its index
            // cannot be read; a database that is whole without its other files can be read alone.
            Err(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
                ) && is_whole(path) =>
            {
                Ok(Self::connect_immutable(path)?)
            }
            other => Ok(other?),
        }
    }

    fn connect_with(path: &Path, patience: Patience, flags: OpenFlags) -> rusqlite::Result<Self> {
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(patience.limit())?;
        harden(&connection)?;
        // The log and its index stay when the last one closes, so that readers need no write access.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let store = Self::of(connection, path);
        store.synchronous("NORMAL")?;
        Ok(store)
    }

    fn connect_immutable(path: &Path) -> rusqlite::Result<Self> {
        let mut uri = "file:".to_owned();
        for byte in path.as_os_str().as_bytes() {
            write!(uri, "%{byte:02x}").expect("a string takes all");
        }
        uri.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&uri, flags)?;
        harden(&connection)?;
        Ok(Self::of(connection, path))
    }

    /// Empties a log that has grown long, if nobody is using it just now. SQLite's own checkpoint
    /// leaves it as long as it is, because the process that could begin it anew has gone by then.
    fn shorten_log(&self) -> rusqlite::Result<()> {
        if log_size(&self.path) < LOG_LIMIT || self.is_read_only() {
            return Ok(());
        }
        self.connection.busy_timeout(Duration::ZERO)?;
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// How safe a commit is when power fails: NORMAL may lose the last ones, FULL loses none.
    pub(super) fn synchronous(&self, level: &str) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", level)
    }

    /// Sees to a write-ahead log, so that readers and the writer do not wait for each other. It needs
    /// shared memory, which hosts of a network file system do not have: there it is given up, also by
    /// a database that was copied there with one.
    fn use_log(&self, path: &Path) -> rusqlite::Result<()> {
        let mode: String = self
            .connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let network = file::network_file_system(path);
        let wanted = if network.is_some() { "delete" } else { "wal" };
        let has_log = mode == "wal";
        if has_log == network.is_none() || self.is_read_only() {
            return Ok(());
        }
        let switched =
            self.connection
                .query_row(&format!("PRAGMA journal_mode = {wanted}"), [], |_| Ok(()));
        match switched {
            // Somebody else is at it, or is reading: the next command does it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
            other => {
                if let Some(kind) = network {
                    warn_of_network(kind);
                }
                other
            }
        }
    }
}

fn warn_of_network(kind: &str) {
    crate::warn(&format!(
        "the database is on a network file system ({kind}): it works for one host at a time, and more slowly"
    ));
}

/// Whether an error says that there is no such file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn create(path: &Path) -> Result<(), Error> {
    let made = path.parent().map_or(Ok(()), file::create_private_folder);
    made.and_then(|()| file::create_private(path))
        .map(drop)
        .map_err(|error| {
            Error::Database(format!(
                "it does not exist and cannot be created: {}; name another file with --db",
                plain(&error)
            ))
        })?;
    if let Some(kind) = file::network_file_system(path) {
        warn_of_network(kind);
    }
    Ok(())
}

/// Whether nothing that belongs to the database stands in a log or in a rollback journal.
fn is_whole(path: &Path) -> bool {
    file::parts_of_database(path)
        .filter(|part| !part.as_os_str().as_bytes().ends_with(b"-shm"))
        .all(|part| match part.symlink_metadata() {
            Ok(data) => data.len() == 0,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        })
}

fn log_size(path: &Path) -> u64 {
    let log = file::parts_of_database(path).next();
    log.and_then(|log| log.metadata().ok())
        .map_or(0, |data| data.len())
}

impl Drop for Store {
    fn drop(&mut self) {
        // Whoever comes next can do it as well.
        let _ = self.shorten_log();
    }
}
