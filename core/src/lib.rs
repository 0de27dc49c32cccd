//! Text and rules of taskwatcher: the feedback grammar, what a status and an outcome mean, the
//! records and their JSON, and behind the feature `sqlite` the schema and the reading of a
//! database. The command and the browser viewer share this code.
//!
//! There is no clock here, no process and no terminal.
#![forbid(unsafe_code)]

#[cfg(feature = "sqlite")]
pub mod database;
pub mod json;
pub mod outcome;
pub mod record;
pub mod status;
