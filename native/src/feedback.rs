//! Reading a task's feedback file at the cost of what is new.
//!
//! What was read is stored with its end offset, the file's inode and a fingerprint of the bytes
//! before that end. While all agree, reading goes on from there; a file that was replaced, truncated
//! or rewritten is read afresh. A rewrite in place that keeps the first and the last 4 KiB before
//! the offset is not noticed: that is the limit of it.
//!
//! A reading is bounded: holes cost nothing, and after [`LIMIT`], or once a launcher is asked to end,
//! it stops with what it has, and says that it is cut.
//!
//! The same record, made at launch, marks bytes that stood in the file before: they are not this
//! task's.

use std::fs::File;
use std::hash::Hasher;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use siphasher::sip::SipHasher13;
use taskwatcher_core::json::{Json, Kind};
use taskwatcher_core::record::Feedback;
use taskwatcher_core::{Reader, Values};

use crate::sys::{clock, file, signal};

/// How much is read at a time.
const PIECE: usize = 256 * 1024;

/// How long one reading takes at most.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of each end is fingerprinted.
const SAMPLE: u64 = 4096;

/// Whether the line that has no end yet counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLine {
    /// The task still writes: its half line is not shown.
    Unfinished,
    /// The task has ended: what is there is a line.
    Complete,
}

/// What is known of a feedback file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The present values.
    pub values: Values,
    /// The file's bytes before this offset are in the values.
    offset: u64,
    inode: u64,
    fingerprint: u64,
    /// The file goes on after what was read, but the reading was cut short.
    pub is_cut: bool,
}

impl Reading {
    /// What is stored, if it is a whole reading.
    pub fn stored(row: &Feedback) -> Option<Self> {
        Some(Self {
            values: Values::from_json(row.feedback.as_ref()?.as_str()).ok()?,
            offset: u64::try_from(row.offset?).ok()?,
            inode: row.inode?.cast_unsigned(),
            fingerprint: u64::from_str_radix(row.fingerprint.as_ref()?, 16).ok()?,
            is_cut: false,
        })
    }

    /// The row to store for a task.
    pub fn to_row(&self, id: i64) -> Feedback {
        Feedback {
            id,
            feedback: Json::parse(&self.values.to_json(), Kind::Object),
            lastupdate: Some(clock::unix_seconds()),
            offset: i64::try_from(self.offset).ok(),
            inode: Some(self.inode.cast_signed()),
            fingerprint: Some(format!("{:016x}", self.fingerprint)),
        }
    }

    /// Whether two readings stand at the same place of the same file.
    pub fn is_at(&self, other: &Self) -> bool {
        (self.offset, self.inode, self.fingerprint)
            == (other.offset, other.inode, other.fingerprint)
    }
}

/// Marks what stands in a file before its task writes to it: no values, up to its present end.
/// `None` if there is no regular file, or nothing in it.
pub fn mark_old(path: &Path) -> Option<Reading> {
    let file = file::open_regular(path).ok()?;
    let data = file.metadata().ok()?;
    if data.size() == 0 {
        return None;
    }
    let fingerprint = fingerprint(&file, data.size()).ok()?;
    Some(Reading {
        values: Values::default(),
        offset: data.size(),
        inode: data.ino(),
        fingerprint,
        is_cut: false,
    })
}

