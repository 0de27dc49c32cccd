//! Which columns are read of each table, and how they are asked for.

use rusqlite::{Connection, Statement};

/// A table, and those of its columns that are read.
pub(super) struct Table {
    /// Its name.
    pub name: &'static str,
    /// What is read of it, in this order.
    pub columns: &'static [&'static str],
}

pub(super) const TASKS: Table = Table {
    name: "tasks",
    columns: &[
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
        "command",
        "cwd",
        "host",
        "feedfile",
        "expires",
        "options",
        "ending",
        "timeline",
        "identity",
    ],
};

/// No more of a task than tells whether it still runs.
pub(super) const OWNERS: Table = Table {
    name: "tasks",
    columns: &[
        "id",
        "pid",
        "status",
        "starttime",
        "lastupdate",
        "options",
        "ending",
        "identity",
    ],
};

pub(super) const FEEDBACKS: Table = Table {
    name: "feedbacks",
    columns: &[
        "id",
        "feedback",
        "lastupdate",
        "offset",
        "inode",
        "fingerprint",
    ],
};

pub(super) const HISTORY: Table = Table {
    name: "history",
    columns: &[
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
        "exitcode",
        "outcome",
        "command",
        "cwd",
        "host",
        "elapsed_ms",
        "user_ms",
        "system_ms",
        "maxrss_kb",
        "leftovers",
        "timeline",
        "run",
    ],
};

impl Table {
    /// Selects the columns in their order; one that the table does not have is null. Only names of ours
    /// are asked for: a table may have others, of any bytes.
    pub fn select<'a>(
        &self,
        connection: &'a Connection,
        rest: &str,
    ) -> rusqlite::Result<Statement<'a>> {
        let select = |columns: &[String]| {
            let columns = columns.join(", ");
            connection.prepare(&format!("SELECT {columns} FROM {} {rest}", self.name))
        };
        // Brackets: SQLite takes a name in double quotes that is no column for a text.
        let quoted = |column: &&str| format!("[{column}]");
        let all: Vec<String> = self.columns.iter().map(quoted).collect();
        select(&all).or_else(|_| {
            let mut has = connection
                .prepare("SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE")?;
            let mut present = Vec::with_capacity(self.columns.len());
            for column in self.columns {
                let is_there = has.exists([self.name, column])?;
                present.push(if is_there {
                    quoted(column)
                } else {
                    "NULL".to_owned()
                });
            }
            select(&present)
        })
    }
}
