//! Why a command failed, in one line, and the exit code that says which kind of failure it was.

use std::fmt;
use std::io;

use taskwatcher_core::database::schema::SchemaError;

/// A failure that ends a command.
#[derive(Debug)]
pub enum Error {
    /// Refused, or a negative answer.
    Refused(String),
    /// The command line asks for something that does not exist or does not fit.
    Usage(String),
    /// No task has this id.
    NoSuchTask(i64),
    /// The database cannot be used. Whoever prints it adds its path.
    Database(String),
    /// The database is held by another process.
    Locked,
    /// Standard output was closed by whoever read it.
    ClosedPipe,
}

impl Error {
    /// The exit code of every command but `launch`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::NoSuchTask(_) => 3,
            Self::Database(_) | Self::Locked => 4,
        }
    }

    /// A failed operation on a file, with what was being done.
    pub fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        Self::Refused(format!("cannot {doing}: {}{}", plain(error), advice(error)))
    }
}

/// Does something in which no panic must cost what was learnt before: one is an error like others.
pub fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::Database(
            "an internal error occurred while it was used; please report it".to_owned(),
        ))
    })
}

/// What to do about a failure that a person can do something about.
fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "; check the path",
        ErrorKind::PermissionDenied => "; check who owns it and who may use it",
        ErrorKind::IsADirectory => "; name a file",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room and try again",
        // Too many processes, or no memory for one more.
        ErrorKind::WouldBlock | ErrorKind::OutOfMemory => "; end some processes and try again",
        _ => "",
    }
}

/// The system's words without the number that Rust adds.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Usage(text) | Self::Database(text) => f.write_str(text),
            Self::NoSuchTask(id) => write!(
                f,
                "no task has the id {id}; 'taskwatcher list' shows those that run"
            ),
            Self::Locked => {
                f.write_str("another process holds it locked; try again when that one is done")
            }
            Self::ClosedPipe => f.write_str("standard output is closed"),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return Self::Locked,
            Some(ErrorCode::NotADatabase) => {
                "it is not an SQLite database; name another file with --db"
            }
            Some(ErrorCode::DatabaseCorrupt) => "it is damaged; move it away, or restore a copy",
            Some(ErrorCode::ReadOnly) => {
                "it cannot be written; check who owns the file and its folder"
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                "it cannot be opened; check that the file and its folder exist and who owns them"
            }
            Some(ErrorCode::SystemIoFailure) => {
                "reading or writing it failed; check the disk, the quota and the limit for file sizes"
            }
            Some(ErrorCode::DiskFull) => "the disk is full; make room and try again",
            _ => {
                let text = one_line(&error.to_string());
                return Self::Database(format!(
                    "SQLite says '{text}'; try again, and if it stays so, restore a copy or name another \
                     file with --db"
                ));
            }
        };
        Self::Database(advice.to_owned())
    }
}

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Sqlite(error) => error.into(),
            foreign @ SchemaError::Foreign(_) => {
                Self::Database(format!("{foreign}; name another file with --db"))
            }
            other => Self::Database(other.to_string()),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
