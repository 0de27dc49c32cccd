//! Rows into records. A database may be older or hostile: a column that is missing or holds
//! another type than documented is an absent field, never an error.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use serde_json::Number;

use super::table::{FEEDBACKS, HISTORY, OWNERS, TASKS, Table};
use crate::json::{Json, Kind};
use crate::record::{Feedback, History, Task};

/// Every row of the tasks table, in the order of ids.
pub fn tasks(connection: &Connection) -> rusqlite::Result<Vec<Task>> {
    collect(connection, &TASKS, "ORDER BY id", &[], task)
}

/// The same with no more than tells whether they still run; what may be long is absent.
pub fn owners(connection: &Connection) -> rusqlite::Result<Vec<Task>> {
    collect(connection, &OWNERS, "ORDER BY id", &[], task)
}

/// The task with this id.
pub fn task_by_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Task>> {
    let found = collect(connection, &TASKS, "WHERE id = ?1", &[&id], task)?;
    Ok(found.into_iter().next())
}

/// Every task of this name, in the order of ids.
pub fn tasks_by_name(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Task>> {
    collect(
        connection,
        &TASKS,
        "WHERE name = ?1 ORDER BY id",
        &[&name],
        task,
    )
}

/// The stored values of every running task, in the order of ids.
pub fn feedbacks(connection: &Connection) -> rusqlite::Result<Vec<Feedback>> {
    collect(connection, &FEEDBACKS, "ORDER BY id", &[], feedback)
}

/// The stored values of one task.
pub fn feedback_by_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Feedback>> {
    let found = collect(connection, &FEEDBACKS, "WHERE id = ?1", &[&id], feedback)?;
    Ok(found.into_iter().next())
}

/// What part of the history is wanted. The default is all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only tasks of this name.
    pub name: Option<String>,
    /// Only this outcome.
    pub outcome: Option<String>,
    /// Only tasks that ended at this time (unix seconds) or later.
    pub since: Option<i64>,
    /// Only rows below this `id`: the page before one that was seen.
    pub before: Option<i64>,
    /// Of those, the newest so many.
    pub limit: Option<u32>,
}

/// Finished tasks, oldest first.
pub fn history(connection: &Connection, filter: &HistoryFilter) -> rusqlite::Result<Vec<History>> {
    let mut found = Vec::new();
    each_of_history(connection, &history_ids(connection, filter)?, |row| {
        found.push(row);
        Ok::<(), rusqlite::Error>(())
    })?;
    Ok(found)
}

/// Which rows the history has of finished tasks, by their `id`, oldest first. It is asked for as
/// `rowid`, which `id` is in every sound history; in a hostile one `id` may be anything.
pub fn history_ids(connection: &Connection, filter: &HistoryFilter) -> rusqlite::Result<Vec<i64>> {
    let (sql, values) = ids_query(filter);
    let mut statement = connection.prepare(&sql)?;
    let ids = statement.query_map(&*values, |row| row.get(0))?;
    let mut ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// The newest first, if only so many are wanted.
fn ids_query(filter: &HistoryFilter) -> (String, Vec<&dyn ToSql>) {
    let mut conditions: Vec<&str> = Vec::new();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    if let Some(name) = &filter.name {
        conditions.push("taskname = ?");
        values.push(name);
    }
    if let Some(outcome) = &filter.outcome {
        conditions.push("outcome = ?");
        values.push(outcome);
    }
    if let Some(since) = &filter.since {
        conditions.push("endtime >= ?");
        values.push(since);
    }
    if let Some(before) = &filter.before {
        conditions.push("id < ?");
        values.push(before);
    }
    let mut sql = "SELECT rowid FROM history".to_owned();
    if !conditions.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&conditions.join(" AND "));
    }
    if let Some(limit) = &filter.limit {
        // To spare itself the sorting of the few that the index finds, SQLite would walk through all.
        let order = filter.since.map_or("rowid", |_| "+rowid");
        sql = format!("{sql} ORDER BY {order} DESC LIMIT ?");
        values.push(limit);
    }
    (sql, values)
}

/// How many finished tasks are read at a time: few, since each may have megabytes of values, and
/// enough that taking and giving back the database's lock costs next to nothing.
const PAGE: usize = 32;

