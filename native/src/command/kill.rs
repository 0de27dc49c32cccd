//! `kill` and `killall`: ending tasks.
//!
//! The cause is committed to the row before the launcher is signalled, so that it is true whatever
//! happens to the launcher; where the database cannot be written, the launcher is signalled all the
//! same. It ends the tree and archives the task; its own end is what is waited for.

use std::time::Duration;

use taskwatcher_core::outcome::{Cause, Ending};
use taskwatcher_core::record::Task;

use crate::error::Error;
use crate::store::{Location, Store, is_running};
use crate::supervise::SURVIVORS;
use crate::supervise::recover::{self, Marks, Verdict};
use crate::supervise::task::Options;
use crate::sys::identity::{self, Beyond, Identity, Process};
use crate::sys::process;
use crate::sys::signal::Signal;

/// How much longer than its grace a launcher may take before it is reported.
const MARGIN: Duration = Duration::from_secs(30);

/// Ends the tasks with these ids.
pub fn ids(database: &Location, ids: &[i64]) -> Result<u8, Error> {
    let store = recover::open(database)?;
    let mut results = Vec::new();
    let mut tasks = Vec::new();
    for &id in ids {
        match store.task(id)? {
            Some(task) => tasks.push(task),
            None if store.finished(id)?.is_some() => {
                results.push(Err(Error::Refused(format!("task {id} has ended already"))));
            }
            None => results.push(Err(Error::NoSuchTask(id))),
        }
    }
    results.extend(end(database, store, tasks));
    report(results)
}

/// Ends all tasks of this name.
pub fn named(database: &Location, name: &str) -> Result<u8, Error> {
    let store = recover::open(database)?;
    let tasks = store.tasks_named(name)?;
    if tasks.is_empty() {
        return Err(Error::Refused(format!(
            "no task named '{name}' is active; 'taskwatcher list' shows those that are"
        )));
    }
    report(end(database, store, tasks))
}

/// Tells every failure; the exit code is the last one's.
fn report(results: Vec<Result<(), Error>>) -> Result<u8, Error> {
    let mut failures: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
    let last = failures.pop();
    for failure in &failures {
        crate::complain(&failure.to_string());
    }
    last.map_or(Ok(0), Err)
}

/// Asks for the end of all of them first, and then waits for each, with the database closed.
fn end(database: &Location, mut store: Store, tasks: Vec<Task>) -> Vec<Result<(), Error>> {
    let ask = |task| ask(&mut store, task);
    let asked: Vec<_> = tasks.into_iter().map(ask).collect();
    drop(store);
    let wait = |asked: Result<Option<(Task, Process)>, Error>| match asked? {
        None => Ok(()),
        Some((task, launcher)) => wait(database, &task, launcher),
    };
    asked.into_iter().map(wait).collect()
}

/// Asks a task's launcher to end it. What comes back is what to wait for, if there is anything.
fn ask(store: &mut Store, task: Task) -> Result<Option<(Task, Process)>, Error> {
    let id = task.taskid;
    if !is_running(&task) {
        if store.drop_reservation(id)? {
            return Ok(None);
        }
        // It was launched, or dropped, since the row was read.
        return store.task(id)?.map_or(Ok(None), |task| ask(store, task));
    }
    let elsewhere =
        |identity| Error::Refused(format!("task {id} {}", where_to_end(&task, identity)));
    let identity = recover::identity_of(&task).ok_or_else(|| elsewhere(None))?;
    match recover::judge(&task, &Marks::default()) {
        Verdict::Elsewhere => Err(elsewhere(Some(&identity))),
        Verdict::Gone(_) => Ok(Some((task, identity.launcher))),
        Verdict::Hidden => Err(Error::Refused(format!(
            "task {id} has lost its launcher, and its process {} is hidden from this user; end it as root",
            identity.child.pid
        ))),
        Verdict::Supervised | Verdict::Orphaned if !recover::may_signal(store, &identity) => {
            Err(unverified(id, &identity))
        }
        Verdict::Orphaned if recover::is_inside_task() => Err(Error::Refused(format!(
            "task {id} has lost its launcher, and inside another task none is started; end it from outside"
        ))),
        Verdict::Orphaned => Err(Error::Refused(format!(
            "task {id} is not ended: it has lost its launcher, and no other one could be started yet; try again"
        ))),
        Verdict::Supervised => {
            let ending = Ending {
                cause: Cause::Killed,
                signal: Signal::TERM.to_string(),
                reason: format!("killed by {}", identity::user()),
            };
            // Ending must not depend on a database that is locked or has no room: the launcher takes the
            // signal for a request to end its task, and records that in its own words once it can.
            if let Err(error) = store.record_ending(id, &identity.run, &ending) {
                crate::warn(&format!(
                    "task {id} is ended, but not yet recorded as killed by {}: {error}",
                    identity::user()
                ));
            }
            signal(id, identity.launcher)?;
            Ok(Some((task, identity.launcher)))
        }
    }
}

