//! State at a line: the nearest snapshot, and the plain reader over the bytes from there on.
//!
//! Guarantees: the result is what reading the log up to that line gives, whatever the log does, since
//! the same reader does it; bytes may come in any pieces. It never asks for more than
//! [`needed`](Replay::needed) and never goes past the line.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::Part;
use super::snapshot::Snapshot;
use crate::diagnostic::{Diagnostic, Set, Sink};
use crate::line::{self, Line};
use crate::reader::{MAX_KEYS, Reader};
use crate::values::Values;
use crate::writer::{self, LineError};

/// The values behind one line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The line; 0 before the first.
    pub line: u64,
    /// The pairs in order.
    pub pairs: Vec<StatePair>,
    /// The pairs that this very line has replaced or cleared, as they were, in their order.
    pub before: Vec<StatePair>,
}

/// A key that has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePair {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The line that set it last; 0 if that was so long ago, among so many keys, that it is not known.
    pub line: u64,
}

impl State {
    /// The values alone.
    #[must_use]
    pub fn values(&self) -> Values {
        let pairs = self.pairs.iter();
        pairs
            .map(|pair| (pair.key.as_str(), pair.value.as_str()))
            .collect()
    }

    /// A feedback log that sets these values in this order. A value that no line can hold, because its
    /// bad bytes took more room as text, is left out with a comment.
    #[must_use]
    pub fn to_feedback(&self) -> String {
        let line = |pair: &StatePair| {
            let left_out = |why: LineError| format!("# {} is left out: {why}\n", pair.key);
            writer::set(&pair.key, &pair.value).unwrap_or_else(left_out)
        };
        self.pairs.iter().map(line).collect()
    }
}

/// Some bytes that a state needs have not been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// How many.
    pub bytes: u64,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes before this line were not given; give all that were asked for",
            self.bytes
        )
    }
}

impl std::error::Error for Missing {}

/// On the way to the state at one line.
#[derive(Debug, Clone)]
pub struct Replay {
    line: u64,
    needed: Range<u64>,
    /// How many of the needed bytes have come.
    given: u64,
    /// How many bytes come before the part that holds the line: nobody needs to count their lines.
    whole: u64,
    /// How many lines come then, before the line itself.
    lines: u64,
    /// The line is behind us.
    done: bool,
    reader: Reader,
    sets: LastSets,
    /// What the line may change, as it is before; none as long as it has not begun.
    before: Option<Vec<StatePair>>,
}

impl Replay {
    /// A way to the state before the first line.
    pub(super) fn of_nothing() -> Self {
        Self {
            line: 0,
            needed: 0..0,
            given: 0,
            whole: 0,
            lines: 0,
            done: true,
            reader: Reader::new(),
            sets: LastSets::default(),
            before: None,
        }
    }

    /// A way to the state at a line of `part`, from a snapshot or else from the start of the log.
    pub(super) fn new(line: u64, part: &Part, from: Option<&Snapshot>) -> Self {
        let start = from.map_or(0, |snapshot| snapshot.offset);
        Self {
            line,
            needed: start..part.bytes.end,
            given: 0,
            whole: part.bytes.start - start,
            lines: line - part.first_line,
            done: false,
            reader: from.map_or_else(Reader::new, |snapshot| {
                let marks = 1..;
                let pairs = snapshot.pairs().zip(marks);
                Reader::resume_pairs(pairs.map(|(pair, mark)| (pair.key, pair.value, mark)))
            }),
            sets: from.map_or_else(LastSets::default, LastSets::behind),
            before: None,
        }
    }

    /// The line.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The bytes of the log that must be given: these and no others, in order.
    #[must_use]
    pub fn needed(&self) -> Range<u64> {
        self.needed.clone()
    }

    /// Takes the next of the needed bytes, cut anywhere. What comes behind the line is not looked at.
    pub fn push(&mut self, bytes: &[u8]) {
        self.given += bytes.len() as u64;
        let bytes = self.push_whole(bytes);
        let bytes = self.push_lines(bytes);
        if self.done || bytes.is_empty() {
            return;
        }
        let end = memchr(b'\n', bytes);
        let line = &bytes[..end.map_or(bytes.len(), |end| end + 1)];
        if self.before.is_none() {
            self.before = Some(self.touched_by(line, end.is_some()));
        }
        self.reader.push(line, &mut self.sets);
        self.done = end.is_some();
    }

