//! A feedback log in pieces: bytes in, values and diagnostics out.
//!
//! Guarantees: how the bytes are cut into pieces makes no difference; no bytes make it panic; memory
//! is bounded by [`MAX_LINE`], [`MAX_KEYS`] and [`MAX_DATA`] whatever the input; every line is counted
//! once; diagnostics come in the order of lines, at most one a line. The reader never opens a file and
//! never waits: who calls it decides where bytes come from.
//!
//! A line that sets a known short key is recognised by its first bytes, and so are comments, empty
//! lines and what starts with no bracket. Every other line, and the last few of a block, are read by
//! the grammar in [`mod@line`]; both ways give the same result.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};
use nom::Offset;

use crate::diagnostic::{Diagnostic, DiagnosticKind, Set, Sink};
use crate::line::{self, Line, Malformed, is_blank};
use crate::table::{SlotId, Span, Table, text_len};
use crate::values::Values;
use crate::window::{Opening, WINDOW};

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
/// Lines are taken in blocks of at most this size, unless one is longer, which is refused: large enough
/// to copy few values where there are many keys, small enough to stay in the cache between the check
/// for UTF-8 and the reading.
const BLOCK: usize = MAX_LINE;

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
        Self::with(Table::from_values(values), Start::Over)
    }

    /// The same from distinct keys, with what [`Set::mark`] shall be at their next set.
    pub(crate) fn resume_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str, u32)>) -> Self {
        Self::with(Table::from_pairs(pairs), Start::Over)
    }

    /// The values of now with the marks of their keys, without a copy.
    pub(crate) fn pairs(&self) -> impl ExactSizeIterator<Item = (&str, Cow<'_, str>, u32)> {
        self.table.pairs()
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

    /// Takes so many NUL bytes, as [`push`](Self::push) would, without having to look at them: a hole
    /// in a file costs nothing.
    pub fn push_zeros(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        // They are neither part of a byte order mark nor the end of a line.
        self.give_up_byte_order_mark();
        self.half_len = self.half_len.saturating_add(count);
        match usize::try_from(self.half_len) {
            Ok(len) if len <= MAX_LINE => self.half.resize(len, 0),
            _ => self.half.clear(),
        }
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

    /// The present value of one key, without a look at the others.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        self.table.value(key)
    }

    /// How many keys have a value.
    #[must_use]
    pub fn live(&self) -> usize {
        self.table.live()
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
            self.refuse_long_line(sink);
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
    fn read_block<S: Sink>(&mut self, block: &[u8], sink: &mut S) {
        if block.len() - 1 > MAX_LINE {
            self.refuse_long_line(sink);
            self.line_start += block.len() as u64;
            return;
        }
        let judged = S::LISTENS || !self.table.has_room_for(block.len());
        let block = Block {
            bytes: block,
            // Where a block is UTF-8, each of its lines is: line feeds never are part of a character.
            all_fine: !judged || block.is_ascii() || str::from_utf8(block).is_ok(),
        };
        let mut start = 0;
        while let Some(first) = block.bytes[start..].first_chunk() {
            let first = Opening::of(first);
            let end = match first.end {
                WINDOW => block.line_end(start + WINDOW),
                end => start + end,
            };
            if !(first.has_key && self.set_known(&block, &first, start..end, sink)) {
                self.read_other(&block, &first, start..end, sink);
            }
            start = end + 1;
        }
        while start < block.bytes.len() {
            let end = block.line_end(start);
            self.read_any(&block, start..end, sink);
            start = end + 1;
        }
        self.table.end_block(block.bytes);
        self.line_start += block.bytes.len() as u64;
    }

    /// Reads a line that sets or clears a key which is known by its first bytes; false, and nothing
    /// done, if it is not so simple.
    #[inline]
    fn set_known(
        &mut self,
        block: &Block<'_>,
        first: &Opening<'_>,
        line: Range<usize>,
        sink: &mut impl Sink,
    ) -> bool {
        let Some(id) = self.table.find(&first.head()) else {
            return false;
        };
        let from = line.start + first.close + 1;
        let Some(value) = block.bytes.get(from..line.end) else {
            return false;
        };
        let value = trim_end(value);
        if value.is_empty() {
            self.counts.clears += 1;
            self.clear(id, sink);
            return true;
        }
        if !(block.all_fine || value.is_ascii()) {
            return false;
        }
        let len = value.len();
        let span = Span {
            from,
            len,
            text_len: len,
        };
        let taken = self.table.set(id, span).is_ok();
        if taken {
            self.took(id, value, sink);
        }
        taken
    }

    /// Counts a line that set a key, and tells of it.
    #[inline]
    fn took<S: Sink>(&mut self, id: SlotId, value: &[u8], sink: &mut S) {
        self.counts.sets += 1;
        if S::HEARS_SETS {
            let (key, mark) = self.table.key_and_mark(id);
            sink.set(Set {
                line: self.counts.lines(),
                key,
                value,
                mark,
            });
        }
    }

    /// Clears the key of a line that is counted, and tells of it.
    #[inline]
    fn clear<S: Sink>(&mut self, id: SlotId, sink: &mut S) {
        self.table.clear(id);
        if S::HEARS_SETS {
            let (_, mark) = self.table.key_and_mark(id);
            sink.clear(self.counts.lines(), Some(*mark));
        }
    }

    /// Reads a line that sets no known key. Most of these need no grammar, nor do most lines of what is
    /// no feedback log: and as they come in no order that a processor could foresee, they are told
    /// apart without branches. Where somebody wants to know what exactly is wrong, the grammar says it.
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
    fn read_other<S: Sink>(
        &mut self,
        block: &Block<'_>,
        first: &Opening<'_>,
        line: Range<usize>,
        sink: &mut S,
    ) {
        let [byte, ..] = *first.bytes;
        let comment = byte == b'#';
        let blank = byte == b'\n';
        let bracket = byte == b'[';
        let space = (byte == b' ') | (byte == b'\t') | (byte == b'\r');
        let no_bracket = !(comment | blank | bracket | space);
        let malformed = no_bracket | (bracket & !first.has_key & !S::LISTENS);
        if !(comment | blank | malformed) {
            self.read_any(block, line, sink);
            return;
        }
        self.counts.comments += u64::from(comment);
        self.counts.blanks += u64::from(blank);
        self.counts.malformed += u64::from(malformed);
        if S::LISTENS && malformed {
            self.report(DiagnosticKind::NoBracket, line.start, 0, sink);
        }
    }

    /// Reads a line by the grammar.
    #[inline(never)]
    fn read_any<S: Sink>(&mut self, block: &Block<'_>, line: Range<usize>, sink: &mut S) {
        let start = line.start;
        let text = &block.bytes[line];
        match line::parse(text) {
            Ok(Line::Blank) => self.counts.blanks += 1,
            Ok(Line::Comment) => self.counts.comments += 1,
            Ok(Line::ClearAll) => {
                self.table.clear_all();
                self.counts.clear_alls += 1;
                if S::HEARS_SETS {
                    sink.clear(self.counts.lines(), None);
                }
            }
            Ok(Line::Clear { key }) => {
                self.counts.clears += 1;
                if let Some(id) = self.table.find_key(key) {
                    self.clear(id, sink);
                }
            }
            Ok(Line::Set { key, value }) => {
                let bad = block.first_bad_byte(value);
                let span = Span {
                    from: block.bytes.offset(value),
                    len: value.len(),
                    text_len: bad.map_or(value.len(), |_| text_len(value)),
                };
                match self.table.set_key(key, span) {
                    Ok(id) => {
                        self.took(id, value, sink);
                        if let Some(bad) = bad {
                            let at = text.offset(value) + bad;
                            self.report(DiagnosticKind::ValueNotUtf8, start, at, sink);
                        }
                    }
                    Err(refusal) => {
                        self.counts.refused += 1;
                        self.report(refusal, start, text.offset(key.as_bytes()), sink);
                    }
                }
            }
            Err(Malformed { kind, at }) => {
                self.counts.malformed += 1;
                self.report(kind, start, text.offset(at), sink);
            }
        }
    }

    fn refuse_long_line(&mut self, sink: &mut impl Sink) {
        self.counts.refused += 1;
        self.report(DiagnosticKind::LineTooLong, 0, MAX_LINE, sink);
    }

    /// Says what is wrong with the line that was counted last: it begins at `start` in its block, and
    /// is wrong at the byte `at`.
    fn report(&self, kind: DiagnosticKind, start: usize, at: usize, sink: &mut impl Sink) {
        sink.diagnostic(Diagnostic {
            kind,
            line: self.counts.lines(),
            column: at as u64 + 1,
            offset: self.line_start + (start + at) as u64,
        });
    }
}

/// Whole lines, each with its line feed.
struct Block<'a> {
    bytes: &'a [u8],
    /// No value needs to be judged: all are UTF-8, or nobody asks.
    all_fine: bool,
}

impl Block<'_> {
    /// Where the line ends that has no line feed before `from`.
    fn line_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        from + memchr(b'\n', rest).unwrap_or(rest.len())
    }

    fn first_bad_byte(&self, value: &[u8]) -> Option<usize> {
        if self.all_fine {
            return None;
        }
        let wrong = str::from_utf8(value).err()?;
        Some(wrong.valid_up_to())
    }
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

#[cfg(test)]
mod tests;
