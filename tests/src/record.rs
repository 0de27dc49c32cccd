//! What stands in a record of `list` or `history`; a test that asks for something else fails with the
//! whole record.

use serde_json::Value;

/// The id of the task.
#[must_use]
#[track_caller]
pub fn id(record: &Value) -> i64 {
    number(record, "taskid")
}

/// A text.
#[must_use]
#[track_caller]
pub fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field} in {record}"))
}

/// A number.
#[must_use]
#[track_caller]
pub fn number(record: &Value, field: &str) -> i64 {
    record[field]
        .as_i64()
        .unwrap_or_else(|| panic!("no number {field} in {record}"))
}

/// The timeline: unix milliseconds and statuses.
#[must_use]
#[track_caller]
pub fn timeline(record: &Value) -> Vec<(i64, String)> {
    let changes = record["timeline"]
        .as_array()
        .unwrap_or_else(|| panic!("no timeline: {record}"));
    let change = |it: &Value| Some((it[0].as_i64()?, it[1].as_str()?.to_owned()));
    changes
        .iter()
        .map(|it| change(it).unwrap_or_else(|| panic!("no change: {it}")))
        .collect()
}

/// The statuses of the timeline.
#[must_use]
#[track_caller]
pub fn statuses(record: &Value) -> Vec<String> {
    timeline(record)
        .into_iter()
        .map(|(_, status)| status)
        .collect()
}