    /// The state, once all bytes were given.
    pub fn state(&mut self) -> Result<State, Missing> {
        if !self.done {
            let bytes = (self.needed.end - self.needed.start).saturating_sub(self.given);
            if bytes > 0 {
                return Err(Missing { bytes });
            }
            // The last line of the log, without line feed; or the start of one that is too long.
            self.reader.end_input(&mut self.sets);
            self.done = true;
        }
        let pairs = self.reader.pairs().map(|pair| self.kept(pair));
        let pairs: Vec<StatePair> = pairs.collect();
        let mut before = self.before.clone().unwrap_or_default();
        if !before.is_empty() {
            let after = pairs.iter().map(|pair| (&*pair.key, pair));
            let after: HashMap<&str, &StatePair> = after.collect();
            before.retain(|pair| after.get(&*pair.key) != Some(&pair));
        }
        Ok(State {
            line: self.line,
            pairs,
            before,
        })
    }

    fn kept(&self, (key, value, mark): (&str, Cow<'_, str>, u32)) -> StatePair {
        StatePair {
            key: key.to_owned(),
            value: value.into_owned(),
            line: self.sets.line_of(mark),
        }
    }

    /// The pairs that a line may change: of one that is not whole, every pair.
    fn touched_by(&self, line: &[u8], whole: bool) -> Vec<StatePair> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let only = match line::parse(line) {
            _ if !whole => None,
            Ok(Line::ClearAll) => None,
            Ok(Line::Clear { key } | Line::Set { key, .. }) => Some(key),
            _ => return Vec::new(),
        };
        let pairs = self.reader.pairs();
        let touched = pairs.filter(|(name, ..)| only.is_none_or(|key| key == *name));
        touched.map(|pair| self.kept(pair)).collect()
    }

    /// Reads what comes before the part of the line, and gives the rest.
    fn push_whole<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let len = usize::try_from(self.whole).map_or(bytes.len(), |whole| whole.min(bytes.len()));
        let (whole, rest) = bytes.split_at(len);
        self.reader.push(whole, &mut self.sets);
        self.whole -= len as u64;
        rest
    }

    /// Reads the lines of the part that come before the line, and gives the rest.
    fn push_lines<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut len = 0;
        for end in memchr_iter(b'\n', bytes) {
            if self.lines == 0 {
                break;
            }
            self.lines -= 1;
            len = end + 1;
        }
        if self.lines > 0 {
            len = bytes.len();
        }
        let (lines, rest) = bytes.split_at(len);
        self.reader.push(lines, &mut self.sets);
        rest
    }
}

/// Where each key was set last, by its mark, counted from 1.
#[derive(Debug, Clone, Default)]
struct LastSets {
    /// The line behind which the reader began.
    start: u64,
    lines: Vec<u64>,
}

/// So many keys may come and go before the lines of new ones are no longer kept.
const MOST_MARKS: usize = 4 * MAX_KEYS;

impl LastSets {
    fn behind(snapshot: &Snapshot) -> Self {
        Self {
            start: snapshot.line,
            lines: snapshot.pairs().map(|pair| pair.line).collect(),
        }
    }

    fn line_of(&self, mark: u32) -> u64 {
        let line = self.lines.get((mark as usize).wrapping_sub(1));
        line.copied().unwrap_or(0)
    }
}

impl Sink for LastSets {
    const LISTENS: bool = false;
    const HEARS_SETS: bool = true;

    fn diagnostic(&mut self, _: Diagnostic) {}

    #[inline]
    fn set(&mut self, set: Set<'_>) {
        let line = self.start + set.line;
        if *set.mark == 0 {
            if self.lines.len() >= MOST_MARKS {
                return;
            }
            self.lines.push(line);
            // There are fewer than 2³².
            #[expect(clippy::cast_possible_truncation)]
            let mark = self.lines.len() as u32;
            *set.mark = mark;
        }
        self.lines[*set.mark as usize - 1] = line;
    }
}
