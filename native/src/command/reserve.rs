//! `reserve`: an id for a later launch.

use std::path::Path;

use crate::cli::ReserveArgs;
use crate::error::Error;
use crate::render::output::print;
use crate::sys::clock;

/// Reserves an id and prints it, nothing else.
pub fn run(database: &Path, arguments: &ReserveArgs) -> Result<u8, Error> {
    let mut store = super::open(database)?;
    // A lifetime below a second is one second: the column holds whole ones.
    let lifetime = (!arguments.ttl.is_zero()).then(|| arguments.ttl.as_secs_f64().ceil() as i64);
    let id = store.reserve(
        &super::labels(&arguments.labels),
        arguments.unique,
        lifetime,
        clock::unix_seconds(),
    )?;
    print(&id.to_string())?;
    Ok(0)
}
