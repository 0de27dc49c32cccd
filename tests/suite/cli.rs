//! The command line as people meet it: help, errors, tables, terminals and pipes.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::pipe;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use taskwatcher_tests::process::{is_stopped, wait_until};
use taskwatcher_tests::{Lab, Process, Signal, Terminal, rows};

use crate::{id, lab, text};

/// Snapshots without what differs from run to run.
fn settings(lab: &Lab) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots");
    settings.add_filter(&regex_escaped(lab.folder()), "[LAB]");
    settings.add_filter("taskwatcher-under-test", "taskwatcher");
    settings.add_filter(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S*", "[TIME]");
    settings.add_filter(r"\b\d\d:\d\d:\d\d\b", "[TIME]");
    // The time since the last heartbeat, which is whatever it is.
    settings.add_filter(r"\ds ago", "0s ago");
    settings
}

fn regex_escaped(path: &Path) -> String {
    path.display().to_string().replace('.', r"\.")
}

const COMMANDS: [&str; 12] = [
    "initialize",
    "reserve",
    "launch",
    "list",
    "feedback",
    "history",
    "clear",
    "kill",
    "killall",
    "update",
    "parse",
    "export",
];

#[test]
fn help_of_every_command() {
    let lab = lab();
    let settings = settings(&lab);
    settings.bind(|| {
        insta::assert_snapshot!("help", lab.run(["--help"]).success());
        for command in COMMANDS {
            let help = lab.run([command, "--help"]).success();
            insta::assert_snapshot!(format!("help-{command}"), help);
        }
    });
    assert!(!lab.database_file().exists(), "help needs no database");
}

