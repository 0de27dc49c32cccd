//! `reserve`: an id for a later launch.

use std::path::Path;

use taskwatcher_core::json::Json;

use crate::cli::ReserveArgs;
use crate::error::Error;
use crate::render::output::print;
use crate::supervise::recover;
use crate::sys::clock;
use crate::sys::identity::Place;

/// Reserves an id and prints it, nothing else.
pub fn run(database: &Path, arguments: &ReserveArgs) -> Result<u8, Error> {
    let mut store = recover::open_or_create(database)?;
    // A lifetime below a second is one second: the column holds whole ones.
    let seconds = arguments.ttl.as_secs() + u64::from(arguments.ttl.subsec_nanos() > 0);
    let lifetime = (seconds > 0).then_some(i64::try_from(seconds).unwrap_or(i64::MAX));
    let id = store.reserve(
        &super::labels(&arguments.labels),
        arguments.unique,
        lifetime,
        clock::unix_seconds(),
        &Json::of(Place::here()),
    )?;
    if let Err(error) = print(&id.to_string()) {
        // An id that nobody has been told would hold its name until it expires.
        store.drop_reservation(id)?;
        return Err(error);
    }
    Ok(0)
}
