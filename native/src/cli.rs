//! The command line: what clap knows, and nothing else. What options mean together is decided by
//! the commands.

// The doc comments of arguments are the help text, where backticks would be noise.
#![allow(clippy::doc_markdown)]

mod value;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand};
use taskwatcher_core::outcome::Outcome;

use crate::supervise::machine::Leftovers;

/// Turns scripts and programs into tasks: supervised, with heartbeat, progress and history.
#[derive(Debug, Parser)]
#[command(name = "taskwatcher", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused or a negative answer, 2 usage, 3 no such task, 4 database \
unusable. 'launch' exits as its command does: see 'taskwatcher launch --help'."
)]
pub struct Cli {
    /// Database file [default: $TASKWATCHER_DB, else taskwatcher/taskwatcher.db in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a fresh database; all that was in it is lost
    Initialize {
        /// Also if there is a history or a reservation to lose
        #[arg(long)]
        force: bool,
    },
    /// Give out the id of a task that will be launched later, and print it
    Reserve(ReserveArgs),
    /// Run a command as a task and wait for its end
    #[command(
        after_help = "Exit codes: the command's own; 128+n if signal n ended it; 124 if the timeout or the \
maximum time did; 125 taskwatcher failed; 126 the command cannot be executed; 127 it was not found."
    )]
    Launch(Box<LaunchArgs>),
    /// Show running and reserved tasks
    List {
        /// Print JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Print the present values of a task as JSON; of a finished task, its final ones
    Feedback {
        /// Id of the task
        #[arg(value_name = "ID", allow_negative_numbers = true, value_parser = value::number::<i64>)]
        id: i64,
    },
    /// Show finished tasks, oldest first
    History(HistoryArgs),
    /// Clear the history, all of it or what is old
    Clear {
        /// Only tasks that ended longer ago than this (30s, 5m, 2h, 7d)
        #[arg(long, value_name = "D", allow_negative_numbers = true, value_parser = value::duration)]
        older_than: Option<Duration>,
        /// Keep the newest K
        #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = value::number::<u32>)]
        keep: Option<u32>,
    },
    /// End tasks and wait until they are archived
    Kill {
        /// Ids of the tasks
        #[arg(value_name = "ID", required = true, allow_negative_numbers = true, value_parser = value::number::<i64>)]
        ids: Vec<i64>,
    },
    /// End all tasks of a name and wait until they are archived
    Killall {
        /// Name of the tasks
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Store the time information of running tasks, drop expired reservations, recover what a dead launcher left
    Update,
    /// Write tasks, history and feedback as one JSON document, for the viewer
    Export {
        /// The file, or - for standard output [default: -]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the values of a feedback file as JSON
    Parse {
        /// The file; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// List what is wrong in it as FILE:LINE:COL: message; exit code 1 if anything is
        #[arg(long)]
        check: bool,
        /// With --check: as JSON
        #[arg(long, requires = "check")]
        json: bool,
    },
}

/// Name and side informations of a task.
#[derive(Debug, Args)]
pub struct LabelArgs {
    /// Name of the task
    #[arg(long, value_name = "N")]
    pub name: Option<String>,
    /// Any side information
    #[arg(long, value_name = "T")]
    pub info1: Option<String>,
    /// Any side information
    #[arg(long, value_name = "T")]
    pub info2: Option<String>,
    /// Any side information
    #[arg(long, value_name = "T")]
    pub info3: Option<String>,
}

/// The arguments of `reserve`.
#[derive(Debug, Args)]
pub struct ReserveArgs {
    #[command(flatten)]
    pub labels: LabelArgs,
    /// Refuse if a task of this name is active
    #[arg(long, requires = "name")]
    pub unique: bool,
    /// How long the reservation lives (300, 1.5, 30s, 5m, 2h, 7d); 0: for ever
    #[arg(long, value_name = "S", allow_negative_numbers = true, default_value = "300", value_parser = value::duration)]
    pub ttl: Duration,
}

/// The arguments of `launch`.
#[derive(Debug, Args)]
pub struct LaunchArgs {
    /// Id that was reserved for this launch [default: a new one]
    #[arg(long, value_name = "ID", allow_negative_numbers = true, value_parser = value::number::<i64>)]
    pub taskid: Option<i64>,
    #[command(flatten)]
    pub labels: LabelArgs,
    /// Refuse if a task of this name is active
    #[arg(long, conflicts_with = "taskid")]
    pub unique: bool,
    /// Folder of the feedback file, feedback_ID.log [default: 'feedback' beside the database]
    #[arg(long, value_name = "DIR")]
    pub feedpath: Option<PathBuf>,
    /// End the task if its feedback file does not change for so long (30, 1.5, 30s, 5m, 2h, 7d)
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = value::positive_duration)]
    pub timeout: Option<Duration>,
    /// The task gives feedback, though its command line does not show it
    #[arg(long)]
    pub feedback: bool,
    /// End the task if it runs for so long (like --timeout)
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = value::positive_duration)]
    pub max_time: Option<Duration>,
    /// Time between the first signal and SIGKILL (like --timeout)
    #[arg(long, value_name = "S", default_value = "5", allow_negative_numbers = true, value_parser = value::duration)]
    pub grace: Duration,
    /// What to do with processes that outlive the command
    #[arg(long, value_name = "MODE", default_value = "kill", value_parser = leftovers())]
    pub leftovers: Leftovers,
    /// Do not delete the feedback file at the end
    #[arg(long)]
    pub keep_feedback: bool,
    /// Do not replace {taskid} and {feedback} in the command
    #[arg(long)]
    pub literal: bool,
    /// Go on in the background; print the id once the command runs
    #[arg(long)]
    pub detach: bool,
    /// Append the command's output to this file
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Program and arguments, run as they are, without a shell
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// The arguments of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Print JSON for programs
    #[arg(long)]
    pub json: bool,
    /// Only tasks of this name
    #[arg(long, value_name = "N")]
    pub name: Option<String>,
    /// Only this outcome
    #[arg(long, value_name = "O", value_parser = outcome())]
    pub outcome: Option<Outcome>,
    /// Only tasks that ended since then (unix seconds or RFC 3339)
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = value::time)]
    pub since: Option<i64>,
    /// Only rows before this one (the 'id' in JSON): the page before
    #[arg(long, value_name = "ID", allow_negative_numbers = true, value_parser = value::number::<i64>)]
    pub before: Option<i64>,
    /// Only the newest K
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = value::number::<u32>)]
    pub limit: Option<u32>,
}

