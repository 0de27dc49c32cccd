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

use serde_json::Value;
use taskwatcher_tests::record::{id, number, statuses, text, timeline};
use taskwatcher_tests::report::skipped;
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

/// True if a number stands somewhere in a value.
fn mentions(value: &Value, number: i32) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|it| mentions(it, number)),
        Value::Object(values) => values.values().any(|it| mentions(it, number)),
        other => other.as_i64() == Some(i64::from(number)),
    }
}
