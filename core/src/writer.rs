//! From a pair to a line, for programs in Rust that give feedback.
//!
//! Guarantees: a line that is written is read back as the same pair; what the grammar cannot carry is
//! refused, never changed. [`append`] is the only place here that touches a file: it keeps none open
//! and takes no lock.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::diagnostic::DiagnosticKind;
use crate::line::{check_key, is_blank};
use crate::reader::MAX_LINE;

/// The line that clears every key.
pub const CLEAR_ALL: &str = "[]\n";

/// The line that sets `key` to `value`, with its line feed.
///
/// ```
/// assert_eq!(taskwatcher_core::writer::set("progress", "15")?, "[progress]15\n");
/// # Ok::<(), taskwatcher_core::writer::LineError>(())
/// ```
pub fn set(key: &str, value: &str) -> Result<String, LineError> {
    let fault = match value.as_bytes() {
        [] => Some(LineError::EmptyValue),
        [.., last] if is_blank(*last) => Some(LineError::SpaceAtEnd),
        bytes if bytes.contains(&b'\n') => Some(LineError::LineBreak),
        _ => None,
    };
    fault.map_or_else(|| line(key, value), Err)
}

/// The line that clears `key`, with its line feed.
pub fn clear(key: &str) -> Result<String, LineError> {
    line(key, "")
}

/// Opens the log, appends one line that sets `key` to `value`, and closes it. The line goes out in one
/// write, so a reader sees all of it or none on a local file system.
///
/// A program that is launched as a task finds the path in its environment:
///
/// ```
/// use taskwatcher_core::writer::append;
///
/// let log = std::env::var_os("TASKWATCHER_FEEDBACK").map(std::path::PathBuf::from);
/// # let folder = std::env::temp_dir().join(format!("taskwatcher-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let log = log.and(None).or_else(|| Some(folder.join("feedback.log")));
/// if let Some(log) = log {
///     append(&log, "testcase_name", "Initialization")?;
///     append(&log, "progress", "12")?;
/// #   assert_eq!(std::fs::read(&log)?, b"[testcase_name]Initialization\n[progress]12\n");
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn append(log: impl AsRef<Path>, key: &str, value: &str) -> io::Result<()> {
    let line =
        set(key, value).map_err(|fault| io::Error::new(io::ErrorKind::InvalidInput, fault))?;
    let mut file = OpenOptions::new().create(true).append(true).open(log)?;
    file.write_all(line.as_bytes())
}

/// Why a pair cannot be a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError {
    /// The key is empty.
    EmptyKey,
    /// The key holds something that a key cannot.
    BadKey(DiagnosticKind),
    /// The value is empty: such a line would clear the key.
    EmptyValue,
    /// The value holds a line feed.
    LineBreak,
    /// The value ends in a space, tab or carriage return, which a reader drops.
    SpaceAtEnd,
    /// The line would be longer than [`MAX_LINE`].
    TooLong,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyKey => "the key is empty; give it a name",
            Self::BadKey(kind) => kind.message(),
            Self::EmptyValue => "the value is empty; to clear the key, write the line of clear",
            Self::LineBreak => "the value holds a line break; replace it or write two keys",
            Self::SpaceAtEnd => "the value ends in white space, which is not kept; trim it",
            Self::TooLong => "the line is longer than 1 MiB; write a shorter value",
        })
    }
}

impl std::error::Error for LineError {}

fn line(key: &str, value: &str) -> Result<String, LineError> {
    if key.is_empty() {
        return Err(LineError::EmptyKey);
    }
    check_key(key).map_err(LineError::BadKey)?;
    if key.len() + value.len() + "[]".len() > MAX_LINE {
        return Err(LineError::TooLong);
    }
    Ok(format!("[{key}]{value}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_a_reader_expects_them() {
        assert_eq!(set("a", " b ] c").unwrap(), "[a] b ] c\n");
        assert_eq!(clear("a").unwrap(), "[a]\n");
        assert_eq!(CLEAR_ALL, "[]\n");
    }

    #[test]
    fn what_a_line_cannot_carry_is_refused() {
        assert_eq!(set("", "v"), Err(LineError::EmptyKey));
        assert_eq!(clear(""), Err(LineError::EmptyKey));
        let digit = LineError::BadKey(DiagnosticKind::DigitFirst);
        assert_eq!(set("1", "v"), Err(digit));
        assert_eq!(clear("1"), Err(digit));
        assert_eq!(set("a", ""), Err(LineError::EmptyValue));
        assert_eq!(set("a", "b\nc"), Err(LineError::LineBreak));
        for end in [" ", "\t", "\r"] {
            assert_eq!(set("a", &format!("b{end}")), Err(LineError::SpaceAtEnd));
        }
        assert_eq!(set("a", "b\n"), Err(LineError::LineBreak));
    }

    #[test]
    fn the_longest_line_is_as_long_as_a_reader_takes() {
        let value = "v".repeat(MAX_LINE - "[k]".len());
        assert_eq!(set("k", &value).map(|line| line.len()), Ok(MAX_LINE + 1));
        assert_eq!(set("k", &(value + "v")), Err(LineError::TooLong));
    }

    #[test]
    fn errors_say_what_to_do() {
        let all = [
            LineError::EmptyKey,
            LineError::BadKey(DiagnosticKind::SpaceInKey),
            LineError::EmptyValue,
            LineError::LineBreak,
            LineError::SpaceAtEnd,
            LineError::TooLong,
        ];
        for error in all {
            assert!(error.to_string().contains([';', ',']), "{error}");
        }
    }

    #[test]
    fn append_adds_a_line_or_leaves_the_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("feedback.log");
        append(&log, "a", "1").unwrap();
        append(&log, "a", "2").unwrap();
        let refused = append(&log, "a b", "3").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "[a]1\n[a]2\n");
        assert!(append(folder.path(), "a", "1").is_err());
    }
}