#[test]
fn version_is_the_packages() {
    let lab = lab();
    let printed = lab.run(["--version"]).success();
    assert_eq!(
        printed,
        format!("taskwatcher {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn usage_errors_are_one_line_and_2() {
    let lab = lab();
    let mut lines = String::new();
    for line in [
        &["frobnicate"][..],
        &["list", "--no-such-option"],
        &["list", "surplus"],
        &["reserve", "--ttl", "x"],
        &["reserve", "--ttl", "-3"],
        &["reserve", "--name"],
        &["history", "--limit", "-1"],
        &["kill", "1x"],
        &["parse"],
        &["--db"],
        &[],
    ] {
        let error = lab.run(line).failure(2);
        writeln!(lines, "$ taskwatcher {}\n{error}", line.join(" ")).expect("a string");
    }
    settings(&lab).bind(|| insta::assert_snapshot!("usage-errors", lines));
    assert!(
        !lab.database_file().exists(),
        "a usage error makes no database"
    );
}

#[test]
fn errors_say_what_was_wrong_and_what_to_do() {
    let lab = lab();
    lab.run(["initialize"]).done();
    let mut lines = String::new();
    let reserved = lab.reserve(&["--name", "n"]).to_string();
    for (line, code) in [
        (&["kill", "999"][..], 3),
        (&["feedback", "999"], 3),
        (&["reserve", "--unique", "--name", "n"], 1),
        (&["initialize"], 1),
        (&["feedback", &reserved], 1),
        (&["launch", "--taskid", "999", "--", "true"], 125),
        (&["launch", "--unique", "--name", "n", "--", "true"], 125),
        (&["launch", "--", "no-such-command"], 127),
        (&["launch", "--", "/"], 126),
        (&["launch", "--", "true", "--feedback", "f.log"], 125),
        (
            &[
                "launch",
                "--feedback",
                "--feedpath",
                "/proc/no",
                "--",
                "true",
            ],
            125,
        ),
        (&["launch", "--output", "/proc/no", "--", "true"], 125),
        (&["launch", "--max-time", "long", "--", "true"], 125),
        (&["launch", "--leftovers", "sell", "--", "true"], 125),
        (&["parse", "/no/such/file"], 1),
        (&["--db", "/proc/no/tasks.db", "list"], 4),
        (&["--db", "/proc/no/tasks.db", "launch", "--", "true"], 125),
    ] {
        let error = lab.run(line).failure(code);
        writeln!(lines, "$ taskwatcher {}\n{error}", line.join(" ")).expect("a string");
    }
    settings(&lab).bind(|| insta::assert_snapshot!("errors", lines));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let lab = lab();
    for _ in 0..3 {
        let _ = lab.run(["launch", "--", "true"]).success();
    }
    let _ = lab.reserve(&["--name", "n"]);
    fs::write(lab.path("f.log"), "[a]1\nbad\n").expect("a file");
    for line in [
        &["history"][..],
        &["history", "--json"],
        &["list"],
        &["list", "--json"],
        &["--help"],
        &["parse", "f.log"],
        &["parse", "--check", "f.log"],
        &["reserve"],
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let mut command = lab.command(line);
        let child = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let output = child.wait_with_output().expect("its end");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line:?}");
        let checked = line.contains(&"--check");
        assert_eq!(output.status.code(), Some(i32::from(checked)), "{line:?}");
    }
    assert_eq!(lab.list().len(), 1, "an id that nobody was told");
}

#[test]
fn what_cannot_be_printed_is_no_success() {
    let lab = lab();
    for line in [
        &["--help"][..],
        &["--version"],
        &["reserve"],
        &["list", "--json"],
    ] {
        let mut command = lab.command(line);
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("a full device");
        let output = command.stdout(full).output().expect("a process");
        assert_eq!(output.status.code(), Some(1), "{line:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = error.starts_with("taskwatcher: cannot write")
            && error.contains(": no space left on device; make room");
        assert!(said, "{line:?}: {error}");
    }
    assert!(lab.list().is_empty(), "an id that nobody was told");
}

#[test]
fn tables_are_made_for_people() {
    let lab = lab();
    lab.initialize();
    assert_eq!(lab.run(["list"]).code(), 0);
    let (launcher, mut puppet) = lab.launch(
        &[
            "--name",
            "upgrade",
            "--info1",
            "fw 7.2",
            "--feedback",
            "--timeout",
            "1h",
        ],
        "p",
        &[],
    );
    puppet.say("[progress]12");
    let _ = lab.reserve(&["--name", "waiting"]);
    // Known times make known durations.
    lab.edit("UPDATE tasks SET starttime = starttime - 3720, pid = 4242 WHERE status = 'RUNNING'");
    let list = lab.run(["list"]).success();
    assert!(list.contains("1h02m"), "{list}");
    assert!(list.contains("4242"), "{list}");
    puppet.exit(0);
    let _ = launcher.wait();
    let _ = lab
        .run(["launch", "--name", "broken", "--", "sh", "-c", "exit 3"])
        .code();
    lab.edit(
        "UPDATE history SET starttime = 1600000000, endtime = 1600003720, duration = 3720,
         elapsed_ms = 3720000",
    );
    let history = lab.run(["history"]).success();
    assert!(history.contains("1h02m"), "{history}");
    settings(&lab).bind(|| {
        insta::assert_snapshot!("table-list", list);
        insta::assert_snapshot!("table-history", history);
    });
}

#[test]
fn the_list_tells_what_a_status_does_not() {
    let lab = lab();
    let note = || {
        let list = lab.run(["list"]).success();
        let (head, row) = list.split_once('\n').expect("a row");
        let place = head.find("NOTE")?;
        let end = head.find("STARTED").expect("a column");
        Some(row[place..end].trim().to_owned())
    };
    let options = ["--grace", "1h", "--leftovers", "wait"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    assert_eq!(note(), None);
    let pid = puppet.pid();
    puppet.send("stop");
    wait_until(pid, is_stopped);
    assert_eq!(note().as_deref(), Some("stopped"));
    Process::open(pid)
        .expect("the program")
        .signal(Signal::CONT);
    let mut left = puppet.child(lab.stage(), "left", "setsid orphan");
    left.tell("hold SIGTERM");
    puppet.exit(0);
    lab.wait_for_database("the end of the command", |database| {
        let tasks = rows(database, "SELECT options FROM tasks");
        let options = tasks[0]["options"].as_str()?;
        options.contains("\"command_end\":{").then_some(())
    });
    let is_over = "has ended; what it left runs on";
    assert_eq!(note().as_deref(), Some(is_over));
    launcher.signal(Signal::TERM);
    assert_eq!(left.next_signal(), "SIGTERM");
    let ending = "being ended: the launcher got SIGTERM";
    assert_eq!(note().as_deref(), Some(ending));
    left.exit(0);
    let _ = launcher.wait();
}

#[test]
fn a_terminal_shows_control_characters_and_obeys_none() {
    let lab = lab();
    let name = "evil\u{1b}[31m\u{7}\u{9b}1m\r\nname";
    let (launcher, puppet) = lab.launch(&["--name", name, "--info1", "\u{1b}]0;x\u{7}"], "p", &[]);
    let mut terminal = Terminal::open(200);
    let words = [
        &["list"][..],
        &["list", "--json"],
        &["killall", "other\u{1b}[31m"],
        &["reserve", "--unique", "--name", name],
        &["history"],
    ];
    for line in words {
        show(&lab, &mut terminal, line);
    }
    puppet.exit(0);
    let _ = launcher.wait();
    show(&lab, &mut terminal, &["history"]);
    show(&lab, &mut terminal, &["history", "--json"]);
    let shown = terminal.shown();
    assert!(shown.contains("evil"), "{shown:?}");
    for harm in [
        "\u{1b}[31m",
        "\u{7}",
        "\u{9b}",
        "\u{1b}]0",
        "\r\nname",
        "\r\r\nname",
    ] {
        assert!(
            !shown.contains(harm),
            "{harm:?} reached the terminal: {shown:?}"
        );
    }
}

/// Runs a command on a terminal.
fn show(lab: &Lab, terminal: &mut Terminal, line: &[&str]) {
    let open = || {
        File::options()
            .read(true)
            .write(true)
            .open(terminal.path())
            .expect("it")
    };
    let mut command = lab.command(line);
    command.stdin(open()).stdout(open()).stderr(open());
    let mut child = command.spawn().expect("a process");
    // What it shows has to be taken, or it waits.
    let pid = i32::try_from(child.id()).expect("a process number");
    let process = taskwatcher_tests::Process::open(pid).expect("a child");
    terminal.watch(&process);
    let _ = child.wait();
}

#[test]
fn a_table_keeps_to_the_width_of_its_terminal() {
    let lab = lab();
    for number in 0..3 {
        let info = "long words ".repeat(20);
        let name = format!("task number {number}");
        let _ = lab
            .run(["launch", "--name", &name, "--info1", &info, "--", "true"])
            .success();
    }
    let mut terminal = Terminal::open(100);
    show(&lab, &mut terminal, &["history"]);
    let shown = terminal.shown();
    let widest = shown
        .lines()
        .map(|line| line.trim_end().chars().count())
        .max();
    assert!(
        widest.is_some_and(|width| (40..=100).contains(&width)),
        "{widest:?}\n{shown}"
    );
}

#[test]
fn parse_prints_values_and_checks_lines() {
    let lab = lab();
    let sample = "\u{feff}# a comment\r\n[playbook]myPlaybook\r\n[info]  two spaces\n\n[info]\n\
        [testcase_id]001\n[1st]digit\n[two words]x\n[]text\nno key\n[quote]\"a\\b\" ] [c]\n\
        [testcase_id]002\n[last]unfinished";
    fs::write(lab.path("f.log"), sample).expect("a file");
    fs::write(lab.path("good.log"), "[a]1\n").expect("a file");
    let parsed = lab.run(["parse", "f.log"]).success();
    let checked = lab.run(["parse", "--check", "f.log"]);
    assert_eq!(checked.code(), 1);
    let json = lab.run(["parse", "--check", "--json", "f.log"]);
    assert_eq!(json.code(), 1);
    let diagnostics: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let diagnostics = serde_json::to_string_pretty(&diagnostics).expect("JSON");
    settings(&lab).bind(|| {
        insta::assert_snapshot!("parse", parsed);
        insta::assert_snapshot!("parse-check", checked.stdout);
        insta::assert_snapshot!("parse-check-json", diagnostics);
    });
    assert_eq!(lab.run(["parse", "--check", "good.log"]).code(), 0);
    assert!(!lab.database_file().exists(), "parsing needs no database");
    let mut command = lab.command(["parse", "-"]);
    command.stdin(File::open(lab.path("f.log")).expect("a file"));
    assert_eq!(lab.start(command).wait().success(), parsed);
    assert_ne!(lab.run(["parse", "no-such-file"]).code(), 0);
}

#[test]
fn durations_are_written_as_people_do() {
    let lab = lab();
    for (written, seconds) in [
        ("30", 30),
        ("30s", 30),
        ("5m", 300),
        ("2h", 7200),
        ("7d", 604_800),
        ("90.0", 90),
    ] {
        let reserved = lab.reserve(&["--ttl", written]);
        let tasks = lab.list();
        let task = tasks
            .iter()
            .find(|task| id(task) == reserved)
            .expect("the reservation");
        let life = task["expires"].as_i64().zip(task["reservetime"].as_i64());
        assert_eq!(
            life.map(|(end, start)| end - start),
            Some(seconds),
            "{written}"
        );
    }
    for written in ["", "5x", "m", "1h30", "-5", "nan", "inf", "1e400"] {
        let _ = lab.run(["reserve", &format!("--ttl={written}")]).failure(2);
    }
}

#[test]
fn reserve_prints_the_id_and_nothing_else() {
    let lab = lab();
    let first = lab.reserve(&[]);
    let second = lab.reserve(&["--name", "n", "--info1", "i"]);
    assert!(second > first);
    let tasks = lab.list();
    assert_eq!((id(&tasks[1]), text(&tasks[1], "info1")), (second, "i"));
    assert_eq!(text(&tasks[1], "status"), "RESERVED");
}

#[test]
fn a_file_is_parsed_where_no_database_can_be() {
    let lab = lab();
    fs::write(lab.path("f.log"), "[a]1\n").expect("a file");
    let mut command = lab.command(["parse", "f.log"]);
    for variable in ["HOME", "XDG_STATE_HOME", "TASKWATCHER_DB"] {
        command.env_remove(variable);
    }
    assert_eq!(lab.start(command).wait().success(), "{\"a\":\"1\"}\n");
}
