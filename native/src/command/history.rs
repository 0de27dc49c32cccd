//! `history`: finished tasks.

use std::io;

use taskwatcher_core::database::read::HistoryFilter;

use crate::cli::HistoryArgs;
use crate::error::Error;
use crate::render::document::Document;
use crate::render::output::print_table;
use crate::render::table::{self, Look};
use crate::store::Location;
use crate::supervise::recover;

/// Prints the finished tasks as a table or as JSON.
pub fn run(database: &Location, arguments: &HistoryArgs) -> Result<u8, Error> {
    let store = recover::open_to_read(database)?;
    let filter = HistoryFilter {
        name: arguments.name.clone(),
        outcome: arguments.outcome.map(|outcome| outcome.as_str().to_owned()),
        since: arguments.since,
        before: arguments.before,
        limit: arguments.limit,
    };
    let ids = store.history_ids(&filter)?;
    if arguments.json {
        let mut document = Document::begin(io::stdout().lock())?;
        document.member("history", |records| {
            store.each_of_history(&ids, |row| records.push(&row))
        })?;
        document.end()?;
        return Ok(0);
    }
    let look = Look::of_stdout();
    let mut table = table::history(&look);
    store.each_of_history(&ids, |row| {
        table.push(&row);
        Ok(())
    })?;
    if table.is_empty() {
        crate::complain(if filter == HistoryFilter::default() {
            "no task has finished yet"
        } else {
            "no finished task matches"
        });
    } else {
        print_table(&table.draw(&look))?;
    }
    Ok(0)
}
