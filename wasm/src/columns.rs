//! Finished tasks as columns: what a table of very many rows can be sorted and drawn from.
//!
//! Guarantees: row n of every column is the same task; absent numbers are NaN; a text stands in the
//! words of its column once. Timelines have a limit together, behind which they are empty.

use std::collections::HashMap;

use taskwatcher_core::json::Json;
use taskwatcher_core::record::History;
use taskwatcher_core::status::Status;

/// Points that all timelines together may have.
const MOST_POINTS: usize = 2_000_000;
/// The number of a status that is none of the four.
const OTHER: u8 = 4;

/// The finished tasks that have been loaded.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    ids: Vec<i64>,
    numbers: [Vec<f64>; NUMBERS.len()],
    texts: [Texts; TEXTS.len()],
    /// Where the timeline of each row begins.
    starts: Vec<usize>,
    points: Vec<(i64, u8)>,
}

/// A column of texts.
#[derive(Debug, Default)]
struct Texts {
    codes: Vec<u32>,
    words: Vec<Option<String>>,
    by_word: HashMap<String, u32>,
    /// The code of an absent text.
    absent: Option<u32>,
}

type Number = fn(&History) -> Option<i64>;
type Text = fn(&History) -> Option<&str>;

const NUMBERS: [(&str, Number); 11] = [
    ("id", |row| Some(row.id)),
    ("taskid", |row| row.taskid),
    ("starttime", |row| row.starttime),
    ("endtime", |row| row.endtime),
    ("duration", |row| row.duration),
    ("exitcode", |row| row.exitcode),
    ("elapsed_ms", |row| row.elapsed_ms),
    ("user_ms", |row| row.user_ms),
    ("system_ms", |row| row.system_ms),
    ("maxrss_kb", |row| row.maxrss_kb),
    ("leftovers", |row| row.leftovers),
];

const TEXTS: [(&str, Text); 9] = [
    ("taskname", |row| row.taskname.as_deref()),
    ("outcome", |row| row.outcome.as_deref()),
    ("host", |row| row.host.as_deref()),
    ("termsignal", |row| row.termsignal.as_deref()),
    ("termerror", |row| row.termerror.as_deref()),
    ("command", |row| row.command.as_ref().map(Json::as_str)),
    ("info1", |row| row.info1.as_deref()),
    ("info2", |row| row.info2.as_deref()),
    ("info3", |row| row.info3.as_deref()),
];

impl Columns {
    pub(crate) fn push(&mut self, row: &History) {
        self.ids.push(row.id);
        for (column, (_, number)) in self.numbers.iter_mut().zip(NUMBERS) {
            column.push(number(row).map_or(f64::NAN, from_integer));
        }
        for (column, (_, text)) in self.texts.iter_mut().zip(TEXTS) {
            column.push(text(row));
        }
        self.starts.push(self.points.len());
        let timeline = row.timeline.as_ref();
        let timeline: Option<Vec<(i64, String)>> = timeline.and_then(Json::to);
        let timeline = timeline.unwrap_or_default();
        if self.points.len() + timeline.len() <= MOST_POINTS {
            let points = timeline.iter().map(|(ms, status)| (*ms, number_of(status)));
            self.points.extend(points);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The row's own number in the database.
    pub(crate) fn id(&self, row: usize) -> Option<i64> {
        self.ids.get(row).copied()
    }

    pub(crate) fn last_id(&self) -> Option<i64> {
        self.ids.last().copied()
    }

    pub(crate) fn numbers(&self, name: &str) -> Option<&[f64]> {
        let at = NUMBERS.iter().position(|(known, _)| *known == name)?;
        Some(&self.numbers[at])
    }

    pub(crate) fn codes(&self, name: &str) -> Option<&[u32]> {
        Some(&self.texts(name)?.codes)
    }

    pub(crate) fn words(&self, name: &str) -> Option<&[Option<String>]> {
        Some(&self.texts(name)?.words)
    }

    /// For each row the number of points, then time and status of each.
    pub(crate) fn timelines(&self, first: usize, count: usize) -> Vec<f64> {
        let mut numbers = Vec::new();
        let end = first.saturating_add(count).min(self.len());
        for row in first..end {
            let to = self.starts.get(row + 1).copied();
            let points = &self.points[self.starts[row]..to.unwrap_or(self.points.len())];
            numbers.push(crate::convert::from_count(points.len() as u64));
            for &(ms, status) in points {
                numbers.extend([from_integer(ms), f64::from(status)]);
            }
        }
        numbers
    }

    fn texts(&self, name: &str) -> Option<&Texts> {
        let at = TEXTS.iter().position(|(known, _)| *known == name)?;
        Some(&self.texts[at])
    }
}

impl Texts {
    fn push(&mut self, text: Option<&str>) {
        let known = match text {
            Some(text) => self.by_word.get(text).copied(),
            None => self.absent,
        };
        let code = known.unwrap_or_else(|| self.enter(text));
        self.codes.push(code);
    }

    fn enter(&mut self, text: Option<&str>) -> u32 {
        // There are fewer than 2³² rows.
        #[expect(clippy::cast_possible_truncation)]
        let code = self.words.len() as u32;
        self.words.push(text.map(str::to_owned));
        match text {
            Some(text) => drop(self.by_word.insert(text.to_owned(), code)),
            None => self.absent = Some(code),
        }
        code
    }
}

fn number_of(status: &str) -> u8 {
    match Status::parse(status) {
        Some(Status::Reserved) => 0,
        Some(Status::Running) => 1,
        Some(Status::Silent) => 2,
        Some(Status::Stalled) => 3,
        None => OTHER,
    }
}

/// Exact up to 2⁵³, as all numbers in JavaScript.
fn from_integer(integer: i64) -> f64 {
    #[expect(clippy::cast_precision_loss)]
    let number = integer as f64;
    number
}

#[cfg(test)]
mod tests {
    use taskwatcher_core::json::Kind;

    use super::*;

    #[test]
    fn rows_become_columns() {
        let mut columns = Columns::default();
        columns.push(&History {
            id: 3,
            taskname: Some("a".to_owned()),
            command: Json::parse("[\"a\",\"-b\"]", Kind::Array),
            timeline: Json::parse("[[1000,\"RUNNING\"],[2000,\"STALLED\"]]", Kind::Array),
            ..History::default()
        });
        columns.push(&History {
            id: 4,
            endtime: Some(9),
            timeline: Json::parse("[\"odd\"]", Kind::Array),
            ..History::default()
        });
        columns.push(&History {
            id: 6,
            taskname: Some("a".to_owned()),
            timeline: Json::parse("[[5,\"ENDED\"]]", Kind::Array),
            ..History::default()
        });
        assert_eq!(columns.numbers("id"), Some(&[3.0, 4.0, 6.0][..]));
        assert!(columns.numbers("endtime").unwrap()[0].is_nan());
        assert_eq!(columns.codes("taskname"), Some(&[0, 1, 0][..]));
        assert_eq!(
            columns.words("taskname"),
            Some(&[Some("a".to_owned()), None][..])
        );
        let commands = [Some("[\"a\",\"-b\"]".to_owned()), None];
        assert_eq!(columns.words("command"), Some(&commands[..]));
        assert_eq!(columns.numbers("taskname"), None);
        let timelines = [2.0, 1000.0, 1.0, 2000.0, 3.0, 0.0, 1.0, 5.0, 4.0];
        assert_eq!(columns.timelines(0, usize::MAX), timelines);
        assert_eq!(columns.timelines(2, 1), timelines[6..]);
        assert_eq!(columns.last_id(), Some(6));
    }
}
