//! A database or a JSON export: see "The history module" in `wasm/README.md`.
//!
//! Guarantees: both give the same records in the same form; nothing is ever written. What a file
//! contains is data, and one that cannot be used is refused with a text that says what was found, what
//! is supported and what to do.

use rusqlite::Connection;
use serde::Serialize;
use taskwatcher_core::database::header::Stale;
use taskwatcher_core::database::read::{self, Counts};
use taskwatcher_core::database::schema::{self, SchemaError, State};
use taskwatcher_core::database::{harden, header};
use taskwatcher_core::record::{Document, FORMAT};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::columns::Columns;
use crate::convert::to_len;

/// A longer value is refused by SQLite: the browser's memory is not the file's to fill.
const LONGEST_VALUE: i32 = 128 << 20;

/// What a database or an export holds.
#[wasm_bindgen]
#[derive(Debug)]
pub struct History {
    source: Source,
    columns: Columns,
    counts: Counts,
    note: Option<String>,
}

#[derive(Debug)]
enum Source {
    Database {
        connection: Connection,
        version: i64,
    },
    Export(Document),
}

#[derive(Serialize)]
struct Info<'a> {
    source: &'static str,
    version: Option<i64>,
    tasks: u32,
    history: u32,
    feedbacks: u32,
    note: Option<&'a str>,
}

#[wasm_bindgen]
impl History {
    /// Takes a document of `taskwatcher export`, `list --json` or `history --json`.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let document = Document::read(json).map_err(|error| {
            refusal(&error.to_string(), "write one with taskwatcher export FILE")
        })?;
        let len = |len: Option<usize>| u32::try_from(len.unwrap_or(0)).unwrap_or(u32::MAX);
        let counts = Counts {
            tasks: len(document.tasks.as_ref().map(Vec::len)),
            history: len(document.history.as_ref().map(Vec::len)),
            feedbacks: len(document.feedbacks.as_ref().map(Vec::len)),
        };
        Ok(Self {
            source: Source::Export(document),
            columns: Columns::default(),
            counts,
            note: None,
        })
    }

    /// What it is and how much there is, as JSON.
    #[must_use]
    pub fn info(&self) -> String {
        let (source, version) = match &self.source {
            Source::Database { version, .. } => ("database", Some(*version)),
            Source::Export(_) => ("export", None),
        };
        let info = Info {
            source,
            version,
            tasks: self.counts.tasks,
            history: self.counts.history,
            feedbacks: self.counts.feedbacks,
            note: self.note.as_deref(),
        };
        serde_json::to_string(&info).unwrap_or_default()
    }

    /// Running and reserved tasks with their stored values, as a JSON document.
    pub fn tasks(&self) -> Result<String, String> {
        let mut document = Document::new();
        match &self.source {
            Source::Database { connection, .. } => {
                document.tasks = Some(read::tasks(connection).map_err(|error| damaged(&error))?);
                let feedbacks = read::feedbacks(connection).map_err(|error| damaged(&error))?;
                document.feedbacks = Some(feedbacks);
            }
            Source::Export(export) => {
                document.tasks.clone_from(&export.tasks);
                document.feedbacks.clone_from(&export.feedbacks);
            }
        }
        Ok(document.to_json())
    }

    /// Loads the next finished tasks into the columns, and says how many are there then.
    pub fn load(&mut self, rows: f64) -> Result<f64, String> {
        let limit = u32::try_from(to_len(rows)).unwrap_or(u32::MAX);
        let Self {
            source, columns, ..
        } = self;
        match source {
            Source::Database { connection, .. } => {
                let after = columns.last_id();
                read::history_after(connection, after, limit, |row| columns.push(&row))
                    .map_err(|error| damaged(&error))?;
            }
            Source::Export(export) => {
                let rows = export.history.iter().flatten();
                let rows = rows.skip(columns.len()).take(limit as usize);
                rows.for_each(|row| columns.push(row));
            }
        }
        Ok(crate::convert::from_count(columns.len() as u64))
    }

    /// A column of numbers of the loaded tasks.
    pub fn numbers(&self, column: &str) -> Result<Vec<f64>, String> {
        let numbers = self.columns.numbers(column);
        numbers.map(<[_]>::to_vec).ok_or_else(|| no_column(column))
    }

    /// A column of texts of the loaded tasks, as places in its words.
    pub fn codes(&self, column: &str) -> Result<Vec<u32>, String> {
        let codes = self.columns.codes(column);
        codes.map(<[_]>::to_vec).ok_or_else(|| no_column(column))
    }

    /// The words of a column of texts, as JSON.
    pub fn words(&self, column: &str) -> Result<String, String> {
        let words = self.columns.words(column);
        let words = words.ok_or_else(|| no_column(column))?;
        Ok(serde_json::to_string(words).unwrap_or_default())
    }

    /// The timelines of some of the loaded tasks.
    #[must_use]
    pub fn timelines(&self, first: f64, count: f64) -> Vec<f64> {
        self.columns.timelines(to_len(first), to_len(count))
    }

    /// Some of the loaded tasks with all that is known of them, as a JSON document.
    pub fn rows(&self, first: f64, count: f64) -> Result<String, String> {
        let (first, count) = (to_len(first), to_len(count));
        let mut rows = Vec::new();
        match &self.source {
            Source::Database { connection, .. } if first < self.columns.len() => {
                let count = count.min(self.columns.len() - first);
                let after = first.checked_sub(1).and_then(|row| self.columns.id(row));
                let limit = u32::try_from(count).unwrap_or(u32::MAX);
                read::history_after(connection, after, limit, |row| rows.push(row))
                    .map_err(|error| damaged(&error))?;
            }
            Source::Database { .. } => {}
            Source::Export(export) => {
                let all = export.history.iter().flatten();
                rows.extend(all.skip(first).take(count).cloned());
            }
        }
        let document = Document {
            history: Some(rows),
            ..Document::new()
        };
        Ok(document.to_json())
    }
}

