//! The JSON document of `list --json`, `history --json` and `export`, written record by record, so
//! that a history of any length needs no memory.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use taskwatcher_core::json::harmless;
use taskwatcher_core::record::FORMAT;

use crate::error::Error;

/// A document that is being written.
pub struct Document<W: Write> {
    out: BufWriter<W>,
}

/// A member of a document that is being written: an array of records.
pub struct Records<'a, W: Write> {
    out: &'a mut BufWriter<W>,
    is_first: bool,
}

impl<W: Write> Document<W> {
    /// Begins a document.
    pub fn begin(out: W) -> Result<Self, Error> {
        let mut out = BufWriter::new(out);
        write!(out, "{{\"format\":\"{FORMAT}\"").map_err(|error| failed(&error))?;
        Ok(Self { out })
    }

    /// Writes one member, `name`, whose records `fill` gives.
    pub fn member(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut Records<'_, W>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        write!(self.out, ",\"{name}\":[").map_err(|error| failed(&error))?;
        fill(&mut Records {
            out: &mut self.out,
            is_first: true,
        })?;
        self.out.write_all(b"]").map_err(|error| failed(&error))
    }

    /// Ends the document.
    pub fn end(mut self) -> Result<(), Error> {
        let ended = self.out.write_all(b"}\n").and_then(|()| self.out.flush());
        ended.map_err(|error| failed(&error))
    }
}

impl<W: Write> Records<'_, W> {
    /// Writes one record.
    pub fn push(&mut self, record: &impl Serialize) -> Result<(), Error> {
        let separator = if self.is_first { "" } else { "," };
        self.is_first = false;
        let json = harmless(serde_json::to_string(record).expect("records are JSON"));
        write!(self.out, "{separator}{json}").map_err(|error| failed(&error))
    }
}

fn failed(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::ClosedPipe,
        _ => Error::io("write the JSON", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwatcher_core::record::{Document as Whole, History, Task};

    #[test]
    fn what_is_written_piece_by_piece_is_the_whole() {
        let tasks = vec![
            Task {
                taskid: 1,
                ..Task::default()
            },
            Task {
                taskid: 2,
                ..Task::default()
            },
        ];
        let mut bytes = Vec::new();
        let mut document = Document::begin(&mut bytes).unwrap();
        document
            .member("tasks", |records| {
                tasks.iter().try_for_each(|task| records.push(task))
            })
            .unwrap();
        document.member("history", |_| Ok(())).unwrap();
        document.end().unwrap();
        let whole = Whole {
            tasks: Some(tasks),
            history: Some(Vec::<History>::new()),
            ..Whole::new()
        };
        assert_eq!(String::from_utf8(bytes).unwrap(), whole.to_json() + "\n");
    }
}
