//! `history`: finished tasks.

use std::path::Path;

use taskwatcher_core::database::read::HistoryFilter;
use taskwatcher_core::record::Document;

use crate::cli::HistoryArgs;
use crate::error::Error;
use crate::render::output::print;
use crate::render::table::{self, Look};
use crate::supervise::recover;

/// Prints the finished tasks as a table or as JSON.
pub fn run(database: &Path, arguments: &HistoryArgs) -> Result<u8, Error> {
    let store = recover::open(database)?;
    let filter = HistoryFilter {
        name: arguments.name.clone(),
        outcome: arguments.outcome.map(|outcome| outcome.as_str().to_owned()),
        since: arguments.since,
        before: arguments.before,
        limit: arguments.limit,
    };
    let rows = store.history(&filter)?;
    if arguments.json {
        print(
            &Document {
                history: Some(rows),
                ..Document::new()
            }
            .to_json(),
        )?;
    } else if rows.is_empty() {
        eprintln!("taskwatcher: no finished task matches");
    } else {
        print(&table::history(&rows, &Look::of_stdout()))?;
    }
    Ok(0)
}
