//! Tables made for people: the width of the terminal, local times, durations as `1h02m`.
//!
//! Columns that are empty in every row are left out, and on a narrow terminal long texts wrap. Into
//! a file or a pipe a table is as wide as its content.

use std::io::IsTerminal;
use std::time::Duration;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};
use jiff::tz::TimeZone;
use taskwatcher_core::Values;
use taskwatcher_core::record::{History, Task};
use unicode_width::UnicodeWidthStr;

use super::text::visible;
use super::time::{duration_words, local_time, short_duration};
use crate::sys::clock;

/// Where a table goes.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns of the terminal; `None`: unlimited.
    pub width: Option<u16>,
    /// The zone of the times.
    pub zone: TimeZone,
    /// Unix seconds: times of today need no date.
    pub now: i64,
}

impl Look {
    /// For this process's standard output.
    pub fn of_stdout() -> Self {
        let width = std::io::stdout()
            .is_terminal()
            .then(terminal_size::terminal_size)
            .flatten();
        Self {
            width: width.map(|(width, _)| width.0),
            zone: TimeZone::system(),
            now: clock::unix_seconds(),
        }
    }
}

/// One column: its head, how it behaves when space is short, and its cells.
struct Column<'a, R> {
    head: &'static str,
    kind: Kind,
    cell: Box<dyn Fn(&R) -> String + 'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Never broken.
    Word,
    /// Never broken, to the right.
    Number,
    /// Broken between words, down to this width.
    Text(u16),
}

/// Spaces between columns.
const GAP: u16 = 2;
/// Longer texts are cut: one of them would push all else from the screen, and JSON has it whole.
const LONGEST: usize = 80;

impl<'a, R> Column<'a, R> {
    fn new(head: &'static str, kind: Kind, cell: impl Fn(&R) -> String + 'a) -> Self {
        Self {
            head,
            kind,
            cell: Box::new(cell),
        }
    }

    fn cell(&self, row: &R) -> String {
        let mut cell = (self.cell)(row);
        if let Some((end, _)) = cell.char_indices().nth(LONGEST) {
            cell.truncate(end);
            cell.push('…');
        }
        cell
    }
}

/// The table of running and reserved tasks. `note` tells what their status does not.
pub fn tasks<'a>(look: &'a Look, note: impl Fn(&Task) -> String + 'a) -> Table<'a, Task> {
    Table::of(vec![
        Column::new("TASK", Kind::Number, |task: &Task| task.taskid.to_string()),
        Column::new("NAME", Kind::Text(12), |task: &Task| {
            text(task.name.as_ref())
        }),
        Column::new("STATUS", Kind::Word, |task: &Task| {
            text(task.status.as_ref())
        }),
        Column::new("NOTE", Kind::Text(8), move |task: &Task| {
            visible(&note(task))
        }),
        Column::new("STARTED", Kind::Word, |task: &Task| {
            time(task.starttime, look)
        }),
        Column::new("DURATION", Kind::Number, |task: &Task| {
            duration(task.duration)
        }),
        Column::new("HEARTBEAT", Kind::Number, heartbeat),
        Column::new("TIMEOUT", Kind::Number, timeout),
        Column::new("PID", Kind::Number, |task: &Task| number(task.pid)),
        Column::new("INFO", Kind::Text(8), |task: &Task| {
            infos([&task.info1, &task.info2, &task.info3])
        }),
    ])
}

/// The table of finished tasks.
pub fn history(look: &Look) -> Table<'_, History> {
    Table::of(vec![
        Column::new("TASK", Kind::Number, |row: &History| number(row.taskid)),
        Column::new("NAME", Kind::Text(12), |row: &History| {
            text(row.taskname.as_ref())
        }),
        Column::new("OUTCOME", Kind::Word, |row: &History| {
            text(row.outcome.as_ref())
        }),
        Column::new("EXIT", Kind::Number, exit),
        Column::new("STARTED", Kind::Word, |row: &History| {
            time(row.starttime, look)
        }),
        Column::new("DURATION", Kind::Number, |row: &History| {
            duration(row.duration)
        }),
        Column::new("REASON", Kind::Text(10), reason),
        Column::new("FEEDBACK", Kind::Text(8), feedback),
        Column::new("INFO", Kind::Text(8), |row: &History| {
            infos([&row.info1, &row.info2, &row.info3])
        }),
    ])
}

/// A table, and the columns that found no place on the terminal.
pub struct Drawn {
    /// The table.
    pub table: String,
    /// Heads of the columns that were left out.
    pub left_out: Vec<&'static str>,
}

/// A table that is being filled. It keeps the cells of its rows and nothing else of them.
pub struct Table<'a, R> {
    columns: Vec<Column<'a, R>>,
    rows: Vec<Vec<String>>,
}

