//! The kept inputs of the fuzzers and the samples, replayed without a fuzzer.

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in [
        root.join("corpus").join(target),
        root.join("../tests/samples"),
    ] {
        for entry in fs::read_dir(&folder).expect("a folder of inputs") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                check(&fs::read(&path).expect("an input"));
                count += 1;
            }
        }
    }
    assert!(count > 10, "only {count} inputs for {target}");
}

#[test]
fn line() {
    replay("line", taskwatcher_fuzz::line);
}

#[test]
fn reader() {
    replay("reader", taskwatcher_fuzz::reader);
}

#[test]
fn pairs() {
    replay("pairs", taskwatcher_fuzz::pairs);
}

#[test]
fn export() {
    replay("export", taskwatcher_fuzz::export);
}

#[test]
fn rows() {
    replay("rows", taskwatcher_fuzz::rows);
}

#[test]
fn trace() {
    replay("trace", taskwatcher_fuzz::trace);
}
