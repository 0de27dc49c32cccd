//! `clear`: the history, or the old part of it.

use std::time::Duration;

use crate::error::Error;
use crate::store::{Keep, Location};
use crate::supervise::recover;
use crate::sys::clock;

/// Clears finished tasks that ended longer ago than `older_than`, but never the newest `keep`.
pub fn run(
    database: &Location,
    older_than: Option<Duration>,
    keep: Option<u32>,
) -> Result<u8, Error> {
    let mut store = recover::open(database)?;
    let since = older_than
        .map(|age| clock::unix_seconds() - i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    let cleared = store.clear(Keep {
        ended_since: since,
        newest: keep,
    })?;
    crate::complain(&format!("cleared {cleared} finished task(s)"));
    Ok(0)
}