impl<'a, R> Table<'a, R> {
    fn of(columns: Vec<Column<'a, R>>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &R) {
        let cells = self.columns.iter().map(|column| column.cell(row));
        self.rows.push(cells.collect());
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Draws it for where it goes.
    pub fn draw(&self, look: &Look) -> Drawn {
        let Self { columns, rows } = self;
        let is_used = |&place: &usize| rows.iter().any(|row| !row[place].is_empty());
        let mut shown: Vec<usize> = (0..columns.len()).filter(is_used).collect();
        let mut left_out = Vec::new();
        let narrowest =
            |&place: &usize| narrowest(&columns[place], rows.iter().map(|row| row[place].as_str()));
        if let Some(width) = look.width {
            // The last columns are the ones that a reader misses least.
            while shown.len() > 1 && shown.iter().map(narrowest).sum::<u16>() > width + GAP {
                left_out.extend(shown.pop().map(|place| columns[place].head));
            }
        }
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        if let Some(width) = look.width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        table.set_header(shown.iter().map(|&place| columns[place].head));
        for row in rows {
            table.add_row(shown.iter().map(|&place| row[place].as_str()));
        }
        for (column, place) in table.column_iter_mut().zip(&shown) {
            column.set_padding((0, if Some(place) == shown.last() { 0 } else { GAP }));
            match columns[*place].kind {
                Kind::Text(_) => {
                    let bound = Width::Fixed(narrowest(place));
                    column.set_constraint(ColumnConstraint::LowerBoundary(bound));
                }
                Kind::Word => drop(column.set_constraint(ColumnConstraint::ContentWidth)),
                Kind::Number => {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        left_out.reverse();
        Drawn {
            table: table.trim_fmt(),
            left_out,
        }
    }
}

/// The least width a column can have, with the gap after it.
fn narrowest<'a, R>(column: &Column<'_, R>, cells: impl Iterator<Item = &'a str>) -> u16 {
    let widest = cells
        .chain([column.head])
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or(0);
    let widest = u16::try_from(widest).unwrap_or(u16::MAX - GAP);
    GAP + match column.kind {
        Kind::Text(narrowest) => widest.min(narrowest),
        Kind::Word | Kind::Number => widest,
    }
}

fn infos(infos: [&Option<String>; 3]) -> String {
    let given = infos.into_iter().flatten().filter(|info| !info.is_empty());
    given
        .map(|info| visible(info))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Only for a task with feedback: the time since its last heartbeat.
fn heartbeat(task: &Task) -> String {
    task.timer.map_or_else(String::new, |seconds| {
        format!("{} ago", short_duration(seconds))
    })
}

fn timeout(task: &Task) -> String {
    let seconds = task.timeout.as_ref().and_then(serde_json::Number::as_f64);
    let length = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    length.map_or_else(String::new, duration_words)
}

/// Why a task ended as it did, where its exit alone does not say it.
fn reason(row: &History) -> String {
    let exit = match (row.exitcode, &row.termsignal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by {signal}"),
        (None, None) => String::new(),
    };
    text(row.termerror.as_ref().filter(|reason| **reason != exit))
}

fn text(text: Option<&String>) -> String {
    text.map_or_else(String::new, |text| visible(text))
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn duration(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, short_duration)
}

fn time(time: Option<i64>, look: &Look) -> String {
    time.map_or_else(String::new, |time| local_time(time, look.now, &look.zone))
}

/// The exit code or the signal; the outcome tells which it is.
fn exit(row: &History) -> String {
    row.exitcode
        .map(|code| code.to_string())
        .or_else(|| row.termsignal.as_deref().map(visible))
        .unwrap_or_default()
}

/// The last value of a key that looks like progress, else how many values there are.
fn feedback(row: &History) -> String {
    let Some(values) = row
        .feedback
        .as_ref()
        .and_then(|json| Values::from_json(json.as_str()).ok())
    else {
        return String::new();
    };
    match (values.get("progress"), values.len()) {
        (_, 0) => String::new(),
        (Some(progress), _) => format!("progress {}", visible(progress)),
        (None, 1) => "1 value".to_owned(),
        (None, count) => format!("{count} values"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_shown_where_the_exit_does_not_say_it() {
        let shown = |exitcode, signal: Option<&str>, error: &str| {
            reason(&History {
                exitcode,
                termsignal: signal.map(str::to_owned),
                termerror: Some(error.to_owned()),
                ..History::default()
            })
        };
        assert_eq!(shown(Some(3), None, "exit code 3"), "");
        assert_eq!(shown(None, Some("SIGSEGV"), "ended by SIGSEGV"), "");
        for reason in [
            "killed by ada",
            "exit code 3; could not be ended and still run: 7",
        ] {
            assert_eq!(shown(Some(3), None, reason), reason);
        }
    }
}
