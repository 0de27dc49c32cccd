//! What can be wrong with a feedback log, and where.
//!
//! Guarantees: every kind has its own stable code and a message that says how to mend the line;
//! places are exact to the byte. A diagnostic is never an error of the whole file: values always
//! come back. This module never prints, and never decides what to do about a finding.

use std::fmt;

/// What is wrong with one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiagnosticKind {
    /// The line is neither blank nor a comment, and does not start with `[`.
    NoBracket,
    /// The line ends before the key is closed by `]`.
    UnclosedBracket,
    /// The key holds Unicode white space.
    SpaceInKey,
    /// The key holds a control character that is not white space.
    ControlInKey,
    /// The key holds `[`.
    BracketInKey,
    /// The key starts with an ASCII digit.
    DigitFirst,
    /// The key is not UTF-8.
    KeyNotUtf8,
    /// Text follows `[]`.
    TextAfterClearAll,
    /// The value is not UTF-8; it was taken with U+FFFD in place of the bad bytes.
    ValueNotUtf8,
    /// The line has more bytes than [`MAX_LINE`](crate::reader::MAX_LINE).
    LineTooLong,
    /// The line would make more keys than [`MAX_KEYS`](crate::reader::MAX_KEYS).
    TooManyKeys,
    /// The line would take keys and values over [`MAX_DATA`](crate::reader::MAX_DATA).
    TooMuchData,
}

impl DiagnosticKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::NoBracket,
        Self::UnclosedBracket,
        Self::SpaceInKey,
        Self::ControlInKey,
        Self::BracketInKey,
        Self::DigitFirst,
        Self::KeyNotUtf8,
        Self::TextAfterClearAll,
        Self::ValueNotUtf8,
        Self::LineTooLong,
        Self::TooManyKeys,
        Self::TooMuchData,
    ];

    /// A stable name for programs that read diagnostics as data.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoBracket => "no-bracket",
            Self::UnclosedBracket => "unclosed-bracket",
            Self::SpaceInKey => "space-in-key",
            Self::ControlInKey => "control-in-key",
            Self::BracketInKey => "bracket-in-key",
            Self::DigitFirst => "digit-first",
            Self::KeyNotUtf8 => "key-not-utf8",
            Self::TextAfterClearAll => "text-after-clear-all",
            Self::ValueNotUtf8 => "value-not-utf8",
            Self::LineTooLong => "line-too-long",
            Self::TooManyKeys => "too-many-keys",
            Self::TooMuchData => "too-much-data",
        }
    }

    /// What is wrong and how to mend it, as a lowercase fragment.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoBracket => {
                "no [key] at the start of the line; write [key]value, or # before a comment"
            }
            Self::UnclosedBracket => "the [ is never closed; put ] after the key",
            Self::SpaceInKey => {
                "white space in the key; close the key with ] before it, or use _ instead"
            }
            Self::ControlInKey => "control character in the key; use printable characters only",
            Self::BracketInKey => "[ in the key; close the key with ] before it",
            Self::DigitFirst => "the key starts with a digit; put a letter or _ before it",
            Self::KeyNotUtf8 => "the key is not UTF-8; write the file as UTF-8",
            Self::TextAfterClearAll => {
                "text after []; put it on its own line, or a key between the brackets"
            }
            Self::ValueNotUtf8 => {
                "the value is not UTF-8, bad bytes become U+FFFD; write the file as UTF-8"
            }
            Self::LineTooLong => {
                "the line is longer than 1 MiB and was ignored; write a shorter value"
            }
            Self::TooManyKeys => {
                "more than 65536 keys, the line was ignored; clear keys with [key] or [] first"
            }
            Self::TooMuchData => {
                "keys and values over 16 MiB, the line was ignored; clear keys with [key] or [] first"
            }
        }
    }

    /// True if the line was ignored because it breaks the grammar.
    #[must_use]
    pub const fn is_malformed(self) -> bool {
        !matches!(self, Self::ValueNotUtf8) && !self.is_refusal()
    }

    /// True if the line was ignored because it passes a limit.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::LineTooLong | Self::TooManyKeys | Self::TooMuchData
        )
    }
}