/// These finished tasks one by one, for a history of any length. The database is not held while
/// `take` has one, however long it takes; one that was cleared since is left out. Ends at the first
/// error that `take` returns.
pub fn each_of_history<E: From<rusqlite::Error>>(
    connection: &Connection,
    ids: &[i64],
    mut take: impl FnMut(History) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = HISTORY.select(connection, "WHERE rowid = ?1")?;
    for page in ids.chunks(PAGE) {
        let mut rows = Vec::with_capacity(page.len());
        let held = connection.unchecked_transaction()?;
        for id in page {
            let row = statement.query_row([id], |row| {
                Ok(finished(&Fields {
                    columns: HISTORY.columns,
                    row,
                }))
            });
            rows.extend(row.optional()?);
        }
        held.rollback()?;
        rows.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// At most so many finished tasks behind the row `after`, oldest first: a history in pages.
pub fn history_after(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
    mut take: impl FnMut(History),
) -> rusqlite::Result<()> {
    // No row is before the first; a page may begin with the lowest number there is.
    let (comparison, after) = after.map_or((">=", i64::MIN), |after| (">", after));
    let page = format!("WHERE id {comparison} ?1 ORDER BY id LIMIT ?2");
    each(
        connection,
        &HISTORY,
        &page,
        &[&after, &limit],
        finished,
        |row| {
            take(row);
            Ok(())
        },
    )
}

/// How many rows each table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Running and reserved tasks.
    pub tasks: u32,
    /// Finished tasks.
    pub history: u32,
    /// Stored values of running tasks.
    pub feedbacks: u32,
}

/// Counts all rows.
pub fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let sql = "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM history),
                      (SELECT count(*) FROM feedbacks)";
    connection.query_row(sql, [], |row| {
        Ok(Counts {
            tasks: row.get(0)?,
            history: row.get(1)?,
            feedbacks: row.get(2)?,
        })
    })
}

/// The newest finished task with this task id; 1.7 gave ids out again.
pub fn history_by_taskid(
    connection: &Connection,
    taskid: i64,
) -> rusqlite::Result<Option<History>> {
    let newest = "WHERE taskid = ?1 ORDER BY id DESC LIMIT 1";
    Ok(collect(connection, &HISTORY, newest, &[&taskid], finished)?
        .into_iter()
        .next())
}

fn collect<T>(
    connection: &Connection,
    table: &Table,
    rest: &str,
    values: &[&dyn ToSql],
    record: impl Fn(&Fields<'_>) -> T,
) -> rusqlite::Result<Vec<T>> {
    let mut records = Vec::new();
    each(connection, table, rest, values, record, |record| {
        records.push(record);
        Ok::<(), rusqlite::Error>(())
    })?;
    Ok(records)
}

fn each<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    table: &Table,
    rest: &str,
    values: &[&dyn ToSql],
    record: impl Fn(&Fields<'_>) -> T,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = table.select(connection, rest)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        take(record(&Fields {
            columns: table.columns,
            row,
        }))?;
    }
    Ok(())
}

fn task(row: &Fields<'_>) -> Task {
    Task {
        taskid: row.integer("id").unwrap_or_default(),
        name: row.text("name"),
        info1: row.text("info1"),
        info2: row.text("info2"),
        info3: row.text("info3"),
        pid: row.integer("pid"),
        status: row.text("status"),
        feedback: row.integer("feedback").is_some_and(|flag| flag != 0),
        reservetime: row.integer("reservetime"),
        starttime: row.integer("starttime"),
        duration: row.integer("duration"),
        lastupdate: row.integer("lastupdate"),
        timeout: row.number("timeout"),
        timer: None,
        command: row.json("command", Kind::Array),
        cwd: row.text("cwd"),
        host: row.text("host"),
        feedfile: row.text("feedfile"),
        expires: row.integer("expires"),
        options: row.json("options", Kind::Object),
        ending: row.json("ending", Kind::Object),
        timeline: row.json("timeline", Kind::Array),
        identity: row.json("identity", Kind::Object),
    }
}

fn feedback(row: &Fields<'_>) -> Feedback {
    Feedback {
        id: row.integer("id").unwrap_or_default(),
        feedback: row.json("feedback", Kind::Object),
        lastupdate: row.integer("lastupdate"),
        offset: row.integer("offset"),
        inode: row.integer("inode"),
        fingerprint: row.text("fingerprint"),
    }
}