/// Reads a task's feedback file, going on from what is stored. A file that is not there holds no
/// values; one that is no regular file is an error, and is never followed or waited for.
pub fn read(path: &Path, stored: Option<Reading>, last: LastLine) -> io::Result<Reading> {
    let file = match file::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::default()),
        Err(error) => return Err(error),
    };
    let data = file.metadata()?;
    let stored = stored.filter(|stored| {
        stored.inode == data.ino()
            && stored.offset <= data.size()
            && fingerprint(&file, stored.offset).is_ok_and(|found| found == stored.fingerprint)
    });
    let (mut reader, start) = match stored {
        Some(stored) if stored.offset > 0 => (Reader::resume(stored.values), stored.offset),
        // At the very start a byte order mark is no data.
        _ => (Reader::new(), 0),
    };
    let mut piece = vec![0; PIECE];
    let mut offset = start;
    let deadline = clock::monotonic() + LIMIT;
    let is_cut = loop {
        let data_start = file::next_data(&file, offset, data.size());
        reader.push_zeros(data_start - offset);
        offset = data_start;
        let count = file.read_at(&mut piece, offset)?;
        if count == 0 {
            break false;
        }
        reader.push(&piece[..count], &mut ());
        offset += count as u64;
        // What was there at the beginning of a small file is read whatever happens.
        let is_over = clock::monotonic() >= deadline || signal::is_asked_to_end();
        if is_over && offset < file.metadata()?.size() {
            break true;
        }
    };
    let end = start + reader.consumed();
    let values = match last {
        LastLine::Complete if !is_cut => reader.finish(&mut ()),
        // A line that was cut is none.
        LastLine::Complete | LastLine::Unfinished => reader.values(),
    };
    match fingerprint(&file, end) {
        Ok(fingerprint) => Ok(Reading {
            values,
            offset: end,
            inode: data.ino(),
            fingerprint,
            is_cut,
        }),
        // It was truncated meanwhile: the next reading begins afresh.
        Err(_) => Ok(Reading {
            values,
            is_cut,
            ..Reading::default()
        }),
    }
}

fn fingerprint(file: &File, offset: u64) -> io::Result<u64> {
    let mut hasher = SipHasher13::new();
    let sample = SAMPLE.min(offset);
    let mut bytes = vec![0; usize::try_from(sample).unwrap_or_default()];
    for start in [0, offset - sample] {
        file.read_exact_at(&mut bytes, start)?;
        hasher.write(&bytes);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn json(path: &Path, stored: Option<Reading>) -> (String, Reading) {
        let reading = read(path, stored, LastLine::Unfinished).unwrap();
        (reading.values.to_json(), reading)
    }

    fn append(path: &Path, text: &str) {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn reading_goes_on_where_it_ended_and_through_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "[a]1\n[b]2\n[a]");
        let (first, reading) = json(&path, None);
        assert_eq!(first, r#"{"a":"1","b":"2"}"#);
        assert_eq!(reading.offset, 10);
        append(&path, "\n[c]3\n");
        let stored = Reading::stored(&reading.to_row(7));
        assert_eq!(stored.as_ref(), Some(&reading));
        assert_eq!(json(&path, stored).0, r#"{"b":"2","c":"3"}"#);
    }

    #[test]
    fn another_file_is_read_afresh() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "[a]1\n");
        let (_, reading) = json(&path, None);
        fs::write(&path, "[b]2\n[c]3\n").unwrap();
        let (rewritten, reading) = json(&path, Some(reading));
        assert_eq!(rewritten, r#"{"b":"2","c":"3"}"#);
        fs::write(&path, "[d]4\n").unwrap();
        let (truncated, reading) = json(&path, Some(reading));
        assert_eq!(truncated, r#"{"d":"4"}"#);
        let other = folder.path().join("other");
        append(&other, "[d]4\n[e]5\n");
        fs::rename(&other, &path).unwrap();
        assert_eq!(json(&path, Some(reading)).0, r#"{"d":"4","e":"5"}"#);
    }

    #[test]
    fn what_stood_there_before_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(mark_old(&path), None);
        append(&path, "[old]1\n[half");
        let old = mark_old(&path);
        append(&path, " line]\n[new]2\n");
        assert_eq!(json(&path, old.clone()).0, r#"{"new":"2"}"#);
        fs::write(&path, "[fresh]3\n").unwrap();
        assert_eq!(json(&path, old).0, r#"{"fresh":"3"}"#);
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        append(&target, "[secret]1\n");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(read(&link, None, LastLine::Complete).is_err());
        assert!(read(folder.path(), None, LastLine::Complete).is_err());
        let gone = read(&folder.path().join("none"), None, LastLine::Complete).unwrap();
        assert_eq!(gone, Reading::default());
    }

    #[test]
    fn an_unfinished_line_counts_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "[a]1\n[b]2");
        assert_eq!(
            read(&path, None, LastLine::Unfinished)
                .unwrap()
                .values
                .to_json(),
            r#"{"a":"1"}"#
        );
        let whole = read(&path, None, LastLine::Complete).unwrap();
        assert_eq!(whole.values.to_json(), r#"{"a":"1","b":"2"}"#);
    }
}
