//! `launch`: a command as a task, in the foreground or detached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::LaunchArgs;
use crate::error::Error;
use crate::render::output::print;
use crate::store::Taken;
use crate::supervise::arguments::feedback_in;
use crate::supervise::launch::{Interrupt, Request, launch};
use crate::supervise::task::Options;
use crate::sys::detach::{self, Answer};
use crate::sys::{file, signal};

/// The exit code of every failure of `launch` that is not the command's.
pub const FAILED: u8 = 125;

/// Runs the task; returns the exit code of `launch`.
pub fn run(database: &Path, arguments: &LaunchArgs) -> Result<u8, Error> {
    let request = request(database, arguments)?;
    if arguments.detach {
        run_detached(&request)
    } else {
        run_here(&request)
    }
}

fn run_here(request: &Request) -> Result<u8, Error> {
    let finished = launch(request, |_| ())?;
    if let Some(reason) = finished.not_started {
        crate::complain(&reason);
    }
    // A script or a pipeline around this command stops at the key, as it would without it.
    match finished.interrupted {
        Some(Interrupt { signal, alone }) if alone => signal::end_own_group(signal),
        Some(Interrupt { signal, .. }) => signal::end_self(signal),
        None => {}
    }
    Ok(finished.code)
}

fn run_detached(request: &Request) -> Result<u8, Error> {
    let answers = detach::in_background(|report| {
        let code = match launch(request, |id| report.started(id)) {
            Ok(finished) => {
                if let Some(reason) = &finished.not_started {
                    crate::complain(reason);
                }
                finished.code
            }
            Err(error) => {
                crate::complain_of(&error, &request.database);
                FAILED
            }
        };
        report.ended(code);
    });
    let answers = answers.map_err(|error| Error::io("go to the background", &error))?;
    match answers.wait(crate::pass_on) {
        Answer::Started(id) => match print(&id) {
            Ok(()) => Ok(0),
            Err(error) => Err(Error::Refused(format!(
                "{error}; task {id} runs all the same, and 'taskwatcher kill {id}' ends it"
            ))),
        },
        Answer::Ended(code) => Ok(code),
    }
}

/// What the arguments mean together.
fn request(database: &Path, arguments: &LaunchArgs) -> Result<Request, Error> {
    let (shows_feedback, needs_reservation) = feedback_in(&arguments.command, arguments.literal);
    if needs_reservation && arguments.taskid.is_none() && !arguments.feedback {
        return Err(Error::Usage(
            "the command gives feedback to a file it names itself, so the id must be known first: use --taskid with an \
             id from 'taskwatcher reserve', or {feedback} in place of the file name"
                .to_owned(),
        ));
    }
    let gives_feedback = shows_feedback || arguments.feedback;
    if arguments.timeout.is_some() && !gives_feedback {
        crate::warn(
            "--timeout is ignored: the task gives no feedback; use {feedback} in the command, or --feedback",
        );
    }
    let folder = database.parent().unwrap_or(Path::new("/"));
    let feedpath = arguments
        .feedpath
        .clone()
        .unwrap_or_else(|| folder.join("feedback"));
    let quiet = || arguments.detach.then(|| PathBuf::from("/dev/null"));
    if let Some(output) = &arguments.output
        && file::is_of_database(output, database)
    {
        return Err(Error::Refused(format!(
            "the output file '{}' is the database itself; name another file",
            output.display()
        )));
    }
    Ok(Request {
        database: database.to_owned(),
        taken: arguments.taskid.map_or(
            Taken::New {
                unique: arguments.unique,
            },
            Taken::Reserved,
        ),
        labels: super::labels(&arguments.labels),
        command: arguments.command.clone(),
        literal: arguments.literal,
        gives_feedback,
        feedpath: std::path::absolute(&feedpath)
            .map_err(|error| Error::io(format!("use the path '{}'", feedpath.display()), &error))?,
        timeout: arguments
            .timeout
            .filter(|_| gives_feedback)
            .map(|length| length.as_secs_f64()),
        options: Options {
            max_time: arguments.max_time.as_ref().map(Duration::as_secs_f64),
            grace: arguments.grace.as_secs_f64(),
            leftovers: arguments.leftovers,
            keep_feedback: arguments.keep_feedback,
            detached: arguments.detach,
            launched: None,
            before: None,
            command_end: None,
        },
        output: arguments.output.clone().or_else(quiet),
    })
}
