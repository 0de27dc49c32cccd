//! The one door to standard output.

use std::io::{self, Write};

use crate::error::Error;

/// Prints a result and a line end. A reader that has gone is no failure: see [`Error::ClosedPipe`].
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Error::ClosedPipe,
        _ => Error::io("write to standard output", &error),
    })
}
