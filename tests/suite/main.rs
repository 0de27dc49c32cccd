//! The whole program, tested from outside.
//!
//! One module for each side of the contract; `harness` first proves that the tools of these tests tell the truth.

mod harness;

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
