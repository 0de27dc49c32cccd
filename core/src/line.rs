//! The grammar of one feedback line, in nom.
//!
//! Guarantees: a line is one of the five things of [`Line`] or it is [`Malformed`] at an exact byte;
//! nothing is allocated and no bytes make it panic. It never sees a line feed, never looks at other
//! lines, and leaves the bytes of a value as they are: they may not be UTF-8.

use std::str::Utf8Chunk;

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

/// Says what keeps `text` from being a key; an empty one is no key either, but nothing is wrong in it.
pub(crate) fn check_key(text: &str) -> Result<(), DiagnosticKind> {
    // A key ends where it is closed, so that all of the text is one if only the bracket is missing.
    match key(text.as_bytes()) {
        Err(Err::Failure(wrong)) if wrong.kind == DiagnosticKind::UnclosedBracket => Ok(()),
        Err(Err::Failure(wrong) | Err::Error(wrong)) => Err(wrong.kind),
        Ok(_) | Err(Err::Incomplete(_)) => Err(DiagnosticKind::BracketInKey),
    }
}

/// True if a line can set or clear this key.
pub(crate) fn is_key(text: &str) -> bool {
    !text.is_empty() && check_key(text).is_ok()
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
    (terminated(key, closing_bracket), rest)
        .map(|(key, value): (&str, &[u8])| {
            if value.is_empty() {
                Line::Clear { key }
            } else {
                Line::Set { key, value }
            }
        })
        .parse(input)
}

/// A key and nothing behind it but what closes it, or what is no part of a key.
fn key(input: &[u8]) -> Step<'_, &str> {
    if input.first().is_some_and(u8::is_ascii_digit) {
        return fail(DiagnosticKind::DigitFirst, input);
    }
    let (after, key) = take_while(is_plain_in_key).parse(input)?;
    match after.first() {
        // What is plain is ASCII, so there is always a text.
        Some(b']') => Ok((after, str::from_utf8(key).unwrap_or_default())),
        Some(byte) if !byte.is_ascii() => key_of_any_characters(input),
        Some(&byte) => fail(unfit(char::from(byte)), after),
        None => fail(DiagnosticKind::UnclosedBracket, after),
    }
}

fn key_of_any_characters(input: &[u8]) -> Step<'_, &str> {
    let (after, key) = take_while(|byte| is_plain_in_key(byte) || !byte.is_ascii()).parse(input)?;
    // What is wrong first is what is said: a character that is unfit, a byte that is none, the end.
    let chunk = key.utf8_chunks().next();
    let text = chunk.as_ref().map_or("", Utf8Chunk::valid);
    if let Some((at, c)) = text.char_indices().find(|&(_, c)| !is_key_char(c)) {
        fail(unfit(c), &input[at..])
    } else if text.len() < key.len() {
        fail(DiagnosticKind::KeyNotUtf8, &input[text.len()..])
    } else {
        closing_bracket(after).map(|_| (after, text))
    }
}

fn closing_bracket(input: &[u8]) -> Step<'_, &[u8]> {
    match input.first() {
        Some(b']') => tag("]").parse(input),
        Some(&byte) => fail(unfit(char::from(byte)), input),
        None => fail(DiagnosticKind::UnclosedBracket, input),
    }
}

/// The ASCII characters that a key may hold.
fn is_plain_in_key(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'[' && byte != b']'
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

#[cfg(test)]
mod tests {
    use super::*;

    fn set<'a>(key: &'a str, value: &'a str) -> Line<'a> {
        let value = value.as_bytes();
        Line::Set { key, value }
    }

    #[test]
    fn each_sort_of_line_is_read() {
        let cases: [(&[u8], Line); 19] = [
            (b"", Line::Blank),
            (b" \t \r", Line::Blank),
            (b"#", Line::Comment),
            (b"  # [a]b \xFF", Line::Comment),
            (b"[]", Line::ClearAll),
            (b"\t[] \r", Line::ClearAll),
            (b"[a]", Line::Clear { key: "a" }),
            (b"[a] \t\r", Line::Clear { key: "a" }),
            (b"[a]b", set("a", "b")),
            (b"[a]  b c ", set("a", "  b c")),
            (b"[a]]", set("a", "]")),
            (b"[a][]", set("a", "[]")),
            (b"[a]\"'#", set("a", "\"'#")),
            (b" \r[a]b\r", set("a", "b")),
            (b"[a]\0", set("a", "\0")),
            (b"[#]1", set("#", "1")),
            (b"[a1]1", set("a1", "1")),
            ("[ключ]знач".as_bytes(), set("ключ", "знач")),
            ("[\u{661}]x\u{A0}".as_bytes(), set("\u{661}", "x\u{A0}")),
        ];
        for (text, line) in cases {
            assert_eq!(parse(text), Ok(line), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_is_wrong_first_is_named_where_it_is() {
        use DiagnosticKind as Kind;
        let cases: [(&[u8], Kind, usize); 26] = [
            (b"a", Kind::NoBracket, 0),
            (b"  ]", Kind::NoBracket, 2),
            (b"\x0C[a]", Kind::NoBracket, 0),
            (b"[", Kind::UnclosedBracket, 1),
            (b"[abc \t", Kind::UnclosedBracket, 4),
            ("[é".as_bytes(), Kind::UnclosedBracket, 3),
            (b"[]x", Kind::TextAfterClearAll, 2),
            (b"[]]", Kind::TextAfterClearAll, 2),
            (b"[1]", Kind::DigitFirst, 1),
            (b"[1 \xFF", Kind::DigitFirst, 1),
            (b"[[", Kind::BracketInKey, 1),
            (b"[a[b]", Kind::BracketInKey, 2),
            ("[é[b]".as_bytes(), Kind::BracketInKey, 3),
            (b"[a b]", Kind::SpaceInKey, 2),
            (b"[a\tb]", Kind::SpaceInKey, 2),
            (b"[a\x0B]", Kind::SpaceInKey, 2),
            ("[é\u{85}]".as_bytes(), Kind::SpaceInKey, 3),
            ("[\u{3000}\u{7}]".as_bytes(), Kind::SpaceInKey, 1),
            (b"[a\0]", Kind::ControlInKey, 2),
            (b"[a\x7F]", Kind::ControlInKey, 2),
            ("[a\u{9B}]".as_bytes(), Kind::ControlInKey, 2),
            ("[é\x07]".as_bytes(), Kind::ControlInKey, 3),
            (b"[a\xFFb]", Kind::KeyNotUtf8, 2),
            (b"[\xC3]", Kind::KeyNotUtf8, 1),
            (b"[\xC3\xA9\xC3", Kind::KeyNotUtf8, 3),
            (b"[\xC2\xA0\xFF]", Kind::SpaceInKey, 1),
        ];
        for (text, kind, at) in cases {
            let wrong = parse(text).expect_err("malformed");
            let end = text.len() - text.iter().rev().take_while(|&&b| is_blank(b)).count();
            assert_eq!(wrong.kind, kind, "{}", text.escape_ascii());
            assert_eq!(wrong.at, &text[at..end], "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_key_is_judged_alone_as_in_a_line() {
        for key in ["a", "#", "a1", "é", "a-b.c/d", "\u{200B}"] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
            assert!(is_key(key));
        }
        for key in [
            "1", "a b", "a[", "a]", "]", "é]", "\u{85}", "a\0", "é ", "a\n",
        ] {
            assert!(check_key(key).is_err(), "{key:?}");
            assert!(!is_key(key));
        }
        assert!(!is_key(""));
    }
}
