//! A feedback log in pieces: bytes in, values and diagnostics out.
//!
//! Guarantees: how the bytes are cut into pieces makes no difference; no bytes make it panic; memory
//! is bounded by [`MAX_LINE`], [`MAX_KEYS`] and [`MAX_DATA`] whatever the input; every line is counted
//! once; diagnostics come in the order of lines, at most one a line. The reader never opens a file and
//! never waits: who calls it decides where bytes come from.
//!
//! A short line that sets or clears a known key is recognised by its first bytes. Every other line is
//! read by the grammar in [`line`](crate::line), and both ways give the same result.

use std::ops::Range;

use memchr::{memchr, memrchr};
use nom::Offset;

use crate::diagnostic::{Diagnostic, DiagnosticKind, Set, Sink};
use crate::line::{self, Line, Malformed, is_blank};
use crate::table::{SlotId, Span, Table};
use crate::values::Values;
use crate::window::{self, Head, WINDOW};

/// A line with more bytes than this before its line feed is refused.
pub const MAX_LINE: usize = 1 << 20;
/// A set that would make more live keys than this is refused.
pub const MAX_KEYS: usize = 65_536;
/// A set that would make live keys and values together longer than this, in bytes, is refused.
pub const MAX_DATA: usize = 16 << 20;

/// Reads a feedback log.
///
/// ```
/// use taskwatcher_core::Reader;
///
/// let mut reader = Reader::new();
/// reader.push(b"[progress]10\n[progr", &mut ());
/// reader.push(b"ess]15\n[half", &mut ());
/// assert_eq!(reader.values().to_json(), r#"{"progress":"15"}"#);
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    table: Table,
    counts: Counts,
    start: Start,
    /// Where the line begins that is next, in bytes from the start of the input.
    line_start: u64,
    /// A line whose line feed has not come yet; left empty once it is too long.
    half: Vec<u8>,
    half_len: u64,
}

/// How many lines of each sort were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Lines of nothing but white space.
    pub blanks: u64,
    /// `#…`
    pub comments: u64,
    /// `[key]`, also where the key was not set.
    pub clears: u64,
    /// `[]`
    pub clear_alls: u64,
    /// `[key]value` lines that were taken.
    pub sets: u64,
    /// Lines that break the grammar.
    pub malformed: u64,
    /// Lines that pass a limit.
    pub refused: u64,
}

impl Counts {
    /// All lines.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.blanks
            + self.comments
            + self.clears
            + self.clear_alls
            + self.sets
            + self.malformed
            + self.refused
    }
}

