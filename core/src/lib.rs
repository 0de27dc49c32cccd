//! Text and rules of taskwatcher: no clock, no processes, no terminal.
//!
//! A feedback log goes through four rooms: [`mod@line`] is the grammar of one line, [`reader`] drives it
//! over bytes that come in pieces, [`values`] is what remains, and [`diagnostic`] says what was wrong
//! and where. [`writer`] goes the other way, from a pair to a line.
#![deny(unsafe_code)]

pub mod diagnostic;
mod lanes;
pub mod line;
pub mod reader;
mod table;
pub mod values;
mod window;
pub mod writer;

pub use diagnostic::{Diagnostic, DiagnosticKind, Problems, Sink};
pub use reader::{Counts, Reader};
pub use values::Values;
