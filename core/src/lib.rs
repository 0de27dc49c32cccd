//! Text and rules of taskwatcher: no clock, no processes, no terminal.
#![forbid(unsafe_code)]