fn unverified(id: i64, identity: &Identity) -> Error {
    Error::Refused(format!(
        "task {id} was not ended: others can write this database or the folders that hold it, and process {} \
         cannot be verified as part of the task; inspect it and end it manually",
        identity.child.pid
    ))
}

/// Why a task cannot be ended from here, and who can.
fn where_to_end(task: &Task, identity: Option<&Identity>) -> String {
    match identity.map(|identity| identity.place.beyond()) {
        None => "was started by taskwatcher 1.7, which does not say where; end it there".to_owned(),
        Some(Beyond::Machine) => {
            let host = task.host.as_deref().unwrap_or("another machine");
            format!("runs on {host}; end it there")
        }
        Some(Beyond::User(user)) => format!("belongs to the user {user}, who alone can end it"),
        Some(Beyond::Container) => {
            "runs in another container of this machine; end it there".to_owned()
        }
    }
}

/// Tells a launcher to end its task; one that was stopped goes on to do it.
fn signal(id: i64, launcher: Process) -> Result<(), Error> {
    for signal in [Signal::TERM, Signal::CONT] {
        process::signal(launcher, signal)
            .map_err(|error| Error::io(format!("end task {id}"), &error))?;
    }
    Ok(())
}

/// Waits until the launcher, or one that adopted the task from it, has archived the task.
fn wait(database: &Location, task: &Task, mut launcher: Process) -> Result<(), Error> {
    let id = task.taskid;
    let policy = Options::of(task).policy(None);
    loop {
        if !process::wait_for_end(launcher, policy.grace + MARGIN) {
            return Err(Error::Refused(format!(
                "task {id} has not ended yet: its launcher, process {}, is still ending it; ask 'taskwatcher list' later",
                launcher.pid
            )));
        }
        let store = recover::open(database)?;
        let Some(row) = store.task(id)? else {
            return survivors(&store, id);
        };
        match recover::identity_of(&row) {
            Some(identity) if identity.launcher != launcher => {
                if !recover::may_signal(&store, &identity) {
                    return Err(unverified(id, &identity));
                }
                launcher = identity.launcher;
                // It may have read the row before the cause was recorded.
                signal(id, launcher)?;
            }
            _ => {
                return Err(Error::Refused(format!(
                    "task {id} has ended, but is not in the history yet; 'taskwatcher update' tries again"
                )));
            }
        }
    }
}

/// An archived task may have left processes that nothing could end.
fn survivors(store: &Store, id: i64) -> Result<(), Error> {
    let error = store
        .finished(id)?
        .and_then(|row| row.termerror)
        .unwrap_or_default();
    match error.split_once(SURVIVORS) {
        Some((_, pids)) => Err(Error::Refused(format!(
            "task {id} is archived, but processes {SURVIVORS}{pids}"
        ))),
        None => Ok(()),
    }
}