/// How much of a byte order mark has been seen, while there may still be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Mark(usize),
    Over,
}

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();
/// Lines are taken in blocks of about this size: large enough to copy few values, small enough to
/// stay in the cache between the check for UTF-8 and the reading.
const BLOCK: usize = 64 << 10;

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader at the start of a log.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Table::new(), Start::Mark(0))
    }

    /// A reader that goes on from the values of what was read before. Counts, lines and offsets begin
    /// anew, a byte order mark is data (it is skipped at the start of a log only), and pairs over the
    /// limits, which no reader gives, are left out.
    #[must_use]
    pub fn resume(values: Values) -> Self {
        Self::with(Table::from_values(&values), Start::Over)
    }

    fn with(table: Table, start: Start) -> Self {
        Self {
            table,
            counts: Counts::default(),
            start,
            line_start: 0,
            half: Vec::new(),
            half_len: 0,
        }
    }

    /// Takes the next bytes, cut anywhere.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut bytes = self.skip_byte_order_mark(bytes);
        if self.half_len > 0 {
            let Some(end) = memchr(b'\n', bytes) else {
                self.keep_half(bytes);
                return;
            };
            self.keep_half(&bytes[..end]);
            self.end_half(sink);
            bytes = &bytes[end + 1..];
        }
        while let Some(len) = whole_lines(bytes) {
            let (block, rest) = bytes.split_at(len);
            self.read_block(block, sink);
            bytes = rest;
        }
        self.keep_half(bytes);
    }

    /// Ends the input: an unfinished last line counts. Gives the values.
    pub fn finish(mut self, sink: &mut impl Sink) -> Values {
        self.end_input(sink);
        self.table.values()
    }

    /// Ends the input like [`finish`](Self::finish), and leaves the reader to be asked.
    pub fn end_input(&mut self, sink: &mut impl Sink) {
        self.give_up_byte_order_mark();
        if self.half_len > 0 {
            self.end_half(sink);
            // There was no line feed.
            self.line_start -= 1;
        }
    }

    /// The values of all complete lines so far.
    #[must_use]
    pub fn values(&self) -> Values {
        self.table.values()
    }

    /// How many bytes the complete lines have, a byte order mark included, counted from where this
    /// reader began. Reading can be resumed there; at 0, start with [`new`](Self::new) again.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.line_start
    }

    /// How many complete lines of each sort there were.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn skip_byte_order_mark<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Start::Mark(seen) = self.start else {
            return bytes;
        };
        let awaited = &BYTE_ORDER_MARK[seen..];
        let same = awaited.iter().zip(bytes).take_while(|(a, b)| a == b);
        let same = same.count();
        if same == awaited.len() {
            self.start = Start::Over;
            self.line_start = BYTE_ORDER_MARK.len() as u64;
        } else if same == bytes.len() {
            self.start = Start::Mark(seen + same);
        } else {
            self.give_up_byte_order_mark();
            return bytes;
        }
        &bytes[same..]
    }

    /// What looked like a mark is the start of the first line.
    fn give_up_byte_order_mark(&mut self) {
        if let Start::Mark(seen) = self.start {
            self.start = Start::Over;
            self.keep_half(&BYTE_ORDER_MARK[..seen]);
        }
    }

    fn keep_half(&mut self, bytes: &[u8]) {
        self.half_len += bytes.len() as u64;
        if self.half_len > MAX_LINE as u64 {
            self.half.clear();
        } else {
            self.half.extend_from_slice(bytes);
        }
    }

    fn end_half(&mut self, sink: &mut impl Sink) {
        if self.half_len > MAX_LINE as u64 {
            self.refuse_long_line(self.line_start, sink);
            self.line_start += self.half_len + 1;
        } else {
            let mut half = std::mem::take(&mut self.half);
            half.push(b'\n');
            self.read_block(&half, sink);
            half.clear();
            self.half = half;
        }
        self.half_len = 0;
    }

    /// Reads lines that all end in a line feed.
    fn read_block(&mut self, block: &[u8], sink: &mut impl Sink) {
        if block.len() - 1 > MAX_LINE {
            self.refuse_long_line(self.line_start, sink);
            self.line_start += block.len() as u64;
            return;
        }
        // Where a block is UTF-8, each of its lines is: line feeds never are part of a character.
        let is_utf8 = block.is_ascii() || str::from_utf8(block).is_ok();
        let mut start = 0;
        let mut sets = 0;
        while let Some(first) = block[start..].first_chunk() {
            let end = match window::first(first, b'\n') {
                Some(at) => start + at,
                None => line_end(block, start + WINDOW),
            };
            if let Some((id, span)) = set_known(&mut self.table, block, first, start..end, is_utf8)
            {
                sets += 1;
                let (key, mark) = self.table.key_and_mark(id);
                sink.set(Set {
                    line: self.counts.lines() + sets,
                    key,
                    value: span.of(block),
                    mark,
                });
            } else {
                self.counts.sets += std::mem::take(&mut sets);
                self.read_any(block, start..end, is_utf8, sink);
            }
            start = end + 1;
        }
        self.counts.sets += sets;
        while start < block.len() {
            let end = line_end(block, start);
            self.read_any(block, start..end, is_utf8, sink);
            start = end + 1;
        }
        self.table.end_block(block);
        self.line_start += block.len() as u64;
    }

    /// Reads any line.
    #[cold]
    #[inline(never)]
    fn read_any(&mut self, block: &[u8], line: Range<usize>, is_utf8: bool, sink: &mut impl Sink) {
        let start = self.line_start + line.start as u64;
        let text = &block[line];
        let found = |lines: u64, kind, at: &[u8]| {
            let column = text.offset(at) as u64;
            Diagnostic {
                kind,
                line: lines + 1,
                column: column + 1,
                offset: start + column,
            }
        };
        let lines = self.counts.lines();
        match line::parse(text) {
            Ok(Line::Blank) => self.counts.blanks += 1,
            Ok(Line::Comment) => self.counts.comments += 1,
            Ok(Line::ClearAll) => {
                self.table.clear_all();
                self.counts.clear_alls += 1;
            }
            Ok(Line::Clear { key }) => {
                if let Some(id) = self.table.find_key(key) {
                    self.table.clear(id);
                }
                self.counts.clears += 1;
            }
            Ok(Line::Set { key, value }) => {
                let bad = if is_utf8 { None } else { first_bad_byte(value) };
                let span = Span {
                    from: block.offset(value),
                    len: value.len(),
                    text_len: bad.map_or(value.len(), |_| lossy_len(value)),
                };
                match self.table.set_key(key, span) {
                    Ok(id) => {
                        self.counts.sets += 1;
                        let (key, mark) = self.table.key_and_mark(id);
                        sink.set(Set {
                            line: lines + 1,
                            key,
                            value,
                            mark,
                        });
                        if let Some(bad) = bad {
                            sink.diagnostic(found(
                                lines,
                                DiagnosticKind::ValueNotUtf8,
                                &value[bad..],
                            ));
                        }
                    }
                    Err(refusal) => {
                        self.counts.refused += 1;
                        sink.diagnostic(found(lines, refusal, key.as_bytes()));
                    }
                }
            }
            Err(Malformed { kind, at }) => {
                self.counts.malformed += 1;
                sink.diagnostic(found(lines, kind, at));
            }
        }
    }

    fn refuse_long_line(&mut self, line_start: u64, sink: &mut impl Sink) {
        sink.diagnostic(Diagnostic {
            kind: DiagnosticKind::LineTooLong,
            line: self.counts.lines() + 1,
            column: MAX_LINE as u64 + 1,
            offset: line_start + MAX_LINE as u64,
        });
        self.counts.refused += 1;
    }
}

