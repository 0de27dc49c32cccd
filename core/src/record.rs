//! The rows of the three tables as records, and the one JSON document that carries them.
//!
//! Field names are the column names (`taskid` for `tasks.id`). Times are unix seconds, durations
//! seconds unless a name says otherwise. A record holds what the row holds: a database may be
//! hostile or older, so that every field but the ids may be absent. A number that its column cannot
//! hold is absent too, be it in a database or in a document.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::json::Json;

/// The `format` member of every document: what its reader has to know.
pub const FORMAT: &str = "taskwatcher/1";

/// What `list --json`, `history --json` and `export` print.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Always [`FORMAT`].
    pub format: String,
    /// Running and reserved tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<Task>>,
    /// Finished tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<History>>,
    /// The stored values of running tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedbacks: Option<Vec<Feedback>>,
}

impl Document {
    /// A document without content.
    #[must_use]
    pub fn new() -> Self {
        Self {
            format: FORMAT.to_owned(),
            tasks: None,
            history: None,
            feedbacks: None,
        }
    }

    /// Reads a document that may come from anybody. A byte order mark before it is skipped.
    pub fn read(json: &[u8]) -> Result<Self, NoDocument> {
        #[derive(Deserialize)]
        struct Rows<'a> {
            format: String,
            #[serde(borrow)]
            tasks: Option<Vec<&'a RawValue>>,
            #[serde(borrow)]
            history: Option<Vec<&'a RawValue>>,
            #[serde(borrow)]
            feedbacks: Option<Vec<&'a RawValue>>,
        }
        let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
        let rows: Rows<'_> = serde_json::from_slice(json).map_err(NoDocument::Text)?;
        if rows.format != FORMAT {
            return Err(NoDocument::Format(rows.format));
        }
        Ok(Self {
            format: rows.format,
            tasks: records("tasks", rows.tasks)?,
            history: records("history", rows.history)?,
            feedbacks: records("feedbacks", rows.feedbacks)?,
        })
    }

    /// The document as one line of JSON that no terminal obeys.
    ///
    /// # Panics
    /// Never: every field of a record is JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        crate::json::harmless(serde_json::to_string(self).expect("records are JSON"))
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

fn records<'a, T: Deserialize<'a>>(
    part: &'static str,
    rows: Option<Vec<&'a RawValue>>,
) -> Result<Option<Vec<T>>, NoDocument> {
    let record = |(at, row): (usize, &'a RawValue)| {
        serde_json::from_str(row.get()).map_err(|error| NoDocument::Row {
            part,
            row: at + 1,
            error,
        })
    };
    rows.map(|rows| rows.into_iter().enumerate().map(record).collect())
        .transpose()
}

/// Why a text is no document.
#[derive(Debug)]
pub enum NoDocument {
    /// It is no JSON, or JSON of something else.
    Text(serde_json::Error),
    /// Its format is another one.
    Format(String),
    /// A row of one of its parts is no record; rows are counted from 1.
    Row {
        /// `tasks`, `history` or `feedbacks`.
        part: &'static str,
        /// Which one of them.
        row: usize,
        /// What is wrong with it, its columns counted within the row.
        error: serde_json::Error,
    },
}

impl fmt::Display for NoDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => write!(f, "this is no JSON document of taskwatcher: {error}"),
            Self::Format(format) => write!(f, "the format of this document is {format:?}"),
            Self::Row { part, row, error } => write!(
                f,
                "row {row} in \"{part}\" of this document is not as taskwatcher writes it: {error}"
            ),
        }
    }
}

impl std::error::Error for NoDocument {}

/// A value that may be absent, and is where it is no `T`.
fn fitting<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).unwrap_or_default())
}

/// Absent is no.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    fitting(deserializer).map(Option::unwrap_or_default)
}

/// A running or reserved task: a row of the tasks table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The task's id, never reused.
    pub taskid: i64,
    /// Its name; several tasks may share one.
    pub name: Option<String>,
    /// Side information of the user's.
    pub info1: Option<String>,
    /// Side information of the user's.
    pub info2: Option<String>,
    /// Side information of the user's.
    pub info3: Option<String>,
    /// The command's process id, on the machine of `host`.
    #[serde(default, deserialize_with = "fitting")]
    pub pid: Option<i64>,
    /// RESERVED, RUNNING, SILENT or STALLED.
    pub status: Option<String>,
    /// Whether the task gives feedback.
    #[serde(default, deserialize_with = "flag")]
    pub feedback: bool,
    /// When the id was given out.
    #[serde(default, deserialize_with = "fitting")]
    pub reservetime: Option<i64>,
    /// When the command was started.
    #[serde(default, deserialize_with = "fitting")]
    pub starttime: Option<i64>,
    /// Seconds since then.
    #[serde(default, deserialize_with = "fitting")]
    pub duration: Option<i64>,
    /// When the last heartbeat came, as far as it was stored.
    #[serde(default, deserialize_with = "fitting")]
    pub lastupdate: Option<i64>,
    /// Seconds without heartbeat after which the task is killed; may have a fraction.
    #[serde(default, deserialize_with = "fitting")]
    pub timeout: Option<Number>,
    /// Seconds since the last heartbeat; no column: whoever reads computes it.
    #[serde(default, deserialize_with = "fitting")]
    pub timer: Option<i64>,
    /// Program and arguments after substitution, an array of strings.
    pub command: Option<Json>,
    /// Working directory of the command.
    pub cwd: Option<String>,
    /// Name of the machine that runs it.
    pub host: Option<String>,
    /// Absolute path of its feedback file.
    pub feedfile: Option<String>,
    /// When the reservation expires; absent: never.
    #[serde(default, deserialize_with = "fitting")]
    pub expires: Option<i64>,
    /// All that a launcher needs to go on with the task, an object.
    pub options: Option<Json>,
    /// Why taskwatcher is ending it, an object; see [`crate::outcome::Ending`].
    pub ending: Option<Json>,
    /// `[unix ms, status]` for every change of status, an array.
    pub timeline: Option<Json>,
    /// Who runs it and where, an object.
    pub identity: Option<Json>,
}

