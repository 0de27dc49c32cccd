//! The grammar of one feedback line, in nom.
//!
//! Guarantees: a line is one of the five things of [`Line`] or it is [`Malformed`] at an exact byte;
//! nothing is allocated and no bytes make it panic. It never sees a line feed, never looks at other
//! lines, and leaves the bytes of a value as they are: they may not be UTF-8.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::combinator::{cut, eof, rest};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{preceded, terminated};
use nom::{Err, IResult, Parser};

use crate::diagnostic::DiagnosticKind;

/// What one line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Nothing but white space.
    Blank,
    /// `#…`
    Comment,
    /// `[]`
    ClearAll,
    /// `[key]`
    Clear {
        /// The key to clear.
        key: &'a str,
    },
    /// `[key]value`
    Set {
        /// The key to set.
        key: &'a str,
        /// Its value: never empty, perhaps not UTF-8.
        value: &'a [u8],
    },
}

/// A line that breaks the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed<'a> {
    /// What is wrong.
    pub kind: DiagnosticKind,
    /// The part of the line that starts at the byte that is wrong.
    pub at: &'a [u8],
}

/// Reads one line, given without its line feed.
pub fn parse(line: &[u8]) -> Result<Line<'_>, Malformed<'_>> {
    match content(trim_end(line)) {
        Ok((_, line)) => Ok(line),
        Err(Err::Error(malformed) | Err::Failure(malformed)) => Err(malformed),
        // Complete parsers never ask for more.
        Err(Err::Incomplete(_)) => Err(wrong(DiagnosticKind::NoBracket, line)),
    }
}

/// Says why `text`, which must not be empty, cannot be a key.
pub(crate) fn check_key(text: &str) -> Result<(), DiagnosticKind> {
    match key(text.as_bytes()) {
        Ok((&[], _)) => Ok(()),
        Ok((after, _)) => Err(unfit(char::from(after[0]))),
        Err(Err::Error(malformed) | Err::Failure(malformed)) => Err(malformed.kind),
        Err(Err::Incomplete(_)) => Err(DiagnosticKind::UnclosedBracket),
    }
}

/// White space at the ends of a line. Other Unicode white space is data in a value.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

type Step<'a, T> = IResult<&'a [u8], T, Malformed<'a>>;

fn content(input: &[u8]) -> Step<'_, Line<'_>> {
    preceded(take_while(is_blank), alt((bracket, comment, blank))).parse(input)
}

fn blank(input: &[u8]) -> Step<'_, Line<'_>> {
    eof.map(|_| Line::Blank).parse(input)
}

fn comment(input: &[u8]) -> Step<'_, Line<'_>> {
    (tag("#"), rest).map(|_| Line::Comment).parse(input)
}

/// After the `[` no other reading is possible, so what follows fails for good.
fn bracket(input: &[u8]) -> Step<'_, Line<'_>> {
    preceded(tag("["), cut(alt((clear_all, pair)))).parse(input)
}

fn clear_all(input: &[u8]) -> Step<'_, Line<'_>> {
    let (text, _) = tag("]").parse(input)?;
    if text.is_empty() {
        Ok((text, Line::ClearAll))
    } else {
        fail(DiagnosticKind::TextAfterClearAll, text)
    }
}

fn pair(input: &[u8]) -> Step<'_, Line<'_>> {
    (terminated(key, end_of_key), rest)
        .map(|(key, value): (&str, &[u8])| {
            if value.is_empty() {
                Line::Clear { key }
            } else {
                Line::Set { key, value }
            }
        })
        .parse(input)
}

fn key(input: &[u8]) -> Step<'_, &str> {
    let (after, key) = take_while(is_key_byte).parse(input)?;
    if key.first().is_some_and(u8::is_ascii_digit) {
        return fail(DiagnosticKind::DigitFirst, input);
    }
    match str::from_utf8(key) {
        Ok(text) if text.chars().all(is_key_char) => Ok((after, text)),
        _ => first_fault(key),
    }
}

/// Where a key has both a bad character and a bad byte, the first of them is what is said.
fn first_fault(key: &[u8]) -> Step<'_, &str> {
    let valid = key.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    match valid.char_indices().find(|&(_, c)| !is_key_char(c)) {
        Some((at, c)) => fail(unfit(c), &key[at..]),
        None => fail(DiagnosticKind::KeyNotUtf8, &key[valid.len()..]),
    }
}

fn end_of_key(input: &[u8]) -> Step<'_, &[u8]> {
    match input.first() {
        Some(b']') => tag("]").parse(input),
        Some(&byte) => fail(unfit(char::from(byte)), input),
        None => fail(DiagnosticKind::UnclosedBracket, input),
    }
}

/// The ASCII half of the rule for keys; bytes of longer characters are judged as characters.
fn is_key_byte(byte: u8) -> bool {
    byte > b' ' && byte != b'[' && byte != b']' && byte != 0x7F
}

fn is_key_char(c: char) -> bool {
    !c.is_whitespace() && !c.is_control()
}

/// Why a character has no place in a key.
fn unfit(c: char) -> DiagnosticKind {
    if matches!(c, '[' | ']') {
        DiagnosticKind::BracketInKey
    } else if c.is_whitespace() {
        DiagnosticKind::SpaceInKey
    } else {
        DiagnosticKind::ControlInKey
    }
}

fn trim_end(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| !is_blank(byte));
    &line[..end.map_or(0, |last| last + 1)]
}

fn fail<T>(kind: DiagnosticKind, at: &[u8]) -> Step<'_, T> {
    Err(Err::Failure(wrong(kind, at)))
}

fn wrong(kind: DiagnosticKind, at: &[u8]) -> Malformed<'_> {
    Malformed { kind, at }
}

/// Where no alternative fits, the line has no bracket to start with; every other fault is named.
impl<'a> ParseError<&'a [u8]> for Malformed<'a> {
    fn from_error_kind(at: &'a [u8], _: ErrorKind) -> Self {
        wrong(DiagnosticKind::NoBracket, at)
    }

    fn append(_: &'a [u8], _: ErrorKind, first: Self) -> Self {
        first
    }
}
