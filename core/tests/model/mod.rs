//! The feedback grammar written in the plainest way: all bytes at once, one after the other, lists
//! searched from the front. It shares nothing with the reader but the types of its results.

use taskwatcher_core::reader::{MAX_DATA, MAX_KEYS, MAX_LINE};
use taskwatcher_core::{Counts, Diagnostic, DiagnosticKind, Values};

/// What reading gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    pub(crate) values: Values,
    pub(crate) counts: Counts,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Bytes of all lines, the unfinished one included.
    pub(crate) consumed: u64,
}

/// Reads a whole log.
#[must_use]
pub(crate) fn read(bytes: &[u8]) -> Outcome {
    let mark: &[u8] = b"\xEF\xBB\xBF";
    let start = if bytes.starts_with(mark) { 3 } else { 0 };
    let mut model = Model::default();
    let mut line_start = start;
    for line in bytes[start..].split_inclusive(|&byte| byte == b'\n') {
        model.line(line.strip_suffix(b"\n").unwrap_or(line), line_start);
        line_start += line.len();
    }
    Outcome {
        values: model.pairs.into_iter().collect(),
        counts: model.counts,
        diagnostics: model.diagnostics,
        consumed: line_start as u64,
    }
}

#[derive(Default)]
struct Model {
    pairs: Vec<(String, String)>,
    counts: Counts,
    diagnostics: Vec<Diagnostic>,
}

impl Model {
    fn line(&mut self, line: &[u8], line_start: usize) {
        let number = self.counts.lines() + 1;
        let found = |kind, at: usize| Diagnostic {
            kind,
            line: number,
            column: at as u64 + 1,
            offset: (line_start + at) as u64,
        };
        if line.len() > MAX_LINE {
            self.counts.refused += 1;
            self.diagnostics
                .push(found(DiagnosticKind::LineTooLong, MAX_LINE));
            return;
        }
        let mut start = 0;
        let mut end = line.len();
        while start < end && is_white(line[start]) {
            start += 1;
        }
        while start < end && is_white(line[end - 1]) {
            end -= 1;
        }
        if start == end {
            self.counts.blanks += 1;
            return;
        }
        if line[start] == b'#' {
            self.counts.comments += 1;
            return;
        }
        if &line[start..end] == b"[]" {
            self.counts.clear_alls += 1;
            self.pairs.clear();
            return;
        }
        let (key, from) = match key(line, start, end) {
            Ok(key) => key,
            Err((kind, at)) => {
                self.counts.malformed += 1;
                self.diagnostics.push(found(kind, at));
                return;
            }
        };
        if from == end {
            self.counts.clears += 1;
            self.pairs.retain(|(k, _)| *k != key);
            return;
        }
        let value = String::from_utf8_lossy(&line[from..end]).into_owned();
        let mut after = self.pairs.clone();
        match after.iter_mut().find(|(k, _)| *k == key) {
            Some(pair) => pair.1 = value,
            None => after.push((key, value)),
        }
        if after.len() > MAX_KEYS {
            self.counts.refused += 1;
            self.diagnostics
                .push(found(DiagnosticKind::TooManyKeys, start + 1));
        } else if after.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() > MAX_DATA {
            self.counts.refused += 1;
            self.diagnostics
                .push(found(DiagnosticKind::TooMuchData, start + 1));
        } else {
            self.counts.sets += 1;
            self.pairs = after;
            if let Err(error) = std::str::from_utf8(&line[from..end]) {
                let at = from + error.valid_up_to();
                self.diagnostics
                    .push(found(DiagnosticKind::ValueNotUtf8, at));
            }
        }
    }
}

/// The key of a line, and where its value starts.
fn key(line: &[u8], start: usize, end: usize) -> Result<(String, usize), (DiagnosticKind, usize)> {
    if line[start] != b'[' {
        return Err((DiagnosticKind::NoBracket, start));
    }
    let mut key = String::new();
    let mut at = start + 1;
    loop {
        let Some(c) = char_at(&line[at..end]) else {
            let unclosed = at == end;
            let kind = if unclosed {
                DiagnosticKind::UnclosedBracket
            } else {
                DiagnosticKind::KeyNotUtf8
            };
            return Err((kind, at));
        };
        let kind = match c {
            ']' if key.is_empty() => return Err((DiagnosticKind::TextAfterClearAll, at + 1)),
            ']' => return Ok((key, at + 1)),
            '[' => DiagnosticKind::BracketInKey,
            '0'..='9' if key.is_empty() => DiagnosticKind::DigitFirst,
            c if c.is_whitespace() => DiagnosticKind::SpaceInKey,
            c if c.is_control() => DiagnosticKind::ControlInKey,
            c => {
                key.push(c);
                at += c.len_utf8();
                continue;
            }
        };
        return Err((kind, at));
    }
}

fn char_at(bytes: &[u8]) -> Option<char> {
    (1..=4).find_map(|len| std::str::from_utf8(bytes.get(..len)?).ok()?.chars().next())
}

fn is_white(byte: u8) -> bool {
    byte == b' ' || byte == b'\t' || byte == b'\r'
}
