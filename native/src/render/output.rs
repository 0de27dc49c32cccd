//! The one door to standard output.

use std::io;

use super::table::Drawn;
use crate::error::Error;
use crate::sys::file;

/// Prints a result and a line end. A reader that has gone is no failure: see [`Error::ClosedPipe`].
pub fn print(text: &str) -> Result<(), Error> {
    // Not through the buffer of the standard library: what could not be written would be written after
    // all when the process ends, though the command has said that it was not.
    file::write_to_stdout(format!("{text}\n").as_bytes()).map_err(|error| match error.kind() {
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
