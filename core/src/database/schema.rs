//! The schema and its numbered migrations.
//!
//! A database written by the original 1.7 has version 0 and the three tables; migrations only ever
//! add to it, so that 1.7 can go on reading the tables and a launcher that is still running can
//! finish its task under a newer schema.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

/// The schema version this code writes (`PRAGMA user_version`).
pub const VERSION: i64 = 1;

/// `MIGRATIONS[n]` leads from version n to n + 1; the last one to [`VERSION`].
const MIGRATIONS: [&str; 1] = [
    // The first three statements are the schema of 1.7 and do nothing on a database of 1.7.
    "
    CREATE TABLE IF NOT EXISTS tasks (
        id INTEGER PRIMARY KEY, name TEXT, info1 TEXT, info2 TEXT, info3 TEXT, pid INTEGER,
        status TEXT, feedback INTEGER, reservetime INTEGER, starttime INTEGER, duration INTEGER,
        lastupdate INTEGER, timeout INTEGER);
    CREATE TABLE IF NOT EXISTS feedbacks (
        id INTEGER PRIMARY KEY, feedback BLOB, lastupdate INTEGER);
    CREATE TABLE IF NOT EXISTS history (
        id INTEGER PRIMARY KEY, taskid INTEGER, taskname TEXT, info1 TEXT, info2 TEXT, info3 TEXT,
        termsignal TEXT, termerror TEXT, starttime INTEGER, endtime INTEGER, duration INTEGER,
        feedback BLOB);

    ALTER TABLE tasks ADD COLUMN command TEXT;
    ALTER TABLE tasks ADD COLUMN cwd TEXT;
    ALTER TABLE tasks ADD COLUMN host TEXT;
    ALTER TABLE tasks ADD COLUMN feedfile BLOB;
    ALTER TABLE tasks ADD COLUMN expires INTEGER;
    ALTER TABLE tasks ADD COLUMN options TEXT;
    ALTER TABLE tasks ADD COLUMN ending TEXT;
    ALTER TABLE tasks ADD COLUMN timeline TEXT;
    ALTER TABLE tasks ADD COLUMN identity TEXT;

    ALTER TABLE feedbacks ADD COLUMN offset INTEGER;
    ALTER TABLE feedbacks ADD COLUMN inode INTEGER;
    ALTER TABLE feedbacks ADD COLUMN fingerprint TEXT;

    ALTER TABLE history ADD COLUMN exitcode INTEGER;
    ALTER TABLE history ADD COLUMN outcome TEXT;
    ALTER TABLE history ADD COLUMN command TEXT;
    ALTER TABLE history ADD COLUMN cwd TEXT;
    ALTER TABLE history ADD COLUMN host TEXT;
    ALTER TABLE history ADD COLUMN elapsed_ms INTEGER;
    ALTER TABLE history ADD COLUMN user_ms INTEGER;
    ALTER TABLE history ADD COLUMN system_ms INTEGER;
    ALTER TABLE history ADD COLUMN maxrss_kb INTEGER;
    ALTER TABLE history ADD COLUMN leftovers INTEGER;
    ALTER TABLE history ADD COLUMN timeline TEXT;
    ALTER TABLE history ADD COLUMN run TEXT;

    CREATE INDEX history_taskid ON history (taskid);
    CREATE INDEX history_endtime ON history (endtime);
    -- What makes sure that a run is archived once, even if its task row has been lost.
    CREATE UNIQUE INDEX history_run ON history (run);

    -- Feedback files of archived tasks that are still to be deleted.
    CREATE TABLE removals (taskid INTEGER PRIMARY KEY, feedfile BLOB, before TEXT);

    -- Its AUTOINCREMENT counter gives out the ids, above every id seen so far.
    CREATE TABLE taskids (id INTEGER PRIMARY KEY AUTOINCREMENT);
    INSERT INTO taskids (id) SELECT max(id) FROM (
        SELECT max(id) AS id FROM tasks UNION ALL
        SELECT max(id) FROM feedbacks UNION ALL
        SELECT max(taskid) FROM history WHERE typeof(taskid) = 'integer' UNION ALL
        SELECT 0);
    DELETE FROM taskids;
    ",
];

/// The tables and columns of 1.7: what a database must have to be one of ours.
const BASELINE: [(&str, &[&str]); 3] = [
    (
        "tasks",
        &[
            "id",
            "name",
            "info1",
            "info2",
            "info3",
            "pid",
            "status",
            "feedback",
            "reservetime",
            "starttime",
            "duration",
            "lastupdate",
            "timeout",
        ],
    ),
    ("feedbacks", &["id", "feedback", "lastupdate"]),
    (
        "history",
        &[
            "id",
            "taskid",
            "taskname",
            "info1",
            "info2",
            "info3",
            "termsignal",
            "termerror",
            "starttime",
            "endtime",
            "duration",
            "feedback",
        ],
    ),
];

/// Why a database cannot be used.
#[derive(Debug)]
pub enum SchemaError {
    /// A sound SQLite file, but not one of taskwatcher; the text says what is missing.
    Foreign(String),
    /// Written by a newer version of this program.
    Newer {
        /// The version found in the file.
        found: i64,
    },
    /// SQLite's own word.
    Sqlite(rusqlite::Error),
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(what) => write!(f, "it is not a taskwatcher database: {what}"),
            Self::Newer { found } => write!(
                f,
                "its schema version is {found}, and this program knows versions up to {VERSION}; use a newer taskwatcher"
            ),
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SchemaError {}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What a database is, before anything is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No schema at all: a new file.
    Empty,
    /// Ours at this version; 0 is the original 1.7.
    Version(i64),
}

