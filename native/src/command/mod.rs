//! The commands, one verb a file. Each takes what the command line said and returns or prints a
//! result; none ends the process.

mod clear;
mod export;
mod feedback;
mod history;
mod initialize;
mod kill;
mod launch;
mod list;
mod parse;
mod reserve;
mod update;

use std::path::{Path, PathBuf};

use crate::cli::{Command, LabelArgs};
use crate::error::{Error, plain};
use crate::store::{Labels, Location};
use crate::sys::file;

/// The exit code of a launch that failed before or beside its command.
pub fn launch_failed() -> u8 {
    launch::FAILED
}

/// Runs a command; returns its exit code.
pub fn run(command: &Command, database: &Location) -> Result<u8, Error> {
    match command {
        Command::Initialize { force } => initialize::run(&database.path, *force),
        Command::Reserve(arguments) => reserve::run(&database.path, arguments),
        Command::Launch(arguments) => launch::run(&database.path, arguments),
        Command::List { json } => list::run(database, *json),
        Command::Feedback { id } => feedback::run(database, *id),
        Command::History(arguments) => history::run(database, arguments),
        Command::Clear { older_than, keep } => clear::run(database, *older_than, *keep),
        Command::Kill { ids } => kill::ids(database, ids),
        Command::Killall { name } => kill::named(database, name),
        Command::Update => update::run(database),
        Command::Export { file } => export::run(database, file.as_deref()),
        Command::Parse { file, check, json } => parse::run(file, *check, *json),
    }
}

fn labels(arguments: &LabelArgs) -> Labels {
    Labels {
        name: arguments.name.clone(),
        infos: [
            arguments.info1.clone(),
            arguments.info2.clone(),
            arguments.info3.clone(),
        ],
    }
}

/// Where the database is: the option, else the environment, else the user's state folder. It is one
/// database whatever links lead to it, so that all that lies beside it is looked for in one place.
pub fn locate_database(option: Option<&Path>) -> Result<Location, Error> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let named = option.map(Path::to_owned).or_else(|| set("TASKWATCHER_DB"));
    let is_named = named.is_some();
    let path = if let Some(path) = named {
        path
    } else {
        let state = set("XDG_STATE_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| set("HOME").map(|home| home.join(".local/state")))
            .ok_or_else(|| {
                Error::Usage("no database: neither --db nor HOME is set; use --db FILE".to_owned())
            })?;
        state.join("taskwatcher").join("taskwatcher.db")
    };
    let path = std::path::absolute(&path).map_err(|error| {
        Error::Database(format!(
            "the path '{}' is relative to a folder that is gone: {}",
            path.display(),
            plain(&error)
        ))
    })?;
    Ok(Location {
        path: file::one_path(&path),
        is_named,
    })
}
