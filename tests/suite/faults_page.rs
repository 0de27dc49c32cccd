//! The page docs/promises.md and this suite stay together: each test that it names exists, and each
//! test of this suite is named there.

use std::fs;
use std::path::Path;

/// The tests of a module of either suite.
fn tests_of(module: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("suite/{module}.rs"));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("the page names {module}, but {}: {error}", path.display()));
    let names = text.split("#[test]\nfn ").skip(1);
    names
        .filter_map(|rest| Some(rest.split_once('(')?.0.to_owned()))
        .collect()
}

#[test]
fn the_page_of_promises_names_every_test_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(folder.join("../docs/promises.md")).expect("the page");
    let words: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    for word in &words {
        if let Some((module, test)) = word.split_once("::").filter(|it| it.0 != "module") {
            let tests = tests_of(module);
            assert!(tests.iter().any(|name| name == test), "no test {word}");
        }
    }
    let mut missing = Vec::new();
    for entry in fs::read_dir(folder.join("suite"))
        .expect("the suite")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(module) = name
            .strip_suffix(".rs")
            .filter(|it| it.starts_with("faults_"))
        else {
            continue;
        };
        // A module may be named as a whole.
        if module == "faults_page" || words.contains(&module) {
            continue;
        }
        let tests = tests_of(module).into_iter();
        missing.extend(
            tests
                .map(|test| format!("{module}::{test}"))
                .filter(|test| !words.contains(&test.as_str())),
        );
    }
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
}
