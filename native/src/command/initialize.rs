//! `initialize`: a fresh database.

use std::path::Path;

use taskwatcher_core::record::Task;

use crate::error::Error;
use crate::store::is_running;
use crate::supervise::recover;

/// Empties the database, or makes one. Refuses while a task runs, and without `force` where there
/// is anything to lose.
pub fn run(database: &Path, force: bool) -> Result<u8, Error> {
    let mut store = recover::open_or_create(database)?;
    store.erase(|tasks, finished| check(tasks, finished, force))?;
    crate::complain(&format!("'{}' is ready", database.display()));
    Ok(0)
}

fn check(tasks: &[Task], finished: i64, force: bool) -> Result<(), Error> {
    let running = tasks.iter().filter(|task| is_running(task)).count();
    if running > 0 {
        return Err(Error::Refused(format!(
            "{running} task(s) run; wait for them, or end them with 'taskwatcher kill'"
        )));
    }
    if !force && (finished > 0 || !tasks.is_empty()) {
        let reserved = tasks.len();
        return Err(Error::Refused(format!(
            "{finished} finished and {reserved} reserved task(s) would be lost; use --force to lose them"
        )));
    }
    Ok(())
}