impl fmt::Display for DiagnosticKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// One finding and its place. Its `Display` is the message alone, without the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub kind: DiagnosticKind,
    /// The line, counted from 1.
    pub line: u64,
    /// The byte in the line, counted from 1. A byte order mark is not part of the first line.
    pub column: u64,
    /// The byte in the whole input, counted from 0; a byte order mark counts.
    pub offset: u64,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

/// Where diagnostics go. At most one comes for a line, in the order of lines.
pub trait Sink {
    /// False if findings are not looked at, so that what only serves to find something can be spared.
    const LISTENS: bool = true;

    /// True if sets and clears are looked at too; who does not care pays nothing.
    const HEARS_SETS: bool = false;

    /// Takes one finding.
    fn diagnostic(&mut self, diagnostic: Diagnostic);

    /// Takes one set, in the order of lines, if [`HEARS_SETS`](Self::HEARS_SETS); of a line that has a
    /// finding too, the set comes first.
    #[inline]
    fn set(&mut self, _: Set<'_>) {}

    /// Takes a clear that is told like a set: of the key with this [mark](Set::mark), or of every key.
    fn clear(&mut self, _line: u64, _mark: Option<u32>) {}
}

/// A line that set a key.
#[derive(Debug)]
pub struct Set<'a> {
    /// The line, counted from 1 where the reader began.
    pub line: u64,
    /// The key.
    pub key: &'a str,
    /// Its value, perhaps not UTF-8.
    pub value: &'a [u8],
    /// Whatever the sink wrote here at an earlier set of this key; 0 at first, and 0 again once the
    /// reader has forgotten a cleared key. With it a sink need not look up what it knows of a key.
    pub mark: &'a mut u32,
}

/// Ignores every finding.
impl Sink for () {
    const LISTENS: bool = false;

    fn diagnostic(&mut self, _: Diagnostic) {}
}

/// Keeps every finding, so the input decides how much memory it takes: for trusted input only.
impl Sink for Vec<Diagnostic> {
    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.push(diagnostic);
    }
}

/// Counts every finding and keeps the first of them, up to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Diagnostic>,
    limit: usize,
    by_kind: [u64; DiagnosticKind::ALL.len()],
}

impl Problems {
    /// No findings yet; at most `limit` will be kept.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            kept: Vec::new(),
            limit,
            by_kind: [0; DiagnosticKind::ALL.len()],
        }
    }

    /// The first findings, up to the limit.
    #[must_use]
    pub fn kept(&self) -> &[Diagnostic] {
        &self.kept
    }

    /// How many findings there were, kept or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// How many findings of one kind there were, kept or not.
    #[must_use]
    pub fn of(&self, kind: DiagnosticKind) -> u64 {
        self.by_kind[kind as usize]
    }
}

impl Sink for Problems {
    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.by_kind[diagnostic.kind as usize] += 1;
        if self.kept.len() < self.limit {
            self.kept.push(diagnostic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn found(kind: DiagnosticKind, line: u64) -> Diagnostic {
        Diagnostic {
            kind,
            line,
            column: 1,
            offset: line,
        }
    }

    #[test]
    fn every_kind_has_its_own_code_and_message() {
        let codes: HashSet<_> = DiagnosticKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), DiagnosticKind::ALL.len());
        for (place, kind) in DiagnosticKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            let message = found(kind, 1).to_string();
            assert_eq!(message, kind.message());
            assert!(!message.starts_with(char::is_uppercase) && !message.ends_with('.'));
            assert!(!(kind.is_malformed() && kind.is_refusal()));
        }
    }

    #[test]
    fn problems_count_all_and_keep_the_first() {
        let mut problems = Problems::new(2);
        let kinds = [DiagnosticKind::DigitFirst, DiagnosticKind::NoBracket];
        for (line, kind) in (1..=5).zip(kinds.into_iter().cycle()) {
            problems.diagnostic(found(kind, line));
        }
        assert_eq!(problems.total(), 5);
        assert_eq!(problems.of(DiagnosticKind::NoBracket), 2);
        assert_eq!(problems.of(DiagnosticKind::DigitFirst), 3);
        assert_eq!(problems.of(DiagnosticKind::TooMuchData), 0);
        let kept: Vec<_> = problems.kept().iter().map(|found| found.line).collect();
        assert_eq!(kept, [1, 2]);
    }
}