/// What the command line was.
pub enum Parsed {
    /// A command.
    Command(Box<Cli>),
    /// A text that was asked for: help or version.
    Text(String),
    /// Not understood; why, in one line, and whether it was a launch.
    Wrong {
        /// What was wrong and what to do.
        message: String,
        /// A launch has exit codes of its own.
        launch: bool,
    },
}

/// Reads the command line of this process.
pub fn parse(arguments: &[OsString]) -> Parsed {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Parsed::Command(Box::new(cli)),
        Err(error) if !error.use_stderr() => Parsed::Text(error.render().to_string()),
        Err(error) => {
            let command = subcommand(arguments);
            let message = one_line(&error, command, arguments);
            Parsed::Wrong {
                message,
                launch: command == Some("launch"),
            }
        }
    }
}

/// The first word that is a command, to know whose usage was wrong.
fn subcommand(arguments: &[OsString]) -> Option<&str> {
    let names: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let mut words = arguments.iter().skip(1).take_while(|word| *word != "--");
    words.find_map(|word| {
        word.to_str()
            .filter(|word| names.iter().any(|name| name == word))
    })
}

/// Clap explains in paragraphs; the first one says what was wrong.
fn one_line(error: &clap::Error, command: Option<&str>, arguments: &[OsString]) -> String {
    let help = command.map_or_else(String::new, |command| format!("{command} "));
    let text = error.render().to_string();
    if text.starts_with(|letter: char| letter.is_uppercase())
        || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    {
        return "no command was given; see 'taskwatcher --help'".to_owned();
    }
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line).to_owned();
    let is_command = error.kind() == clap::error::ErrorKind::UnknownArgument
        && command == Some("launch")
        && arguments.iter().all(|word| word != "--");
    if is_command {
        return format!(
            "{line}; put -- before the command: taskwatcher launch [OPTIONS] -- COMMAND"
        );
    }
    format!("{line}; see 'taskwatcher {help}--help'")
}

fn leftovers() -> impl TypedValueParser<Value = Leftovers> {
    PossibleValuesParser::new(["kill", "wait", "leave"]).map(|word| match word.as_str() {
        "wait" => Leftovers::Wait,
        "leave" => Leftovers::Leave,
        _ => Leftovers::Kill,
    })
}

fn outcome() -> impl TypedValueParser<Value = Outcome> {
    let words = Outcome::ALL.map(Outcome::as_str);
    PossibleValuesParser::new(words).map(|word| {
        Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
            .expect("clap lets only these words pass")
    })
}