fn finished(row: &Fields<'_>) -> History {
    History {
        id: row.integer("id").unwrap_or_default(),
        taskid: row.integer("taskid"),
        taskname: row.text("taskname"),
        info1: row.text("info1"),
        info2: row.text("info2"),
        info3: row.text("info3"),
        termsignal: row.text("termsignal"),
        termerror: row.text("termerror"),
        starttime: row.integer("starttime"),
        endtime: row.integer("endtime"),
        duration: row.integer("duration"),
        feedback: row.json("feedback", Kind::Object),
        exitcode: row.integer("exitcode"),
        outcome: row.text("outcome"),
        command: row.json("command", Kind::Array),
        cwd: row.text("cwd"),
        host: row.text("host"),
        elapsed_ms: row.integer("elapsed_ms"),
        user_ms: row.integer("user_ms"),
        system_ms: row.integer("system_ms"),
        maxrss_kb: row.integer("maxrss_kb"),
        leftovers: row.integer("leftovers"),
        timeline: row.json("timeline", Kind::Array),
        run: row.text("run"),
    }
}

/// One row, read leniently.
struct Fields<'a> {
    columns: &'a [&'a str],
    row: &'a Row<'a>,
}

impl Fields<'_> {
    fn value(&self, name: &str) -> ValueRef<'_> {
        self.columns
            .iter()
            .position(|column| *column == name)
            .and_then(|index| self.row.get_ref(index).ok())
            .unwrap_or(ValueRef::Null)
    }

    fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            ValueRef::Integer(integer) => Some(integer),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<Number> {
        match self.value(name) {
            ValueRef::Integer(integer) => Some(integer.into()),
            ValueRef::Real(real) => Number::from_f64(real),
            _ => None,
        }
    }

    /// Text as stored; numbers as text, since 1.7 stored a wait status in a TEXT column.
    fn text(&self, name: &str) -> Option<String> {
        match self.value(name) {
            ValueRef::Null => None,
            ValueRef::Integer(integer) => Some(integer.to_string()),
            ValueRef::Real(real) => Some(real.to_string()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Some(String::from_utf8_lossy(bytes).into_owned())
            }
        }
    }

    fn json(&self, name: &str, kind: Kind) -> Option<Json> {
        match self.value(name) {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                Json::parse(std::str::from_utf8(bytes).ok()?, kind)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::schema;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection
    }

    #[test]
    fn hostile_types_are_absent_fields() {
        let connection = database();
        connection
            .execute_batch(
                "INSERT INTO tasks (id, name, pid, status, feedback, timeout, options, command, timeline)
                 VALUES (1, x'ff41', 'no number', 7, 'x', x'00', '[1]', '{', 9e999);",
            )
            .unwrap();
        let task = task_by_id(&connection, 1).unwrap().unwrap();
        let expected = Task {
            taskid: 1,
            name: Some("\u{fffd}A".to_owned()),
            status: Some("7".to_owned()),
            ..Task::default()
        };
        assert_eq!(task, expected);
    }

    #[test]
    fn a_column_may_have_any_name() {
        let connection = database();
        // A schema as bytes: SQLite itself asks for no UTF-8.
        for (table, id) in [("tasks", 1), ("feedbacks", 1), ("history", 1)] {
            let sql = format!(
                "ALTER TABLE {table} ADD COLUMN \"odd\"; INSERT INTO {table} (id) VALUES ({id})"
            );
            connection.execute_batch(&sql).unwrap();
        }
        connection
            .execute_batch(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = CAST(replace(CAST(sql AS BLOB), CAST('odd' AS BLOB), x'ff6464') AS TEXT)
                 WHERE type = 'table';
                 PRAGMA writable_schema = RESET;",
            )
            .unwrap();
        assert_eq!(tasks(&connection).unwrap().len(), 1);
        assert_eq!(feedbacks(&connection).unwrap().len(), 1);
        assert_eq!(
            history(&connection, &HistoryFilter::default())
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn what_ended_lately_is_found_by_the_index() {
        let connection = database();
        for limit in [None, Some(5)] {
            let filter = HistoryFilter {
                since: Some(20),
                outcome: Some("failed".to_owned()),
                limit,
                ..HistoryFilter::default()
            };
            let (sql, values) = ids_query(&filter);
            let plan = format!("EXPLAIN QUERY PLAN {sql}");
            let mut statement = connection.prepare(&plan).unwrap();
            let steps = statement.query_map(&*values, |row| row.get::<_, String>(3));
            let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
            assert!(steps.concat().contains("history_endtime"), "{steps:?}");
        }
    }

    #[test]
    fn rows_are_read_whole() {
        let connection = database();
        connection
            .execute_batch(
                "INSERT INTO tasks (id, name, status, feedback, timeout, command, options)
                 VALUES (2, 'a', 'RUNNING', 1, 1.5, '[\"x\"]', '{}'), (1, 'b', 'RESERVED', NULL, 8, NULL, NULL);
                 INSERT INTO feedbacks (id, feedback, lastupdate, offset, inode, fingerprint)
                 VALUES (2, '{\"k\":\"v\"}', 10, 5, 7, 'ff');
                 INSERT INTO history (taskid, outcome, run) VALUES (3, 'lost', 'mark');",
            )
            .unwrap();
        let all = tasks(&connection).unwrap();
        assert_eq!(
            all.iter().map(|task| task.taskid).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(all[1].timeout.as_ref().unwrap().to_string(), "1.5");
        assert_eq!(all[0].timeout.as_ref().unwrap().to_string(), "8");
        assert!(all[1].feedback && !all[0].feedback);
        assert_eq!(tasks_by_name(&connection, "a").unwrap(), all[1..]);
        assert_eq!(task_by_id(&connection, 9).unwrap(), None);
        let stored = feedback_by_id(&connection, 2).unwrap().unwrap();
        assert_eq!(
            (stored.offset, stored.inode, stored.lastupdate),
            (Some(5), Some(7), Some(10))
        );
        assert_eq!(feedbacks(&connection).unwrap(), [stored]);
        assert_eq!(
            history_by_taskid(&connection, 3)
                .unwrap()
                .unwrap()
                .run
                .as_deref(),
            Some("mark")
        );
        let ids = history_ids(&connection, &HistoryFilter::default()).unwrap();
        let stopped = each_of_history(&connection, &ids, |_| Err(rusqlite::Error::InvalidQuery));
        assert!(stopped.is_err());
    }

    #[test]
    fn an_older_schema_lacks_fields_only() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE history (id INTEGER PRIMARY KEY, taskid INTEGER, termsignal TEXT, feedback BLOB);
                 INSERT INTO history VALUES (1, 5, 0, 'to be implemented'), (2, 5, 9, '{\"progress\":\"1\"}');",
            )
            .unwrap();
        let rows = history(&connection, &HistoryFilter::default()).unwrap();
        assert_eq!(rows[0].termsignal.as_deref(), Some("0"));
        assert_eq!(rows[0].feedback, None);
        assert_eq!(rows[0].outcome, None);
        assert_eq!(
            rows[1].feedback.as_ref().unwrap().as_str(),
            "{\"progress\":\"1\"}"
        );
        assert_eq!(history_by_taskid(&connection, 5).unwrap().unwrap().id, 2);
    }

    #[test]
    fn pages_follow_each_other() {
        let connection = database();
        connection
            .execute_batch("INSERT INTO history (id) VALUES (-5), (1), (2), (7)")
            .unwrap();
        let page = |after, limit| {
            let mut ids = Vec::new();
            history_after(&connection, after, limit, |row| ids.push(row.id)).unwrap();
            ids
        };
        assert_eq!(page(None, 3), [-5, 1, 2]);
        assert_eq!(page(Some(2), 3), [7]);
        assert!(page(Some(7), 3).is_empty());
        assert_eq!(counts(&connection).unwrap().history, 4);
    }

    #[test]
    fn filters_join_and_the_limit_keeps_the_newest() {
        let connection = database();
        for (name, outcome, end) in [
            ("a", "failed", 10),
            ("b", "failed", 20),
            ("a", "failed", 30),
            ("a", "succeeded", 40),
        ] {
            connection
                .execute(
                    "INSERT INTO history (taskname, outcome, endtime) VALUES (?1, ?2, ?3)",
                    rusqlite::params![name, outcome, end],
                )
                .unwrap();
        }
        let ids = |filter: HistoryFilter| {
            history(&connection, &filter)
                .unwrap()
                .iter()
                .map(|row| row.id)
                .collect::<Vec<_>>()
        };
        let all = HistoryFilter::default;
        assert_eq!(ids(all()), [1, 2, 3, 4]);
        assert_eq!(
            ids(HistoryFilter {
                limit: Some(2),
                ..all()
            }),
            [3, 4]
        );
        assert_eq!(
            ids(HistoryFilter {
                before: Some(3),
                limit: Some(1),
                ..all()
            }),
            [2]
        );
        assert_eq!(
            ids(HistoryFilter {
                name: Some("a".to_owned()),
                outcome: Some("failed".to_owned()),
                ..all()
            }),
            [1, 3]
        );
        assert_eq!(
            ids(HistoryFilter {
                since: Some(20),
                ..all()
            }),
            [2, 3, 4]
        );
    }
}
