//! `parse`: the values of a feedback file, and what is wrong in it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use taskwatcher_core::json::harmless;
use taskwatcher_core::{Diagnostic, Reader, Sink, Values};

use crate::error::Error;
use crate::render::output::print;
use crate::render::text::visible;

/// How much is read at a time.
const PIECE: usize = 768 * 1024;

/// Prints the values as JSON; with `check` the problems instead, and exit code 1 if there are any.
pub fn run(path: &Path, check: bool, json: bool) -> Result<u8, Error> {
    let name = path.display().to_string();
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| Error::io(format!("open '{name}'"), &error))?)
    };
    let failed = |error: io::Error| Error::io(format!("read '{name}'"), &error);
    if !check {
        let values = read(input, &mut ()).map_err(failed)?;
        print(&harmless(values.to_json()))?;
        return Ok(0);
    }
    let mut list = List {
        name: &visible(&name),
        json,
        count: 0,
        out: io::stdout().lock(),
        failure: None,
    };
    if json {
        list.write("{\"format\":\"taskwatcher/1\",\"diagnostics\":[");
    }
    read(input, &mut list).map_err(failed)?;
    if json {
        list.write("]}\n");
    }
    list.close()
}

fn read(mut input: impl Read, sink: &mut impl Sink) -> io::Result<Values> {
    let mut reader = Reader::new();
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return Ok(reader.finish(sink)),
            Ok(count) => reader.push(&piece[..count], sink),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Prints problems as they are found, so that a huge file needs no memory for them.
struct List<'a> {
    name: &'a str,
    json: bool,
    count: u64,
    out: io::StdoutLock<'static>,
    failure: Option<io::Error>,
}

impl List<'_> {
    fn write(&mut self, text: &str) {
        if self.failure.is_none() {
            self.failure = self.out.write_all(text.as_bytes()).err();
        }
    }

    fn close(mut self) -> Result<u8, Error> {
        let flushed = self.failure.take().map_or_else(|| self.out.flush(), Err);
        match flushed {
            // Whoever has read enough still wants the answer.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::io("write to standard output", &error))
            }
            _ => Ok(u8::from(self.count > 0)),
        }
    }
}

impl Sink for List<'_> {
    fn diagnostic(&mut self, problem: Diagnostic) {
        let Diagnostic {
            line,
            column,
            offset,
            ..
        } = problem;
        let message = problem.to_string();
        let text = if self.json {
            let separator = if self.count == 0 { "" } else { "," };
            let entry = serde_json::json!({ "line": line, "column": column, "offset": offset, "code": problem.kind.code(), "message": message });
            format!("{separator}{entry}")
        } else {
            format!("{}:{line}:{column}: {message}\n", self.name)
        };
        self.count += 1;
        self.write(&text);
    }
}
