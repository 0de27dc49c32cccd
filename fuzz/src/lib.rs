//! What the fuzz targets check, as plain functions of bytes, so that kept inputs can be replayed
//! without a fuzzer. Each panics if a promise of `taskwatcher-core` is broken.
#![allow(clippy::missing_panics_doc)]

use arbitrary::{Arbitrary, Unstructured};
use rusqlite::Connection;
use rusqlite::types::Value;
use taskwatcher_core::database::read::{self, HistoryFilter};
use taskwatcher_core::database::schema;
use taskwatcher_core::line::{self, Line};
use taskwatcher_core::record::Document;
use taskwatcher_core::{Diagnostic, Reader, Values, writer};

#[allow(dead_code)]
#[path = "../../core/tests/model/mod.rs"]
mod model;
mod trace;

pub use trace::trace;

/// One line: whatever the grammar accepts, the writer can say, and it means the same.
pub fn line(data: &[u8]) {
    let first = data.split(|&byte| byte == b'\n').next().unwrap_or_default();
    match line::parse(first) {
        Ok(Line::Set { key, value }) => {
            assert!(!key.is_empty() && !value.is_empty());
            if let Ok(value) = std::str::from_utf8(value) {
                let written = writer::set(key, value).expect("what was read can be written");
                let again = line::parse(written.trim_end_matches('\n').as_bytes());
                assert_eq!(
                    again,
                    Ok(Line::Set {
                        key,
                        value: value.as_bytes()
                    })
                );
            }
        }
        Ok(Line::Clear { key }) => {
            let written = writer::clear(key).expect("what was read can be written");
            assert_eq!(
                line::parse(written.trim_end_matches('\n').as_bytes()),
                Ok(Line::Clear { key })
            );
        }
        Ok(Line::Blank | Line::Comment | Line::ClearAll) => {}
        Err(malformed) => assert!(malformed.at.len() <= first.len()),
    }
}

/// The reader under any chunking against the plain model: values in order, counts and diagnostics;
/// and going on from stored values is the same as reading on.
pub fn reader(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let sizes: [u8; 8] = input.arbitrary().unwrap_or_default();
    let bytes = input.take_rest();
    let expected = model::read(bytes);
    let mut reader = Reader::new();
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut rest = bytes;
    let mut turn = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = usize::from(*turn.next().expect("a cycle has no end")).clamp(1, rest.len());
        let (piece, after) = rest.split_at(size);
        reader.push(piece, &mut found);
        rest = after;
    }
    let consumed = reader.consumed();
    let stored = Values::from_json(&reader.values().to_json()).expect("values read their own JSON");
    assert_eq!(stored, reader.values());
    reader.end_input(&mut found);
    assert_eq!(reader.counts(), expected.counts);
    assert_eq!(found, expected.diagnostics);
    assert_eq!(reader.values(), expected.values);

    let tail = &bytes[usize::try_from(consumed).expect("an offset in memory")..];
    let mut resumed = Reader::resume(stored);
    resumed.push(tail, &mut ());
    assert_eq!(resumed.finish(&mut ()), expected.values);

    let mut silent = Reader::new();
    silent.push(bytes, &mut ());
    assert_eq!(
        silent.finish(&mut ()),
        expected.values,
        "without anybody to tell problems to"
    );
}

/// Pairs that the writer takes come back from the reader, the last one of a key in the first's place.
pub fn pairs(data: &[u8]) {
    let Ok(pairs) = Vec::<(String, String)>::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    let mut log = String::new();
    let mut kept = Vec::new();
    for (key, value) in pairs {
        if let Ok(line) = writer::set(&key, &value) {
            log.push_str(&line);
            kept.push((key, value));
        }
    }
    let mut reader = Reader::new();
    let mut found: Vec<Diagnostic> = Vec::new();
    reader.push(log.as_bytes(), &mut found);
    assert_eq!(found, []);
    assert_eq!(reader.finish(&mut found), kept.into_iter().collect());
}

/// An export document is refused or read, and what was read is written and read alike.
pub fn export(data: &[u8]) {
    let Ok(document) = Document::read(data) else {
        return;
    };
    let written = document.to_json();
    assert!(
        !written
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')),
        "{written:?}"
    );
    let again = Document::read(written.as_bytes()).expect("a document reads its own JSON");
    assert_eq!(again.to_json(), written);
}

/// Rows of a database with any value of any type in every column become records, and those JSON.
pub fn rows(data: &[u8]) {
    thread_local! {
        static DATABASE: (Connection, Vec<Table>) = database();
    }
    DATABASE.with(|(connection, tables)| {
        let mut input = Unstructured::new(data);
        for table in tables {
            fill(connection, table, &mut input);
        }
        let all = HistoryFilter::default();
        let document = Document {
            tasks: Some(read::tasks(connection).expect("any row is a task")),
            history: Some(read::history(connection, &all).expect("any row is a finished task")),
            feedbacks: Some(read::feedbacks(connection).expect("any row is a feedback")),
            ..Document::new()
        };
        let json = document.to_json();
        let again: Document = serde_json::from_str(&json).expect("records read their own JSON");
        assert_eq!(again.to_json(), json);
    });
}

struct Table {
    width: usize,
    clear: String,
    insert: String,
}

/// The tables with the columns of the schema and no types, so that SQLite converts nothing.
fn database() -> (Connection, Vec<Table>) {
    let mut model = Connection::open_in_memory().expect("a database in memory");
    schema::migrate(&mut model).expect("the schema");
    let connection = Connection::open_in_memory().expect("a database in memory");
    let table = |name: &str| {
        let columns = columns(&model, name);
        let create = format!("CREATE TABLE {name} ({})", columns.join(", "));
        connection.execute_batch(&create).expect("a table");
        let marks = vec!["?"; columns.len()].join(", ");
        Table {
            width: columns.len(),
            clear: format!("DELETE FROM {name}"),
            insert: format!("INSERT INTO {name} VALUES ({marks})"),
        }
    };
    let tables = ["tasks", "feedbacks", "history"].map(table).into();
    (connection, tables)
}

fn columns(model: &Connection, table: &str) -> Vec<String> {
    let mut statement = model
        .prepare("SELECT name FROM pragma_table_info(?1)")
        .expect("a statement");
    let names = statement
        .query_map([table], |row| row.get(0))
        .expect("a query");
    names.collect::<Result<_, _>>().expect("names")
}

/// Replaces a table's rows by up to three others.
fn fill(connection: &Connection, table: &Table, input: &mut Unstructured<'_>) {
    connection
        .execute_batch(&table.clear)
        .expect("an empty table");
    for _ in 0..input.int_in_range(0..=3).unwrap_or(0) {
        let values: Vec<Value> = (0..table.width).map(|_| value(input)).collect();
        connection
            .execute(&table.insert, rusqlite::params_from_iter(values))
            .expect("a row");
    }
}

fn value(input: &mut Unstructured<'_>) -> Value {
    let kind: u8 = input.arbitrary().unwrap_or_default();
    match kind % 5 {
        0 => Value::Null,
        1 => Value::Integer(input.arbitrary().unwrap_or_default()),
        2 => Value::Real(input.arbitrary().unwrap_or_default()),
        3 => Value::Text(input.arbitrary().unwrap_or_default()),
        _ => Value::Blob(input.arbitrary().unwrap_or_default()),
    }
}
