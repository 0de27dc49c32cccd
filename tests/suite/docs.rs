//! Documentation that stays true: what it names exists, and what it shows can be run.

use std::fs;
use std::path::Path;

use taskwatcher_tests::Lab;

use crate::lab;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Markdown page that a reader is led to.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let mut found = Vec::new();
    for folder in [root.to_owned(), root.join("docs"), root.join("doc")] {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|it| it == "md") {
                let name = path
                    .strip_prefix(root)
                    .expect("a path")
                    .display()
                    .to_string();
                found.push((name, fs::read_to_string(&path).expect("a page")));
            }
        }
    }
    found
}

/// The options that a command's help lists.
fn options(lab: &Lab, command: &[&str]) -> Vec<String> {
    let help = lab.run(command.iter().chain(&["--help"])).success();
    help.split(|it: char| it.is_whitespace() || "[],=<>.:;".contains(it))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// The command lines of `taskwatcher` in a page's code blocks.
fn shown_lines(page: &str) -> Vec<Vec<String>> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
            continue;
        }
        let line = line.trim_start().trim_start_matches("$ ");
        if inside && line.starts_with("taskwatcher ") && !line.contains("…") {
            let words = line.split_whitespace().skip(1);
            found.push(
                words
                    .take_while(|word| *word != "#")
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    found
}

#[test]
fn every_option_that_a_page_shows_exists() {
    let lab = lab();
    let general = options(&lab, &[]);
    let commands = lab.run(["--help"]).success();
    for (name, page) in pages() {
        for line in shown_lines(&page) {
            let mut words = line.iter().map(String::as_str);
            let mut verb = words.next().unwrap_or_default();
            if verb == "--db" {
                verb = words.nth(1).unwrap_or_default();
            }
            if verb.starts_with('-') {
                continue;
            }
            assert!(
                commands.contains(verb),
                "{name} shows a command that is not there: {line:?}"
            );
            let known = options(&lab, &[verb]);
            for word in words.take_while(|word| *word != "--") {
                let word = word.split('=').next().unwrap_or_default();
                let option = word.trim_matches(|it: char| "[]()\"'".contains(it));
                if option.starts_with("--") {
                    assert!(
                        known.iter().chain(&general).any(|it| it == option),
                        "{name} shows {option}, which {verb} does not have: {line:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_readme_names_every_command() {
    let readme = read("README.md");
    for command in [
        "reserve", "launch", "list", "feedback", "history", "clear", "kill", "killall", "update",
        "parse",
    ] {
        assert!(
            readme.contains(command),
            "README.md does not name {command}"
        );
    }
    assert!(readme.contains("tests/run"), "the test command");
}

#[test]
fn every_command_of_the_original_is_mapped() {
    let pages: String = pages().into_iter().map(|(_, text)| text).collect();
    for command in [
        "--reserve",
        "--unique",
        "--taskname",
        "--killall",
        "--kill",
        "--initialize",
        "--update",
        "--human",
        "--clear",
        "launch.py",
        "control.py",
        "parse.py",
    ] {
        assert!(
            pages.contains(command),
            "no page says what becomes of 1.7's {command}"
        );
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    for (name, page) in pages() {
        let folder = root.join(&name).parent().expect("a folder").to_owned();
        for piece in page.split("](").skip(1) {
            let target = piece.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !target.contains("://") {
                assert!(folder.join(file).exists(), "{name} links to {target}");
            }
        }
    }
}

#[test]
fn the_change_log_knows_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let log = read("CHANGELOG.md");
    assert!(
        log.contains(version) || log.contains("Unreleased"),
        "CHANGELOG.md: {version}"
    );
}
