//! Tables made for people: the width of the terminal, local times, durations as `1h02m`.
//!
//! Columns that are empty in every row are left out, and on a narrow terminal long texts wrap. Into
//! a file or a pipe a table is as wide as its content.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::tz::TimeZone;
use taskwatcher_core::Values;
use taskwatcher_core::record::{History, Task};

use super::text::visible;
use super::time::{local_time, short_duration};

/// Where a table goes.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns of the terminal; `None`: unlimited.
    pub width: Option<u16>,
    /// The zone of the times.
    pub zone: TimeZone,
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
        }
    }
}

/// One column: its head, whether it holds numbers, and its cells.
struct Column<'a, R> {
    head: &'static str,
    numbers: bool,
    cell: Box<dyn Fn(&R) -> String + 'a>,
}

impl<'a, R> Column<'a, R> {
    fn text(head: &'static str, cell: impl Fn(&R) -> String + 'a) -> Self {
        Self {
            head,
            numbers: false,
            cell: Box::new(cell),
        }
    }

    fn number(head: &'static str, cell: impl Fn(&R) -> String + 'a) -> Self {
        Self {
            head,
            numbers: true,
            cell: Box::new(cell),
        }
    }
}

/// The table of running and reserved tasks. `is_elsewhere` tells those that run where this machine
/// cannot see them.
pub fn tasks(rows: &[Task], look: &Look, is_elsewhere: impl Fn(&Task) -> bool) -> String {
    let columns = [
        Column::number("TASK", |task: &Task| task.taskid.to_string()),
        Column::text("NAME", |task: &Task| text(task.name.as_ref())),
        Column::text("STATUS", |task: &Task| text(task.status.as_ref())),
        Column::number("PID", |task: &Task| number(task.pid)),
        Column::text("STARTED", |task: &Task| time(task.starttime, look)),
        Column::number("DURATION", |task: &Task| duration(task.duration)),
        Column::text("FEEDBACK", |task: &Task| {
            if task.feedback {
                "yes".to_owned()
            } else {
                String::new()
            }
        }),
        Column::number("TIMER", |task: &Task| duration(task.timer)),
        Column::number("TIMEOUT", |task: &Task| {
            task.timeout
                .as_ref()
                .map_or_else(String::new, |timeout| format!("{timeout}s"))
        }),
        Column::text("ELSEWHERE", |task: &Task| {
            if is_elsewhere(task) {
                task.host
                    .as_deref()
                    .map_or_else(|| "unknown".to_owned(), visible)
            } else {
                String::new()
            }
        }),
        Column::text("INFO1", |task: &Task| text(task.info1.as_ref())),
        Column::text("INFO2", |task: &Task| text(task.info2.as_ref())),
        Column::text("INFO3", |task: &Task| text(task.info3.as_ref())),
    ];
    draw(rows, &columns, look)
}

/// The table of finished tasks.
pub fn history(rows: &[History], look: &Look) -> String {
    let columns = [
        Column::number("TASK", |row: &History| number(row.taskid)),
        Column::text("NAME", |row: &History| text(row.taskname.as_ref())),
        Column::text("OUTCOME", |row: &History| text(row.outcome.as_ref())),
        Column::number("EXIT", exit),
        Column::text("STARTED", |row: &History| time(row.starttime, look)),
        Column::number("DURATION", |row: &History| duration(row.duration)),
        Column::text("REASON", |row: &History| text(row.termerror.as_ref())),
        Column::text("FEEDBACK", feedback),
        Column::text("INFO1", |row: &History| text(row.info1.as_ref())),
        Column::text("INFO2", |row: &History| text(row.info2.as_ref())),
        Column::text("INFO3", |row: &History| text(row.info3.as_ref())),
    ];
    draw(rows, &columns, look)
}

fn draw<R>(rows: &[R], columns: &[Column<'_, R>], look: &Look) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| (column.cell)(row)).collect())
        .collect();
    let used: Vec<usize> = (0..columns.len())
        .filter(|&place| cells.iter().any(|row| !row[place].is_empty()))
        .collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table.set_header(used.iter().map(|&place| columns[place].head));
    for row in &cells {
        table.add_row(used.iter().map(|&place| row[place].as_str()));
    }
    for (column, &place) in table.column_iter_mut().zip(&used) {
        column.set_padding((0, 2));
        if columns[place].numbers {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
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
    time.map_or_else(String::new, |time| local_time(time, &look.zone))
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