/// A finished task: a row of the history table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The row's own number, in the order of archiving.
    pub id: i64,
    /// The task's id.
    #[serde(default, deserialize_with = "fitting")]
    pub taskid: Option<i64>,
    /// The task's name.
    pub taskname: Option<String>,
    /// Side information of the user's.
    pub info1: Option<String>,
    /// Side information of the user's.
    pub info2: Option<String>,
    /// Side information of the user's.
    pub info3: Option<String>,
    /// The signal that ended the command, by name (`SIGKILL`); in rows of 1.7 a wait status.
    pub termsignal: Option<String>,
    /// Why the task did not succeed, in words; and that its feedback was not read to its end, if so.
    pub termerror: Option<String>,
    /// When the command was started.
    #[serde(default, deserialize_with = "fitting")]
    pub starttime: Option<i64>,
    /// When it ended.
    #[serde(default, deserialize_with = "fitting")]
    pub endtime: Option<i64>,
    /// Seconds between the two, on a clock that does not jump.
    #[serde(default, deserialize_with = "fitting")]
    pub duration: Option<i64>,
    /// The final values, an object of strings.
    pub feedback: Option<Json>,
    /// The command's exit code.
    #[serde(default, deserialize_with = "fitting")]
    pub exitcode: Option<i64>,
    /// The outcome's word; absent in rows of 1.7.
    pub outcome: Option<String>,
    /// Program and arguments after substitution, an array of strings.
    pub command: Option<Json>,
    /// Working directory of the command.
    pub cwd: Option<String>,
    /// Name of the machine that ran it.
    pub host: Option<String>,
    /// Milliseconds from start to end.
    #[serde(default, deserialize_with = "fitting")]
    pub elapsed_ms: Option<i64>,
    /// Milliseconds of processor time in user mode, with its waited-for children.
    #[serde(default, deserialize_with = "fitting")]
    pub user_ms: Option<i64>,
    /// Milliseconds of processor time in the kernel.
    #[serde(default, deserialize_with = "fitting")]
    pub system_ms: Option<i64>,
    /// Largest resident set of one process, KiB.
    #[serde(default, deserialize_with = "fitting")]
    pub maxrss_kb: Option<i64>,
    /// How many processes outlived the command.
    #[serde(default, deserialize_with = "fitting")]
    pub leftovers: Option<i64>,
    /// `[unix ms, status]` for every change of status, an array.
    pub timeline: Option<Json>,
    /// The random mark of the run, unique in the table.
    pub run: Option<String>,
}

/// The stored values of a running task: a row of the feedbacks table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// The task's id.
    pub id: i64,
    /// Its values when they were last stored, an object of strings.
    pub feedback: Option<Json>,
    /// When that was.
    #[serde(default, deserialize_with = "fitting")]
    pub lastupdate: Option<i64>,
    /// How many bytes of the file those values stand for.
    #[serde(default, deserialize_with = "fitting")]
    pub offset: Option<i64>,
    /// The file's inode then.
    #[serde(default, deserialize_with = "fitting")]
    pub inode: Option<i64>,
    /// Of the first and the last 4 KiB before the offset.
    pub fingerprint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_only_what_it_has_and_reads_back() {
        let mut document = Document::new();
        assert_eq!(document.to_json(), "{\"format\":\"taskwatcher/1\"}");
        assert_eq!(document, Document::default());
        document.tasks = Some(vec![Task {
            taskid: 7,
            name: Some("n\u{9b}".to_owned()),
            ..Task::default()
        }]);
        let json = document.to_json();
        assert!(
            json.starts_with(
                "{\"format\":\"taskwatcher/1\",\"tasks\":[{\"taskid\":7,\"name\":\"n\\u009b\""
            ),
            "{json}"
        );
        assert_eq!(Document::read(json.as_bytes()).unwrap(), document);
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
    }

    #[test]
    fn what_a_column_could_not_hold_is_absent_and_refuses_nothing() {
        let json = "\u{feff}{\"tasks\":[{\"taskid\":7,\"timeout\":1e999,\"pid\":1e300,\"starttime\":5,\"feedback\":null}],
            \"history\":[{\"id\":1,\"starttime\":99999999999999999999,\"exitcode\":\"x\",\"endtime\":null}],
            \"format\":\"taskwatcher/1\"}";
        let document = Document::read(json.as_bytes()).unwrap();
        let task = Task {
            taskid: 7,
            starttime: Some(5),
            ..Task::default()
        };
        let finished = History {
            id: 1,
            ..History::default()
        };
        assert_eq!(document.tasks, Some(vec![task]));
        assert_eq!(document.history, Some(vec![finished]));
    }

    #[test]
    fn a_refusal_names_the_part() {
        let refusal = |json: &str| Document::read(json.as_bytes()).unwrap_err().to_string();
        let row = r#"{"format":"taskwatcher/1","history":[{"id":1},{"id":"x"}]}"#;
        assert_eq!(
            refusal(row),
            "row 2 in \"history\" of this document is not as taskwatcher writes it: \
             invalid type: string \"x\", expected i64 at line 1 column 9"
        );
        assert_eq!(
            refusal(r#"{"format":"x/9"}"#),
            "the format of this document is \"x/9\""
        );
        assert!(refusal("[1]").starts_with("this is no JSON document of taskwatcher: "));
    }
}
