//! The rows of the three tables as records, and the one JSON document that carries them.
//!
//! Field names are the column names (`taskid` for `tasks.id`). Times are unix seconds, durations
//! seconds unless a name says otherwise. A record holds what the row holds: a database may be
//! hostile or older, so that every field but the ids may be absent.

use serde::{Deserialize, Serialize};
use serde_json::Number;

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
    pub pid: Option<i64>,
    /// RESERVED, RUNNING, SILENT or STALLED.
    pub status: Option<String>,
    /// Whether the task gives feedback.
    pub feedback: bool,
    /// When the id was given out.
    pub reservetime: Option<i64>,
    /// When the command was started.
    pub starttime: Option<i64>,
    /// Seconds since then.
    pub duration: Option<i64>,
    /// When the last heartbeat came, as far as it was stored.
    pub lastupdate: Option<i64>,
    /// Seconds without heartbeat after which the task is killed; may have a fraction.
    pub timeout: Option<Number>,
    /// Seconds since the last heartbeat; no column: whoever reads computes it.
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
    /// Why the task did not succeed, in words.
    pub termerror: Option<String>,
    /// When the command was started.
    pub starttime: Option<i64>,
    /// When it ended.
    pub endtime: Option<i64>,
    /// Seconds between the two, on a clock that does not jump.
    pub duration: Option<i64>,
    /// The final values, an object of strings.
    pub feedback: Option<Json>,
    /// The command's exit code.
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
    pub elapsed_ms: Option<i64>,
    /// Milliseconds of processor time in user mode, with its waited-for children.
    pub user_ms: Option<i64>,
    /// Milliseconds of processor time in the kernel.
    pub system_ms: Option<i64>,
    /// Largest resident set of one process, KiB.
    pub maxrss_kb: Option<i64>,
    /// How many processes outlived the command.
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
    pub lastupdate: Option<i64>,
    /// How many bytes of the file those values stand for.
    pub offset: Option<i64>,
    /// The file's inode then.
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
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
    }
}
