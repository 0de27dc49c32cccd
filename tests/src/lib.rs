//! What the whole-program tests share: real processes, real SQLite files, no sleeping.
//!
//! - [`Lab`]: one test's folder, database and processes; nothing of it outlives the test.
//! - [`Stage`] and [`Puppet`]: programs that do what the test tells them, step by step.
//! - [`Terminal`]: a pseudo terminal.
//! - [`apart`]: mounts, process numbers and forbidden system calls that touch nobody else.
//! - [`record`] and [`report`]: what stands in a record, and what a run says of itself.
//! - [`Original`]: the Python package 1.7, where it is installed.
//!
//! Timing is under the test's control: it waits for events, and programs move when told.
#![forbid(unsafe_code)]
#![allow(
    clippy::missing_panics_doc,
    reason = "helpers of tests fail by a panic, as tests do"
)]

pub mod apart;
mod database;
mod lab;
mod original;
mod pipe;
pub mod process;
pub mod record;
pub mod report;
mod running;
mod stage;
mod terminal;
#[cfg(target_arch = "x86_64")]
pub mod tracer;
mod wait;

pub use database::{Row, rows};
pub use lab::{Lab, Programs};
pub use original::Original;
pub use pipe::FullPipe;
pub use process::Process;
pub use running::{Output, Running};
pub use rustix::process::Signal;
pub use stage::{Puppet, Stage};
pub use terminal::Terminal;
pub use wait::{Deadline, FolderWatch, PATIENCE, readable};
