//! The whole program, tested from outside.
//!
//! One module for each side of the contract; `harness` first proves that the tools of these tests
//! tell the truth.

mod cli;
mod compat;
mod contract;
mod database;
mod differential;
mod docs;
mod feedback;
mod harness;
mod heartbeat;
mod history;
mod kill;
mod launch;
mod races;
mod recovery;
mod tidy;
mod tree;

use std::io::Write;

use serde_json::Value;
use taskwatcher_tests::{Lab, Programs};

const PROGRAMS: Programs = Programs {
    taskwatcher: env!("CARGO_BIN_EXE_taskwatcher-under-test"),
    puppet: env!("CARGO_BIN_EXE_puppet"),
};

/// An empty lab.
fn lab() -> Lab {
    Lab::new(PROGRAMS)
}

/// An empty lab while no other test runs.
fn lab_alone() -> Lab {
    Lab::alone(PROGRAMS)
}

/// Says why a test did nothing, past the capture of its output.
fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// The id in a record of `list` or `history`.
#[track_caller]
fn id(record: &Value) -> i64 {
    record["taskid"]
        .as_i64()
        .unwrap_or_else(|| panic!("no taskid in {record}"))
}

/// A text in a record.
#[track_caller]
fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field} in {record}"))
}

/// A number in a record.
#[track_caller]
fn number(record: &Value, field: &str) -> i64 {
    record[field]
        .as_i64()
        .unwrap_or_else(|| panic!("no number {field} in {record}"))
}

/// True if a number stands somewhere in a value.
fn mentions(value: &Value, number: i32) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|it| mentions(it, number)),
        Value::Object(values) => values.values().any(|it| mentions(it, number)),
        other => other.as_i64() == Some(i64::from(number)),
    }
}

/// The timeline of a record: unix milliseconds and statuses.
#[track_caller]
fn timeline(record: &Value) -> Vec<(i64, String)> {
    let changes = record["timeline"]
        .as_array()
        .unwrap_or_else(|| panic!("no timeline: {record}"));
    let change = |it: &Value| Some((it[0].as_i64()?, it[1].as_str()?.to_owned()));
    changes
        .iter()
        .map(|it| change(it).unwrap_or_else(|| panic!("no change: {it}")))
        .collect()
}

/// The statuses of a record's timeline.
#[track_caller]
fn statuses(record: &Value) -> Vec<String> {
    timeline(record)
        .into_iter()
        .map(|(_, status)| status)
        .collect()
}
