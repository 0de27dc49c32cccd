//! What every sample log gives, as snapshots: a change of the grammar shows here first.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use taskwatcher_core::{Diagnostic, Reader};

#[test]
fn samples_give_what_they_gave() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/samples");
    let mut samples: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    samples.sort();
    assert!(samples.len() >= 12, "samples are missing: {samples:?}");
    for path in samples {
        let name = path.file_stem().unwrap().to_str().unwrap();
        insta::assert_snapshot!(name, report(&fs::read(&path).unwrap()));
    }
}

#[test]
fn an_over_long_line_is_refused_whatever_it_is() {
    let filler = "x".repeat(taskwatcher_core::reader::MAX_LINE);
    let log = format!(
        "[longest]{}\n[before]1\n[over]{filler}\n#{filler}\n{}\n[after]2\n[unfinished]{filler}",
        &filler["[longest]".len()..],
        " ".repeat(filler.len() + 1),
    );
    let shown = report(log.as_bytes());
    let fitting = &filler["[longest]".len()..];
    insta::assert_snapshot!("over-long", shown.replace(fitting, "<as long as can be>"));
}

fn report(log: &[u8]) -> String {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut reader = Reader::new();
    reader.push(log, &mut found);
    let complete = reader.values();
    reader.end_input(&mut found);
    let values = reader.values();

    let mut report = String::new();
    if complete != values {
        writeln!(report, "without the half line: {}", complete.to_json()).unwrap();
    }
    writeln!(report, "{}", values.to_json()).unwrap();
    writeln!(report, "{:?}", reader.counts()).unwrap();
    for one in found {
        let (line, column, offset) = (one.line, one.column, one.offset);
        let code = one.kind.code();
        writeln!(report, "{line}:{column} (byte {offset}) {code}: {one}").unwrap();
    }
    report
}