/// Reads a line that sets a key which is known by its first bytes; none, and nothing done, if it is
/// not so simple.
#[inline]
fn set_known(
    table: &mut Table,
    block: &[u8],
    first: &[u8; WINDOW],
    line: Range<usize>,
    is_utf8: bool,
) -> Option<(SlotId, Span)> {
    if first[0] != b'[' {
        return None;
    }
    let close = window::first(first, b']')?;
    // The bracket found may stand in a later line, but then no key is like this one.
    let id = table.find(&Head::of_line(first, close))?;
    let from = line.start + close + 1;
    let value = block.get(from..line.end)?;
    let value = trim_end(value);
    if value.is_empty() || !(is_utf8 || value.is_ascii()) {
        return None;
    }
    let len = value.len();
    let span = Span {
        from,
        len,
        text_len: len,
    };
    table.set(id, span).ok().map(|()| (id, span))
}

/// Where the line ends that has no line feed before `from`. Every line of a block has one.
fn line_end(block: &[u8], from: usize) -> usize {
    let rest = &block[from..];
    from + memchr(b'\n', rest).unwrap_or(rest.len())
}

/// The length of a block of whole lines at the start of `bytes`, if it holds a line feed at all.
fn whole_lines(bytes: &[u8]) -> Option<usize> {
    let (near, far) = bytes.split_at(bytes.len().min(BLOCK));
    let last = memrchr(b'\n', near).or_else(|| Some(near.len() + memchr(b'\n', far)?));
    last.map(|last| last + 1)
}

#[inline]
fn trim_end(value: &[u8]) -> &[u8] {
    match value.last() {
        Some(&last) if is_blank(last) => {
            let end = value.iter().rposition(|&byte| !is_blank(byte));
            &value[..end.map_or(0, |last| last + 1)]
        }
        _ => value,
    }
}

fn first_bad_byte(value: &[u8]) -> Option<usize> {
    str::from_utf8(value).err().map(|error| error.valid_up_to())
}

/// How long a value is once each run of bad bytes is one U+FFFD.
fn lossy_len(value: &[u8]) -> usize {
    let chunk_len = |chunk: std::str::Utf8Chunk<'_>| {
        let replaced = !chunk.invalid().is_empty();
        chunk.valid().len() + usize::from(replaced) * char::REPLACEMENT_CHARACTER.len_utf8()
    };
    value.utf8_chunks().map(chunk_len).sum()
}
