//! The database file as a test sees it: rows as they stand, whatever columns there are.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

/// A row: column names and values.
pub type Row = Map<String, Value>;

/// All rows of a query. An error, such as a table that is not there yet, gives no rows.
#[must_use]
pub fn rows(database: &Connection, query: &str) -> Vec<Row> {
    read(database, query).unwrap_or_default()
}

fn read(database: &Connection, query: &str) -> rusqlite::Result<Vec<Row>> {
    let mut statement = database.prepare(query)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let found = statement.query_map([], |row| {
        let mut values = Row::new();
        for (place, name) in names.iter().enumerate() {
            let value = match row.get_ref(place)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) | ValueRef::Blob(text) => {
                    String::from_utf8_lossy(text).into_owned().into()
                }
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    })?;
    found.collect()
}
