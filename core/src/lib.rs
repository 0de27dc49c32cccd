//! Text and rules of taskwatcher, shared by the command and the browser viewer: no clock, no
//! processes, no terminal.
//!
//! A feedback log goes through four rooms: [`mod@line`] is the grammar of one line, [`reader`] drives it
//! over bytes that come in pieces, [`values`] is what remains, and [`diagnostic`] says what was wrong
//! and where. [`writer`] goes the other way, from a pair to a line.
//!
//! [`status`] and [`outcome`] are the rules of what a task does and how it ended, [`record`] is a row
//! as JSON, and `database` (feature `sqlite`) the schema and the reading of a database.
#![deny(unsafe_code)]

#[cfg(feature = "sqlite")]
pub mod database;
pub mod diagnostic;
pub mod json;
mod lanes;
pub mod line;
pub mod outcome;
pub mod reader;
pub mod record;
pub mod status;
mod table;
pub mod trace;
pub mod values;
mod window;
pub mod writer;

pub use diagnostic::{Diagnostic, DiagnosticKind, Problems, Set, Sink};
pub use reader::{Counts, Reader};
pub use values::Values;
