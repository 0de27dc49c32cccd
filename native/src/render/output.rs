//! The one door to standard output.

use std::io::{self, Write};

use super::table::Drawn;
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

/// Prints a table, and says what found no place on the terminal.
pub fn print_table(drawn: &Drawn) -> Result<(), Error> {
    print(&drawn.table)?;
    if !drawn.left_out.is_empty() {
        crate::complain(&format!(
            "no place for {}; widen the terminal, or use --json",
            drawn.left_out.join(", ")
        ));
    }
    Ok(())
}
