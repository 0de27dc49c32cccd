//! The taskwatcher command as a library, so that the test crate can build it too.
//!
//! `cli` is what clap knows; `command` has one verb a file; `supervise` is the launcher, its
//! decisions apart from its deeds; `store` is the database; `render` is what people and programs
//! see; `sys` is the only door to the kernel.

mod cli;
mod command;
mod error;
mod feedback;
mod render;
mod store;
mod supervise;
mod sys;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::{Cli, Command, Parsed};
use crate::command::launch_failed;
use crate::error::{Error, caught};
use crate::render::output;
use crate::render::text::visible;
use crate::store::Location;

/// Runs the command line of this process and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    sys::signal::survive_file_size_limit();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        complain(&format!("internal error at {place}; please report it"));
    }));
    ExitCode::from(match cli::parse(&std::env::args_os().collect::<Vec<_>>()) {
        Parsed::Command(cli) => run(&cli),
        Parsed::Text(text) => match output::print(text.trim_end()) {
            Ok(()) | Err(Error::ClosedPipe) => 0,
            Err(error) => {
                complain(&error.to_string());
                error.exit_code()
            }
        },
        Parsed::Wrong { message, launch } => {
            complain(&message);
            if launch {
                launch_failed()
            } else {
                Error::Usage(message).exit_code()
            }
        }
    })
}

fn run(cli: &Cli) -> u8 {
    let database = match cli.command {
        // It reads no database, and works where none could be.
        Command::Parse { .. } => Ok(Location::default()),
        _ => command::locate_database(cli.db.as_deref()),
    };
    let ended = match &database {
        Ok(database) => caught(|| command::run(&cli.command, database))
            .inspect_err(|error| complain_of(error, &database.path)),
        Err(error) => {
            complain(&error.to_string());
            return failed(&cli.command, error);
        }
    };
    ended.unwrap_or_else(|error| failed(&cli.command, &error))
}

fn failed(command: &Command, error: &Error) -> u8 {
    // The exit codes of a launch belong to its command.
    match command {
        Command::Launch(_) => launch_failed(),
        _ => error.exit_code(),
    }
}

/// One line on standard error: why something failed.
fn complain(message: &str) {
    // Standard error may be closed; there is nowhere else to say so.
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "taskwatcher: {}", visible(message));
}

/// A line of this command's process in the background, which says who it is from itself.
fn pass_on(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// One line on standard error: what to know about something that goes on.
fn warn(message: &str) {
    complain(&format!("warning: {message}"));
}

fn complain_of(error: &Error, database: &Path) {
    match error {
        Error::ClosedPipe => {}
        Error::Database(_) | Error::Locked => {
            complain(&format!("database '{}': {error}", database.display()));
        }
        _ => complain(&error.to_string()),
    }
}
