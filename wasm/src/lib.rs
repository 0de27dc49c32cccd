//! The face of `taskwatcher-core` that the browser viewer sees; `wasm/README.md` is its manual.
//!
//! Guarantees: every answer is the core's, turned into numbers, JSON or text; the same calls give the
//! same answers when this crate is compiled for the machine itself, which is how it is tested. It
//! decides nothing, reads no file, keeps no time and never logs.
//!
//! Each feature is one module of its own in the browser, so that a viewer loads only what a file needs.

mod convert;
#[cfg(feature = "log")]
mod log;

#[cfg(feature = "log")]
pub use log::Log;
