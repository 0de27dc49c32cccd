//! The lines of a part, one by one.
//!
//! Guarantees: the lines are those that the reader counts, each once and in order, and a line is called
//! what the grammar calls it. What only the state before a line could tell, that it passes a limit, is
//! taken from the problems that were kept. Values are compared with nothing here, and no text is copied.

use std::ops::Range;

use memchr::memchr;
use nom::Offset;

use super::number::number;
use super::series::{Chart, Frame, NONE};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::line::{self, Line};
use crate::reader::MAX_LINE;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its number.
    pub line: u64,
    /// What it says.
    pub kind: RowKind,
    /// Where its key stands in the text.
    pub key: Option<Range<usize>>,
    /// What is wrong with it.
    pub problem: Option<DiagnosticKind>,
    /// Its bytes without the line feed; of a line that is too long, perhaps only the start.
    pub text: &'a [u8],
    /// False if its line feed is not there.
    pub ended: bool,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// `[key]value`
    Set,
    /// `[key]`
    Clear,
    /// `[]`
    ClearAll,
    /// `#…`
    Comment,
    /// Nothing but white space.
    Blank,
    /// It breaks the grammar.
    Malformed,
    /// It passes a limit.
    Refused,
}

impl RowKind {
    /// A stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Clear => "clear",
            Self::ClearAll => "clear-all",
            Self::Comment => "comment",
            Self::Blank => "blank",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
        }
    }
}

/// The lines `wanted` of those in `bytes`, which begin with `first_line` (`wanted` may reach beyond
/// them). Problems that were kept come rising.
pub fn rows<'a>(
    bytes: &'a [u8],
    first_line: u64,
    wanted: Range<u64>,
    problems: &'a [Diagnostic],
) -> impl Iterator<Item = Row<'a>> {
    lines(bytes, first_line)
        .skip_while(move |(line, ..)| *line < wanted.start)
        .take_while(move |(line, ..)| *line < wanted.end)
        .map(move |(line, text, ended)| row(line, text, ended, problems))
}

/// The course of a key's numbers within a frame, read from the lines themselves.
#[must_use]
pub fn exact_chart(bytes: &[u8], first_line: u64, key: &str, frame: Frame) -> Chart {
    let mut chart = Chart::new(frame, 1);
    for (line, text, _) in lines(bytes, first_line) {
        if line > frame.last {
            break;
        }
        let Some(number) = change_of(text, key) else {
            continue;
        };
        if line < frame.first {
            chart.before = Some(number).filter(|number| number.is_finite());
        } else {
            chart.add(frame, line, number);
        }
    }
    chart
}

/// The number that a line sets the key to, or [`NONE`] if it takes away the one that it had.
fn change_of(text: &[u8], key: &str) -> Option<f64> {
    // Most lines are told apart before the grammar has to look at them.
    let start = text.iter().position(|&byte| !line::is_blank(byte))?;
    let head = text[start..].strip_prefix(b"[")?;
    let head = head.strip_prefix(key.as_bytes()).unwrap_or(head);
    head.strip_prefix(b"]")?;
    match line::parse(text) {
        _ if text.len() > MAX_LINE => None,
        Ok(Line::Set { value, .. }) => Some(number(value).unwrap_or(NONE)),
        Ok(Line::Clear { .. } | Line::ClearAll) => Some(NONE),
        _ => None,
    }
}

fn row<'a>(line: u64, text: &'a [u8], ended: bool, problems: &[Diagnostic]) -> Row<'a> {
    let known = problems.binary_search_by_key(&line, |problem| problem.line);
    let mut problem = known.ok().map(|at| problems[at].kind);
    let mut key = None;
    let place = |name: &str| {
        let from = text.offset(name.as_bytes());
        from..from + name.len()
    };
    let kind = if text.len() > MAX_LINE {
        problem = Some(DiagnosticKind::LineTooLong);
        RowKind::Refused
    } else {
        match line::parse(text) {
            Ok(Line::Blank) => RowKind::Blank,
            Ok(Line::Comment) => RowKind::Comment,
            Ok(Line::ClearAll) => RowKind::ClearAll,
            Ok(Line::Clear { key: name }) => {
                key = Some(place(name));
                RowKind::Clear
            }
            Ok(Line::Set { key: name, value }) => {
                key = Some(place(name));
                if problem.is_none() && str::from_utf8(value).is_err() {
                    problem = Some(DiagnosticKind::ValueNotUtf8);
                }
                if problem.is_some_and(DiagnosticKind::is_refusal) {
                    RowKind::Refused
                } else {
                    RowKind::Set
                }
            }
            Err(malformed) => {
                problem = Some(malformed.kind);
                RowKind::Malformed
            }
        }
    };
    Row {
        line,
        kind,
        key,
        problem,
        text,
        ended,
    }
}

/// Number, text and whether it has ended, of each line.
fn lines(bytes: &[u8], first_line: u64) -> impl Iterator<Item = (u64, &[u8], bool)> {
    let mark = "\u{FEFF}".as_bytes();
    let mut rest = match bytes.strip_prefix(mark) {
        Some(rest) if first_line == 1 => rest,
        _ => bytes,
    };
    let texts = std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest);
        let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.get(1..).unwrap_or_default();
        Some((text, end.is_some()))
    });
    (first_line..)
        .zip(texts)
        .map(|(line, (text, ended))| (line, text, ended))
}
