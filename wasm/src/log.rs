//! One feedback log: see "The log module" in `wasm/README.md`.
//!
//! Guarantees: no call works on a single line, so that crossing the border costs nothing to speak of;
//! what was asked for is bounded by what was given and by the limits of the core. It keeps no bytes.

use taskwatcher_core::diagnostic::DiagnosticKind;
use taskwatcher_core::trace::{self, Case, Chart, Frame, Replay, Row, State, Trace};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::convert::{
    Json, Object, Written, array, from_count, object, start, to_count, to_len, units,
};

/// How much of a value the list of keys shows.
const SHOWN_VALUE: usize = 200;
/// How much of a line its row shows.
const SHOWN_LINE: usize = 2000;

/// The index of one log, and the way to the state at one of its lines.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Log {
    trace: Trace,
    replay: Option<Replay>,
}

#[wasm_bindgen]
impl Log {
    /// The index of a log of which nothing is known.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        self.trace.push(bytes);
    }

    /// Ends the log as far as it goes: an unfinished last line counts, until more is pushed.
    pub fn finish(&mut self) {
        self.trace.finish();
    }

    /// What the log is like so far, as JSON.
    #[must_use]
    pub fn summary(&self) -> String {
        let trace = &self.trace;
        let counts = trace.counts();
        let problems = trace.problems();
        let mut kinds = String::new();
        let found = DiagnosticKind::ALL.into_iter();
        let found = found.filter(|&kind| problems.of(kind) > 0);
        array(&mut kinds, found, |json, kind| {
            object(
                json,
                &[
                    ("code", &kind.code()),
                    ("message", &kind.message()),
                    ("count", &problems.of(kind)),
                ],
            );
        });
        let counts = Object(&[
            ("sets", &counts.sets),
            ("clears", &counts.clears),
            ("clearAlls", &counts.clear_alls),
            ("comments", &counts.comments),
            ("blanks", &counts.blanks),
            ("malformed", &counts.malformed),
            ("refused", &counts.refused),
        ]);
        let problems = Object(&[
            ("total", &problems.total()),
            ("kept", &problems.kept().len()),
            ("kinds", &Written(kinds)),
        ]);
        let mut json = String::new();
        object(
            &mut json,
            &[
                ("bytes", &trace.bytes()),
                ("lines", &trace.lines()),
                ("unfinished", &trace.unfinished()),
                ("finished", &trace.is_finished()),
                ("counts", &counts),
                ("keys", &trace.keys().len()),
                ("untracked", &trace.untraced()),
                ("live", &trace.reader().live()),
                ("problems", &problems),
            ],
        );
        json
    }

    /// Some of the keys, in the order of first appearance, as JSON.
    #[must_use]
    pub fn keys(&self, first: f64, count: f64) -> String {
        let keys = self.trace.keys().iter().enumerate();
        let keys = keys.skip(to_len(first)).take(to_len(count));
        let mut json = String::new();
        array(&mut json, keys, |json, (id, key)| {
            let range = key.range();
            let value = self.trace.reader().value(key.name());
            let value = value.as_deref().map(|value| start(value, SHOWN_VALUE));
            object(
                json,
                &[
                    ("id", &id),
                    ("key", &key.name()),
                    ("first", &key.first()),
                    ("last", &key.last()),
                    ("sets", &key.sets()),
                    ("numbers", &key.numbers()),
                    ("numeric", &key.is_numeric()),
                    ("min", &range.map(|(min, _)| min)),
                    ("max", &range.map(|(_, max)| max)),
                    ("value", &value.map(|(value, _)| value)),
                    ("cut", &value.is_some_and(|(_, cut)| cut)),
                ],
            );
        });
        json
    }

    /// Some of the problems that were kept, as JSON.
    #[must_use]
    pub fn problems(&self, first: f64, count: f64) -> String {
        let kept = self.trace.problems().kept().iter();
        let kept = kept.skip(to_len(first)).take(to_len(count));
        let mut json = String::new();
        array(&mut json, kept, |json, problem| {
            object(
                json,
                &[
                    ("line", &problem.line),
                    ("column", &problem.column),
                    ("offset", &problem.offset),
                    ("code", &problem.kind.code()),
                    ("message", &problem.kind.message()),
                ],
            );
        });
        json
    }

    /// The part of the log that holds a line: from, to, first line, number of lines.
    pub fn block(&self, line: f64) -> Result<Vec<f64>, String> {
        let part = self.trace.part(to_count(line));
        let part = part.ok_or_else(|| self.no_such_line(line))?;
        let numbers = [
            part.bytes.start,
            part.bytes.end,
            part.first_line,
            part.lines,
        ];
        Ok(numbers.map(from_count).to_vec())
    }

    /// The course of a key's numbers between two lines, from the index.
    pub fn series(&self, key: f64, first: f64, last: f64, width: f64) -> Result<Vec<f64>, String> {
        let frame = frame(first, last, width);
        let key = self.key(key)?;
        Ok(numbers(&key.series().chart(frame)))
    }

    /// Begins the way to the state at a line, and says which bytes it needs: from, to.
    pub fn locate(&mut self, line: f64) -> Result<Vec<f64>, String> {
        self.replay = self.trace.locate(to_count(line));
        let Some(replay) = &self.replay else {
            return Err(self.no_such_line(line));
        };
        let needed = replay.needed();
        Ok(vec![from_count(needed.start), from_count(needed.end)])
    }

    /// Takes the next of the bytes that the state needs.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.way()?.push(bytes);
        Ok(())
    }

    /// The state at the line, as `pairs` (JSON with lines), `json` (values only) or `feedback`.
    pub fn state(&mut self, form: &str) -> Result<String, String> {
        let state = self.way()?.state().map_err(|missing| missing.to_string())?;
        match form {
            "pairs" => Ok(pairs(&state)),
            "json" => Ok(state.values().to_json()),
            "feedback" => Ok(state.to_feedback()),
            other => Err(format!(
                "no form is called '{other}'; say pairs, json or feedback"
            )),
        }
    }

    /// Some of the lines of a block, as JSON.
    #[must_use]
    pub fn rows(&self, bytes: &[u8], block_line: f64, first: f64, count: f64) -> String {
        let wanted = to_count(first)..to_count(first).saturating_add(to_count(count));
        let kept = self.trace.problems().kept();
        let half = self.trace.is_finished() && self.trace.unfinished() > 0;
        let ended = self.trace.lines() - u64::from(half);
        let rows = trace::rows(bytes, to_count(block_line), wanted, kept);
        let mut json = String::new();
        array(&mut json, rows, |json, row| show(json, &row, ended));
        json
    }

    /// The course of a key's numbers between two lines, from the bytes of a block.
    #[wasm_bindgen(js_name = seriesOf)]
    pub fn series_of(
        &self,
        bytes: &[u8],
        block_line: f64,
        key: f64,
        first: f64,
        last: f64,
        width: f64,
    ) -> Result<Vec<f64>, String> {
        let frame = frame(first, last, width);
        let key = self.key(key)?.name();
        let chart = trace::exact_chart(bytes, to_count(block_line), key, frame);
        Ok(numbers(&chart))
    }

    /// The lines of a block that hold a text.
    #[must_use]
    pub fn search(
        &self,
        bytes: &[u8],
        block_line: f64,
        needle: &str,
        ignore_case: bool,
    ) -> Vec<f64> {
        let case = if ignore_case {
            Case::Folded
        } else {
            Case::Exact
        };
        let found = trace::search(bytes, to_count(block_line), needle, case);
        found.into_iter().map(from_count).collect()
    }

    fn way(&mut self) -> Result<&mut Replay, String> {
        let way = self.replay.as_mut();
        way.ok_or_else(|| "no line was located; call locate first".to_owned())
    }

    fn key(&self, id: f64) -> Result<&trace::KeyTrace, String> {
        let keys = self.trace.keys();
        let key = keys.get(to_len(id));
        key.ok_or_else(|| {
            format!(
                "there is no key {}; the log has {}",
                to_count(id),
                keys.len()
            )
        })
    }

    fn no_such_line(&self, line: f64) -> String {
        let lines = self.trace.lines();
        let line = to_count(line);
        format!("there is no line {line}; so far the log has {lines}")
    }
}

