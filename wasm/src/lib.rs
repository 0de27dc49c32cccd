//! The face of `taskwatcher-core` that the browser viewer sees; `wasm/README.md` is its manual.
//!
//! Guarantees: every answer is the core's, turned into numbers, JSON or text; the same calls give the
//! same answers when this crate is compiled for the machine itself, which is how it is tested. It
//! decides nothing, reads no file, keeps no time and never logs.
//!
//! Each feature is one module of its own in the browser, so that a viewer loads only what a file needs.

#[cfg(feature = "history")]
mod columns;
#[cfg_attr(
    not(feature = "log"),
    expect(dead_code, reason = "only the log module writes JSON by hand")
)]
mod convert;
#[cfg(feature = "history")]
mod history;
#[cfg(all(feature = "history", target_family = "wasm", target_os = "unknown"))]
mod lent;
#[cfg(all(feature = "history", not(target_family = "wasm")))]
mod local;
#[cfg(feature = "log")]
mod log;

#[cfg(feature = "history")]
pub use history::History;
#[cfg(feature = "log")]
pub use log::Log;
