//! A log that is looked at: an index of it, and the state at any line.
//!
//! [`Trace`] reads a log once, in pieces, and keeps what a viewer asks for: where its parts of about
//! 1 MiB begin, what is known of each key, what was wrong, and packed states along the way. State at a
//! line is the nearest of these and a [`Replay`] of the bytes since; [`rows`], [`search`] and
//! [`exact_chart`] answer from the bytes of a part.
//!
//! Guarantees: how the bytes are cut into pieces makes no difference to anything; memory is bounded
//! whatever the log (and 24 bytes for each MiB of it); everything can be asked while the log still
//! grows, and a last line that has not ended can count and yet grow on. The trace holds no bytes of the
//! log and reads no file: whoever has the file is told which range is needed.

mod keys;
pub mod number;
mod replay;
mod rows;
mod search;
mod series;
mod snapshot;

use std::ops::Range;

use memchr::memchr;

pub use keys::{KeyTrace, MAX_NAMES, MAX_POINTS, MAX_TRACED};
pub use replay::{Missing, Replay, State, StatePair};
pub use rows::{Row, RowKind, exact_chart, rows};
pub use search::{Case, search};
pub use series::{Chart, Frame, NONE, Series};

use crate::diagnostic::{Diagnostic, Problems, Set, Sink};
use crate::reader::{Counts, MAX_LINE, Reader};
use keys::Keys;
use snapshot::Snapshots;

/// A part ends with the first line that ends behind so many bytes.
pub const PART: u64 = 1 << 20;
/// Packed states take about so many bytes; see [`Limits::snapshots`].
const SNAPSHOTS: usize = 12 << 20;
/// So many problems are kept; see [`Limits::problems`].
const PROBLEMS: usize = 10_000;

/// How much a trace may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of packed states. Two are kept however large they are.
    pub snapshots: usize,
    /// Problems with their places; more are counted.
    pub problems: usize,
    /// The size of a part in bytes.
    pub part: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            snapshots: SNAPSHOTS,
            problems: PROBLEMS,
            part: PART,
        }
    }
}

/// The index of one log.
///
/// ```
/// use taskwatcher_core::trace::Trace;
///
/// let log = b"[step]boot\n[progress]10\n[progress]15\n";
/// let mut trace = Trace::default();
/// trace.push(log);
///
/// let mut replay = trace.locate(2).unwrap();
/// let needed = replay.needed();
/// replay.push(&log[needed.start as usize..needed.end as usize]);
/// assert_eq!(replay.state()?.values().to_json(), r#"{"step":"boot","progress":"10"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trace {
    limits: Limits,
    reader: Reader,
    watch: Watch,
    /// Where each part begins; the last one is still open.
    parts: Vec<Start>,
    snapshots: Snapshots,
    bytes: u64,
    /// What there was before a last line that has not ended was taken for a line: more bytes go on
    /// from here.
    before_half: Option<Box<(Reader, Watch)>>,
    finished: bool,
}

/// Whole lines that follow each other, of about 1 MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The bytes of the log that hold these lines, at most 2 MiB and a byte. The end of the last line is
    /// missing if it is too long for a line.
    pub bytes: Range<u64>,
    /// The first of its lines.
    pub first_line: u64,
    /// How many lines it has; one that has not ended yet counts.
    pub lines: u64,
}

#[derive(Debug, Clone, Copy)]
struct Start {
    offset: u64,
    first_line: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Trace {
    /// The index of a log of which nothing is known.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let part = limits.part.max(1);
        Self {
            limits: Limits { part, ..limits },
            reader: Reader::new(),
            watch: Watch {
                keys: Keys::new(),
                problems: Problems::new(limits.problems),
            },
            parts: vec![Start {
                offset: 0,
                first_line: 1,
            }],
            snapshots: Snapshots::new(limits.snapshots, part),
            bytes: 0,
            before_half: None,
            finished: false,
        }
    }

