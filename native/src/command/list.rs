//! `list`: running and reserved tasks.

use std::io;

use taskwatcher_core::json::Json;
use taskwatcher_core::outcome::Ending;
use taskwatcher_core::record::Task;

use crate::error::Error;
use crate::render::document::Document;
use crate::render::output::print_table;
use crate::render::table::{self, Look};
use crate::render::time::local_time;
use crate::store::{Location, Store, is_running};
use crate::supervise::recover::{self, Marks, Verdict};
use crate::supervise::task::Options;
use crate::sys::file::Version;
use crate::sys::identity::{Beyond, Identity};
use crate::sys::{clock, process};

/// Prints the tasks as a table or as JSON.
pub fn run(database: &Location, json: bool) -> Result<u8, Error> {
    let store = recover::open_to_read(database)?;
    let tasks = present_tasks(&store)?;
    if json {
        let mut document = Document::begin(io::stdout().lock())?;
        document.member("tasks", |records| {
            tasks.iter().try_for_each(|task| records.push(task))
        })?;
        document.end()?;
    } else if tasks.is_empty() {
        crate::complain("no task is running or reserved");
    } else {
        let look = Look::of_stdout();
        let marks = Marks::default();
        let note = |task: &Task| note(task, &look, &marks);
        let mut table = table::tasks(&look, note);
        for task in &tasks {
            table.push(task);
        }
        print_table(&table.draw(&look))?;
    }
    Ok(0)
}

/// What the status of a task does not tell.
fn note(task: &Task, look: &Look, marks: &Marks) -> String {
    if !is_running(task) {
        let until = |time| format!("until {}", local_time(time, look.now, &look.zone));
        return task.expires.map_or_else(String::new, until);
    }
    let identity = recover::identity_of(task);
    match recover::judge(task, marks) {
        Verdict::Elsewhere => {
            return match identity.map(|identity| identity.place.beyond()) {
                None => "started by 1.7".to_owned(),
                Some(Beyond::Machine) => {
                    format!("on {}", task.host.as_deref().unwrap_or("another machine"))
                }
                Some(Beyond::User(user)) => format!("of user {user}"),
                Some(Beyond::Container) => "in another container".to_owned(),
            };
        }
        Verdict::Hidden => return "its process is hidden".to_owned(),
        Verdict::Orphaned => return "has lost its launcher".to_owned(),
        Verdict::Gone(_) => return "has ended, not archived yet".to_owned(),
        Verdict::Supervised => {}
    }
    if let Some(ending) = task.ending.as_ref().and_then(Json::to::<Ending>) {
        return format!("being ended: {}", ending.reason);
    }
    if Options::of(task).command_end.is_some() {
        return "has ended; what it left runs on".to_owned();
    }
    match identity {
        Some(Identity { launcher, .. }) if process::is_stopped(launcher) => {
            "its launcher is stopped".to_owned()
        }
        Some(Identity { child, .. }) if process::is_stopped(child) => "stopped".to_owned(),
        _ => String::new(),
    }
}

/// Running and reserved tasks with their present durations and timers. Of a task on another machine,
/// or in a container, only the duration is known: a path and a heartbeat mean something else there.
pub fn present_tasks(store: &Store) -> Result<Vec<Task>, Error> {
    let mut tasks = store.tasks()?;
    for task in &mut tasks {
        if !is_here(task) {
            task.duration = duration(task, clock::unix_seconds()).or(task.duration);
            continue;
        }
        let feedfile = if task.feedback {
            store.feedfile(task.taskid)?
        } else {
            None
        };
        let modified = feedfile
            .as_deref()
            .and_then(Version::of)
            .map(|version| version.modified.as_secs());
        refresh(
            task,
            modified.and_then(|seconds| i64::try_from(seconds).ok()),
            clock::unix_seconds(),
        );
    }
    Ok(tasks)
}

/// Whether a task runs on this system, as far as its row says.
pub fn is_here(task: &Task) -> bool {
    recover::identity_of(task).is_none_or(|identity| identity.place.is_on_this_system())
}

fn duration(task: &Task, now: i64) -> Option<i64> {
    let start = task.starttime.filter(|_| is_running(task))?;
    Some((now - start).max(0))
}

/// Fills in what changes every second and is therefore not stored: the duration, and with feedback
/// the time since the last heartbeat, which is the file's last change or the start.
fn refresh(task: &mut Task, modified: Option<i64>, now: i64) {
    task.duration = duration(task, now).or(task.duration);
    if let Some(start) = task.starttime.filter(|_| is_running(task) && task.feedback) {
        let beat = task.lastupdate.max(modified).filter(|&beat| beat >= start);
        task.lastupdate = beat.or(task.lastupdate);
        task.timer = Some((now - beat.unwrap_or(start)).max(0));
    }
}
