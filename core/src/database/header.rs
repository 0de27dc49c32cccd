//! What the first bytes of a database file say, before SQLite sees it.
//!
//! SQLite's own word for a file that is none is "file is not a database", and it reads a database
//! without its write-ahead log as if nothing were missing. Here both get a name. Nothing here reads a
//! file or asks SQLite.

use std::fmt;

/// How many bytes at the start of a database, and of a log, have to be seen.
pub const LEN: usize = 100;

/// What a database file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of a page.
    pub page_size: u32,
    /// Changes go to a write-ahead log first, so that the newest may be only there.
    pub uses_log: bool,
}

/// The file is no SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDatabase {
    /// There is not a byte in it.
    Empty,
    /// It is only the start of one.
    Short,
    /// It begins with other bytes.
    Other(Vec<u8>),
}

impl fmt::Display for NoDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Short => f.write_str("the file ends within the header of a database"),
            Self::Other(start) => {
                let shown = String::from_utf8_lossy(start);
                write!(
                    f,
                    "the file is no SQLite database, it begins with {shown:?}"
                )
            }
        }
    }
}

impl std::error::Error for NoDatabase {}

/// Why what is read may not be the newest state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The database uses a log, and the log is not there.
    LogMissing,
    /// What is there as its log is none, or is the log of another database.
    LogForeign,
    /// The log ends within a frame: it was copied while it was written, or not to its end.
    LogCut,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogMissing => {
                "this database keeps its latest changes in a second file, its name ending in -wal, \
                 which is missing: what is shown may be stale; open both files together"
            }
            Self::LogForeign => {
                "the -wal file does not belong to this database and was not used: what is shown may \
                 be stale; open the one from the same folder"
            }
            Self::LogCut => {
                "the -wal file is cut, its last changes may be missing; copy it again together with \
                 the database"
            }
        })
    }
}

/// Reads the first bytes of a database, [`LEN`] if there are so many.
pub fn read(head: &[u8]) -> Result<Header, NoDatabase> {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    if head.is_empty() {
        return Err(NoDatabase::Empty);
    }
    if !head.starts_with(&MAGIC[..head.len().min(MAGIC.len())]) {
        return Err(NoDatabase::Other(
            head[..head.len().min(MAGIC.len())].to_vec(),
        ));
    }
    let Some(&[high, low, _, read_version]) = head[MAGIC.len().min(head.len())..]
        .first_chunk()
        .filter(|_| head.len() >= LEN)
    else {
        return Err(NoDatabase::Short);
    };
    // A page of 64 KiB is written as 1.
    let page_size = match u16::from_be_bytes([high, low]) {
        1 => 1 << 16,
        size => u32::from(size),
    };
    Ok(Header {
        page_size,
        uses_log: read_version == 2,
    })
}

/// Says whether something may be missing, given the first bytes of the log and its size if there is one.
#[must_use]
pub fn stale(header: Header, log: Option<(&[u8], u64)>) -> Option<Stale> {
    const LOG_HEADER: u64 = 32;
    const FRAME_HEADER: u64 = 24;
    match log {
        None => header.uses_log.then_some(Stale::LogMissing),
        Some(([], _)) => None,
        Some((log, _)) if !is_log_of(header, log) => Some(Stale::LogForeign),
        Some((_, size)) => {
            let frame = FRAME_HEADER + u64::from(header.page_size);
            let frames = size.checked_sub(LOG_HEADER);
            let whole = frames.is_some_and(|frames| frames.is_multiple_of(frame));
            (!whole).then_some(Stale::LogCut)
        }
    }
}

fn is_log_of(header: Header, log: &[u8]) -> bool {
    let word = |at: usize| {
        let bytes = log.get(at..at + 4)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    matches!(word(0), Some(0x377F_0682 | 0x377F_0683)) && word(8) == Some(header.page_size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_none_are_told_apart() {
        assert_eq!(read(b""), Err(NoDatabase::Empty));
        assert_eq!(read(b"SQLite for"), Err(NoDatabase::Short));
        assert_eq!(
            read(b"SQLite format 3\0\x10\x00\x02\x02"),
            Err(NoDatabase::Short)
        );
        let other = read(b"[progress]15\n[state]x").unwrap_err();
        assert_eq!(
            other.to_string(),
            "the file is no SQLite database, it begins with \"[progress]15\\n[st\""
        );
    }

    #[test]
    fn a_log_that_is_used_must_be_there_and_fit() {
        let mut head = b"SQLite format 3\0\x10\x00\x02\x02".to_vec();
        head.resize(LEN, 0);
        let header = read(&head).unwrap();
        assert_eq!((header.page_size, header.uses_log), (4096, true));
        let log = b"\x37\x7F\x06\x82\x00\x2D\xE2\x18\x00\x00\x10\x00";
        assert_eq!(stale(header, None), Some(Stale::LogMissing));
        let size = 32 + 2 * (24 + 4096);
        assert_eq!(stale(header, Some((b"", 0))), None);
        assert_eq!(stale(header, Some((log, size))), None);
        assert_eq!(stale(header, Some((log, 32))), None);
        assert_eq!(stale(header, Some((log, size - 1))), Some(Stale::LogCut));
        assert_eq!(stale(header, Some((log, 12))), Some(Stale::LogCut));
        assert_eq!(stale(header, Some((b"[a]1", 4))), Some(Stale::LogForeign));
        let plain = Header {
            uses_log: false,
            ..header
        };
        assert_eq!(stale(plain, None), None);
        let small = Header {
            page_size: 512,
            ..header
        };
        assert_eq!(stale(small, Some((log, size))), Some(Stale::LogForeign));
    }
}