    /// Takes the next bytes, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(before) = self.before_half.take() {
            (self.reader, self.watch) = *before;
        }
        self.finished = false;
        let mut bytes = bytes;
        while let Some(len) = self.rest_of_part(bytes) {
            let (part, rest) = bytes.split_at(len);
            self.read(part);
            self.end_part();
            bytes = rest;
        }
        self.read(bytes);
    }

    /// Ends the log as far as it goes: an unfinished last line counts, until more is pushed.
    pub fn finish(&mut self) {
        if !self.finished && self.unfinished() > 0 {
            self.before_half = Some(Box::new((self.reader.clone(), self.watch.clone())));
            self.reader.end_input(&mut self.watch);
        }
        self.finished = true;
    }

    /// True if nothing was pushed since the log was finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// How many bytes were pushed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes there are of a last line that has not ended.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.bytes - self.ended().consumed()
    }

    /// How many lines there are: those that have ended, and the last one once the log is finished.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.counts().lines()
    }

    /// How many lines of each sort there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.reader.counts()
    }

    /// What was wrong.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.watch.problems
    }

    /// Every key that was ever set, in the order of first appearance, up to [`MAX_TRACED`].
    #[must_use]
    pub fn keys(&self) -> &[KeyTrace] {
        self.watch.keys.list()
    }

    /// How many sets there were of keys beyond these.
    #[must_use]
    pub fn untraced(&self) -> u64 {
        self.watch.keys.untraced()
    }

    /// The reader behind the last of these lines: the values of now.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The part that holds a line, be it the last one that has not ended.
    #[must_use]
    pub fn part(&self, line: u64) -> Option<Part> {
        let last = self.ended().counts().lines() + u64::from(self.unfinished() > 0);
        if line == 0 || line > last {
            return None;
        }
        let upto = self.parts.partition_point(|part| part.first_line <= line);
        let start = self.parts[upto - 1];
        let next = self.parts.get(upto);
        let end = next.map_or(self.bytes, |next| next.offset);
        // In a longer part, the last line is longer than any line may be.
        let longest = start.offset + self.limits.part + MAX_LINE as u64 + 1;
        Some(Part {
            bytes: start.offset..end.min(longest),
            first_line: start.first_line,
            lines: next.map_or(last + 1, |next| next.first_line) - start.first_line,
        })
    }

    /// The way to the state at a line; line 0 is before the first.
    #[must_use]
    pub fn locate(&self, line: u64) -> Option<Replay> {
        if line == 0 {
            return Some(Replay::of_nothing());
        }
        let part = self.part(line)?;
        let from = self.snapshots.before(part.first_line - 1);
        Some(Replay::new(line, &part, from))
    }

    /// The reader behind the last line that has ended.
    fn ended(&self) -> &Reader {
        let before = self.before_half.as_deref();
        before.map_or(&self.reader, |(reader, _)| reader)
    }

    /// How many of the bytes come before the end of the open part, if it ends in them.
    fn rest_of_part(&self, bytes: &[u8]) -> Option<usize> {
        let full = self.open().offset + self.limits.part - 1;
        let from = usize::try_from(full.saturating_sub(self.bytes)).ok()?;
        let end = memchr(b'\n', bytes.get(from..)?)?;
        Some(from + end + 1)
    }

    fn read(&mut self, bytes: &[u8]) {
        self.reader.push(bytes, &mut self.watch);
        self.bytes += bytes.len() as u64;
    }

    fn end_part(&mut self) {
        let line = self.lines();
        // No replay should have to read a line that is as long as it likes and does nothing.
        let huge = self.bytes - self.open().offset > self.limits.part + MAX_LINE as u64;
        if huge || self.snapshots.wants(self.bytes) {
            let keys = &self.watch.keys;
            let pairs = self.reader.pairs();
            let pairs = pairs.map(|(key, value, mark)| (key, value, keys.last_set(mark)));
            self.snapshots.add(self.bytes, line, pairs);
        }
        self.parts.push(Start {
            offset: self.bytes,
            first_line: line + 1,
        });
    }

    fn open(&self) -> Start {
        // The first part is there from the start.
        self.parts[self.parts.len() - 1]
    }
}

/// What is kept of each line.
#[derive(Debug, Clone)]
struct Watch {
    keys: Keys,
    problems: Problems,
}

impl Sink for Watch {
    const HEARS_SETS: bool = true;

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.problems.diagnostic(diagnostic);
    }

    #[inline]
    fn set(&mut self, mut set: Set<'_>) {
        self.keys.set(&mut set);
    }

    fn clear(&mut self, line: u64, mark: Option<u32>) {
        self.keys.clear(line, mark);
    }
}