fn frame(first: f64, last: f64, width: f64) -> Frame {
    Frame {
        first: to_count(first),
        last: to_count(last),
        width: to_len(width),
    }
}

/// Minima, maxima, last values, the number before, the resolution.
fn numbers(chart: &Chart) -> Vec<f64> {
    let mut numbers = [&*chart.min, &*chart.max, &*chart.last].concat();
    numbers.push(chart.before.unwrap_or(f64::NAN));
    numbers.push(from_count(chart.resolution));
    numbers
}

fn pairs(state: &State) -> String {
    let mut json = String::from("{\"line\":");
    state.line.write(&mut json);
    for (name, pairs) in [("pairs", &state.pairs), ("before", &state.before)] {
        json.push_str(",\"");
        json.push_str(name);
        json.push_str("\":");
        array(&mut json, pairs, |json, pair| {
            object(
                json,
                &[
                    ("key", &pair.key.as_str()),
                    ("value", &pair.value.as_str()),
                    ("line", &pair.line),
                ],
            );
        });
    }
    json.push('}');
    json
}

/// `ended`: how many lines have ended.
fn show(json: &mut String, row: &Row<'_>, ended: u64) {
    // No character has more than four bytes, so this is enough for the text and one more.
    let seen = row.text.len().min(4 * SHOWN_LINE + 4);
    let text = String::from_utf8_lossy(&row.text[..seen]);
    let (text, cut) = start(&text, SHOWN_LINE);
    let unit =
        |at: usize| units(&String::from_utf8_lossy(&row.text[..at.min(seen)])).min(units(text));
    object(
        json,
        &[
            ("line", &row.line),
            ("kind", &row.kind.as_str()),
            (
                "key",
                &row.key.as_ref().map(|key| [unit(key.start), unit(key.end)]),
            ),
            ("problem", &row.problem.map(DiagnosticKind::code)),
            ("text", &text),
            ("cut", &cut),
            ("unfinished", &(!row.ended && row.line > ended)),
        ],
    );
}