impl History {
    /// Takes a database that was opened to be read.
    pub fn of(connection: Connection, note: Option<String>) -> Result<Self, String> {
        let failed = |error: rusqlite::Error| damaged(&error);
        harden(&connection).map_err(failed)?;
        connection
            .set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
            .map_err(failed)?;
        let (version, newer) = match schema::inspect(&connection) {
            Ok(State::Version(version)) => (version, None),
            Ok(State::Empty) => {
                return Err(refusal(
                    "this database has no tables",
                    "choose the one that taskwatcher writes, by default taskwatcher.db",
                ));
            }
            // Migrations only ever add, so that all that is known here can be read.
            Err(SchemaError::Newer { found }) => {
                let known = schema::VERSION;
                let text = format!(
                    "the schema of this database is version {found} and this viewer knows versions up \
                     to {known}: what is newer is not shown"
                );
                (found, Some(text))
            }
            Err(SchemaError::Sqlite(error)) => return Err(damaged(&error)),
            Err(error @ SchemaError::Foreign(_)) => {
                return Err(refusal(
                    &error.to_string(),
                    "choose the one that taskwatcher writes, by default taskwatcher.db",
                ));
            }
        };
        let notes: Vec<String> = note.into_iter().chain(newer).collect();
        Ok(Self {
            counts: read::counts(&connection).map_err(failed)?,
            source: Source::Database {
                connection,
                version,
            },
            columns: Columns::default(),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        })
    }
}

/// What is wrong with a file by its first bytes, or what may be missing in it and whether its log, given
/// by its first bytes and its size, is to be used.
pub(crate) fn look(
    head: &[u8],
    log: Option<(&[u8], u64)>,
) -> Result<(Option<String>, bool), String> {
    let header = header::read(head).map_err(|error| {
        refusal(
            &error.to_string(),
            "choose taskwatcher.db, or a file that taskwatcher export wrote",
        )
    })?;
    let stale = header::stale(header, log);
    let usable = log.is_some() && matches!(stale, None | Some(Stale::LogCut));
    Ok((stale.map(|stale| stale.to_string()), usable))
}

fn refusal(found: &str, advice: &str) -> String {
    format!(
        "{found}; supported are databases of taskwatcher 1.7 and {}, and its JSON documents \
         ({FORMAT}); {advice}",
        env!("CARGO_PKG_VERSION")
    )
}

pub(crate) fn damaged(error: &rusqlite::Error) -> String {
    format!(
        "the database cannot be read: {error}; it may be damaged, or was copied while it was written: \
         copy it again together with its -wal file, or write a document with taskwatcher export FILE"
    )
}

fn no_column(name: &str) -> String {
    format!("no column is called '{name}'")
}