/// Looks at a database without changing it.
///
/// # Errors
/// [`SchemaError::Foreign`] if it has a schema that is not ours, [`SchemaError::Newer`] if its
/// version is above [`VERSION`].
pub fn inspect(connection: &Connection) -> Result<State, SchemaError> {
    // Every command comes by here, nearly always with a database of this version.
    let (objects, ours): (i64, i64) = connection.query_row(
        "SELECT count(*), coalesce(sum(type = 'table' AND
             name IN ('tasks', 'feedbacks', 'history', 'taskids', 'removals')), 0) FROM sqlite_schema",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if objects == 0 {
        return Ok(State::Empty);
    }
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == VERSION && ours == 5 {
        return Ok(State::Version(VERSION));
    }
    for (table, columns) in BASELINE {
        check_table(connection, table, columns)?;
    }
    if found > VERSION {
        return Err(SchemaError::Newer { found });
    }
    if found < 0 {
        return Err(SchemaError::Foreign(format!("its user_version is {found}")));
    }
    Ok(State::Version(found))
}

/// Brings a database that [`inspect`] accepted to the present version. Callers race for the same
/// lock, so the state is read again inside the transaction.
pub fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = match inspect(&transaction)? {
        State::Empty => 0,
        State::Version(version) => version,
    };
    apply(&transaction, from)?;
    transaction.commit()?;
    Ok(())
}

fn apply(transaction: &Transaction<'_>, from: i64) -> Result<(), rusqlite::Error> {
    for (migration, version) in MIGRATIONS.iter().zip(1..) {
        if version > from {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", version)?;
        }
    }
    Ok(())
}

fn check_table(connection: &Connection, table: &str, columns: &[&str]) -> Result<(), SchemaError> {
    let kind: Option<String> = connection
        .query_row(
            "SELECT type FROM sqlite_schema WHERE name = ?1",
            [table],
            |row| row.get(0),
        )
        .optional()?;
    match kind.as_deref() {
        Some("table") => {}
        Some(other) => {
            return Err(SchemaError::Foreign(format!(
                "its '{table}' is a {other}, no table"
            )));
        }
        None => return Err(SchemaError::Foreign(format!("it has no table '{table}'"))),
    }
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let present = statement
        .query_map([table], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    match columns
        .iter()
        .find(|column| !present.iter().any(|name| name == *column))
    {
        None => Ok(()),
        Some(column) => Err(SchemaError::Foreign(format!(
            "its table '{table}' has no column '{column}'"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let baseline = MIGRATIONS[0].split("ALTER TABLE").next().unwrap();
        connection.execute_batch(baseline).unwrap();
        connection
    }

    fn next_id(connection: &Connection) -> i64 {
        connection
            .query_row(
                "INSERT INTO taskids DEFAULT VALUES RETURNING id",
                [],
                |row| row.get(0),
            )
            .unwrap()
    }

    #[test]
    fn a_new_file_gets_the_present_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(inspect(&connection).unwrap(), State::Empty);
        migrate(&mut connection).unwrap();
        assert_eq!(inspect(&connection).unwrap(), State::Version(VERSION));
        migrate(&mut connection).unwrap();
        assert_eq!(next_id(&connection), 1);
    }

    #[test]
    fn a_database_of_the_original_keeps_its_rows_and_its_ids() {
        let mut connection = original();
        connection
            .execute_batch(
                "INSERT INTO tasks (id, name, status) VALUES (3, 'old', 'RUNNING');
                 INSERT INTO history (taskid, taskname) VALUES (41, 'older'), ('x', 'odd');",
            )
            .unwrap();
        assert_eq!(inspect(&connection).unwrap(), State::Version(0));
        migrate(&mut connection).unwrap();
        assert_eq!(next_id(&connection), 42);
        let names: i64 = connection
            .query_row(
                "SELECT count(*) FROM history WHERE outcome IS NULL",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(names, 2);
    }

    #[test]
    fn other_databases_are_refused_and_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE bookmarks (id)")
            .unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is not a taskwatcher database: it has no table 'tasks'"
        );
        let mut connection = original();
        connection
            .execute_batch("DROP TABLE history; CREATE VIEW history AS SELECT 1 AS id")
            .unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is not a taskwatcher database: its 'history' is a view, no table"
        );
        let mut connection = original();
        connection
            .execute_batch("ALTER TABLE history DROP COLUMN endtime")
            .unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("its table 'history' has no column 'endtime'"),
            "{error}"
        );
    }

    #[test]
    fn a_version_that_no_migration_wrote_is_foreign() {
        let mut connection = original();
        connection.pragma_update(None, "user_version", -1).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is not a taskwatcher database: its user_version is -1"
        );
        connection.pragma_update(None, "user_version", 9).unwrap();
        let error = migrate(&mut connection).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("its schema version is 9, and this program knows")
        );
        drop(connection.execute_batch("PRAGMA user_version = 0; BEGIN"));
        let error = migrate(&mut connection).unwrap_err();
        assert!(matches!(error, SchemaError::Sqlite(_)), "{error}");
    }

    #[test]
    fn the_version_counts_the_migrations() {
        assert_eq!(i64::try_from(MIGRATIONS.len()), Ok(VERSION));
    }

    #[test]
    fn a_newer_schema_is_named() {
        let mut connection = original();
        connection
            .pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        assert!(
            matches!(migrate(&mut connection), Err(SchemaError::Newer { found }) if found == VERSION + 1)
        );
    }
}
