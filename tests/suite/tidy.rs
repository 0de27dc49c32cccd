//! Conventions as failing tests: what may stand where, so that the parts stay apart.

use std::fs;
use std::path::{Path, PathBuf};

/// The longest file that one sitting can read.
const MOST_LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// Every Rust file of the workspace: path from its root, and text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .expect("a folder of the workspace")
            .flatten()
        {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules"
            {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let path = path.strip_prefix(root()).expect("a path of the workspace");
                found.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    assert!(
        found.len() > 10,
        "the sources were not found: {}",
        found.len()
    );
    found
}

/// Lines that hold one of the words, outside comments and outside the allowed places.
fn offences(words: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        if allowed(&path) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && words.iter().any(|word| holds(code, word)) {
                found.push(format!("{path}:{}: {code}", number + 1));
            }
        }
    }
    found
}

/// True if a word stands in the code, not as the tail of a longer one as `nix` is of `unix`.
fn holds(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(place, _)| !code[..place].ends_with(|before: char| before.is_alphanumeric()))
}

#[track_caller]
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n{}", offences.join("\n"));
}

/// A rule's own words are written apart here, so that this file does not break it.
fn word(parts: [&str; 2]) -> String {
    parts.concat()
}

#[test]
fn unsafe_code_stands_in_sys_only() {
    let words = [
        word(["unsafe", " {"]),
        word(["unsafe", " fn"]),
        word(["unsafe", " impl"]),
    ];
    let allowance = word(["allow(unsafe", "_code"]);
    let expectation = word(["expect(unsafe", "_code"]);
    let words: Vec<&str> = words
        .iter()
        .chain([&allowance, &expectation])
        .map(String::as_str)
        .collect();
    let found = offences(&words, |path| {
        path.starts_with("native/src/sys/")
            || path == "core/src/lanes.rs"
            || path == "wasm/src/lent.rs"
    });
    assert_none(
        "unsafe code belongs in native/src/sys, but for one call in core/src/lanes.rs and in wasm/src/lent.rs",
        &found,
    );
}

#[test]
fn sql_stands_in_the_store_and_in_the_schema_only() {
    let verbs = [
        "SELECT ",
        "INSERT INTO ",
        "DELETE FROM ",
        "UPDATE ",
        "PRAGMA ",
        "CREATE TABLE ",
    ];
    let quoted = |code: &str| {
        verbs
            .iter()
            .any(|verb| code.contains(&format!("\"{verb}")) || code.starts_with(verb))
    };
    let mut found = Vec::new();
    for (path, text) in sources() {
        let at_home = [
            "native/src/store/",
            "core/src/database/",
            "tests/",
            "fuzz/",
            "wasm/tests/",
        ]
        .iter()
        .any(|it| path.starts_with(it));
        if at_home {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if quoted(line.trim_start()) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none(
        "SQL belongs in native/src/store and core/src/database",
        &found,
    );
}

#[test]
fn the_kernel_is_spoken_to_in_sys_only() {
    let words = ["nix::", "libc::", "use nix", "use libc", "rustix"];
    let found = offences(&words, |path| {
        path.starts_with("native/src/sys/") || path.starts_with("tests/")
    });
    assert_none("nix and libc belong in native/src/sys", &found);
}

#[test]
fn the_command_line_is_parsed_in_one_file() {
    let found = offences(&["clap::", "use clap"], |path| {
        path == "native/src/cli.rs" || path.starts_with("tests/")
    });
    assert_none("clap belongs in native/src/cli.rs", &found);
}

#[test]
fn the_process_is_left_in_main_only() {
    let exit = word(["process::", "exit"]);
    let short = word(["exit", "("]);
    let mut found = offences(&[&exit], |path| {
        path == "native/src/main.rs"
            || path.starts_with("native/src/sys/")
            || path.starts_with("tests/")
    });
    found.retain(|line| line.contains(&short));
    assert_none("process::exit belongs in native/src/main.rs", &found);
}

#[test]
fn core_has_no_clock_no_processes_no_terminal() {
    let words = [
        "std::time::Instant",
        "SystemTime",
        "std::process",
        "std::thread",
        "println!(",
    ];
    let found = offences(&words, |path| !path.starts_with("core/src/"));
    assert_none("core is text and rules", &found);
}

#[test]
fn tests_are_never_ignored_and_never_sleep() {
    let ignored = word(["#[ign", "ore"]);
    let sleep = [word(["thread::", "sleep"]), word(["sleep", "_ms("])];
    let found = offences(&[&ignored, &sleep[0], &sleep[1]], |_| false);
    assert_none("a test waits for its event", &found);
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("a file has at most 600 lines", &long);
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|(path, text)| {
            !path.ends_with("build.rs") && !text.trim_start_matches("#!").starts_with("//!")
        })
        .map(|(path, _)| path.clone())
        .collect();
    assert_none("a module header says purpose and guarantees", &silent);
}
