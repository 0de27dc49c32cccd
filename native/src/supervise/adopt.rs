//! Going on with a task whose launcher has died, from another process.
//!
//! The same rules hold as before, and the same record comes out; only what a parent alone is told
//! (the processor time) is missing, and where the kernel tells nobody else how a process ended, the
//! exit status is unknown and never made up.

use std::path::Path;
use std::time::Duration;

use taskwatcher_core::json::Json;
use taskwatcher_core::outcome::Ending;
use taskwatcher_core::record::Task as Row;
use taskwatcher_core::status::Status;

use super::finish;
use super::heartbeat::Heartbeat;
use super::recover::{identity_of, may_signal};
use super::run::{Started, Supervision};
use super::task::{Options, Task, Timeline};
use super::tree::Tree;
use crate::error::Error;
use crate::feedback::Reading;
use crate::store::{Missing, Patience, Store};
use crate::sys::clock;
use crate::sys::detach;
use crate::sys::identity::{Identity, Process};
use crate::sys::proof::Proof;
use crate::sys::signal::{Inherited, Signals};

/// Starts a launcher in the background that adopts the task. Returns once it has claimed the row,
/// or another one has.
pub fn in_background(database: &Path, id: i64) -> Result<(), Error> {
    let answers = detach::in_background(|report| {
        let adopted = adopt(database, id, |id| report.started(id));
        if let Err(error) = adopted {
            crate::complain_of(&error, database);
        }
        report.ended(0);
    });
    let answers = answers.map_err(|error| Error::io("go to the background", &error))?;
    // Whoever has the task now, and what there was to complain of, the row and the lines tell.
    answers.wait(crate::pass_on);
    Ok(())
}

/// Adopts the task and runs it to its end. If another launcher has it by now, or it has ended,
/// nothing is done.
fn adopt(database: &Path, id: i64, started: impl FnOnce(i64)) -> Result<(), Error> {
    // The working folder of whoever came by must not be held.
    let _ = std::env::set_current_dir("/");
    let mut store = Store::open(database, Patience::Long, Missing::Refuse)?;
    let Some(row) = store.task(id)? else {
        return Ok(());
    };
    let Some(before) = identity_of(&row) else {
        return Ok(());
    };
    // Its descriptor is opened while the command is alive: later nobody is told how it ended.
    // A session that the row alone calls the task's may be anybody's.
    let has_session = Options::of(&row).detached && store.is_private();
    let tree = Tree::adopted(before.child, has_session, &before.run);
    let after = Identity {
        launcher: Process::own(),
        ..before.clone()
    };
    // The row may have become another one since it was judged.
    if !before.launcher.is_gone() || !may_signal(&store, &before) {
        return Ok(());
    }
    let _proof = Proof::show(&before.run, database);
    // Until it has the task a signal ends this process alone, also while it waits for the lock.
    let take_signals = || {
        let failed = |error: std::io::Error| Error::io("take over signals", &error);
        Signals::take(&Inherited::read().map_err(failed)?).map_err(failed)
    };
    let claimed = store.change_identity(id, &row, &Json::of(&after), take_signals)?;
    let Some(signals) = claimed else {
        return Ok(());
    };
    let (task, old) = task_of(&store, database, &row, &before.run)?;
    drop(store);
    started(id);
    let start = started_at(before.child, task.options.launched);
    // What changed since the launch is a beat, also while nobody watched.
    let heartbeat = task
        .feedfile
        .clone()
        .map(|path| Heartbeat::new(path, task.options.before, start.monotonic()));
    let timeline = row
        .timeline
        .as_ref()
        .and_then(Timeline::parse)
        .unwrap_or_default();
    let supervision = Supervision::new(&task, tree, &signals, None, heartbeat, timeline, start);
    let status = row
        .status
        .as_deref()
        .and_then(Status::parse)
        .unwrap_or(Status::Running);
    let ending: Option<Ending> = row.ending.as_ref().and_then(Json::to);
    let ended = supervision.going_on(status, ending).run();
    finish::archive(&task, &row, old.as_ref(), &ended, &signals)?;
    Ok(())
}

fn task_of(
    store: &Store,
    database: &Path,
    row: &Row,
    run: &str,
) -> Result<(Task, Option<Reading>), Error> {
    let task = Task {
        id: row.taskid,
        run: run.to_owned(),
        database: database.to_owned(),
        feedfile: store.feedfile(row.taskid)?,
        timeout: row.timeout.as_ref().and_then(serde_json::Number::as_f64),
        options: Options::of(row),
    };
    let stored = store
        .feedback(row.taskid)?
        .as_ref()
        .and_then(Reading::stored);
    Ok((task, stored))
}

/// A command that runs already was started then on both clocks. Only its launcher could tell how
/// much of the time since then the machine was suspended.
fn started_at(command: Process, launched: Option<Duration>) -> Started {
    let monotonic = launched.unwrap_or_else(|| {
        let age = clock::since_boot().saturating_sub(command.started());
        clock::monotonic().saturating_sub(age)
    });
    Started::at(monotonic, command.started())
}
