//! The command line as people meet it: help, errors, where the database is, terminals and pipes.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::pipe;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use taskwatcher_tests::{Lab, Terminal};

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
    settings.add_filter(r"yes( +)\ds", "yes${1}0s");
    settings
}

fn regex_escaped(path: &Path) -> String {
    path.display().to_string().replace('.', r"\.")
}

const COMMANDS: [&str; 11] = [
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
fn the_database_is_found_in_this_order() {
    let lab = lab();
    let reserve = |arguments: &[&str], variables: &[(&str, &Path)]| {
        let mut command = lab.command(arguments);
        command
            .env_remove("TASKWATCHER_DB")
            .envs(variables.iter().copied());
        let _ = lab.start(command).wait().success();
    };
    let (flag, variable, state, home) = (
        lab.path("flag.db"),
        lab.path("variable.db"),
        lab.path("state"),
        lab.path("home"),
    );
    let of_state = state.join("taskwatcher/taskwatcher.db");
    let of_home = home.join(".local/state/taskwatcher/taskwatcher.db");
    let flag_text = flag.to_str().expect("a plain name");
    let all: [(&str, &Path); 3] = [
        ("TASKWATCHER_DB", &variable),
        ("XDG_STATE_HOME", &state),
        ("HOME", &home),
    ];
    reserve(&["--db", flag_text, "reserve"], &all);
    assert_eq!(
        exist(&[&flag, &variable, &of_state, &of_home]),
        [true, false, false, false]
    );
    reserve(&["reserve"], &all);
    assert_eq!(
        exist(&[&variable, &of_state, &of_home]),
        [true, false, false]
    );
    reserve(&["reserve"], &all[1..]);
    assert_eq!(exist(&[&of_state, &of_home]), [true, false]);
    reserve(&["reserve"], &all[2..]);
    assert_eq!(exist(&[&of_home]), [true]);
    // A state home that is not absolute counts as unset, says its specification.
    let relative: [(&str, &Path); 2] = [("XDG_STATE_HOME", Path::new("rel")), ("HOME", &home)];
    reserve(&["reserve"], &relative);
    assert!(!lab.path("rel").exists());
    // An option of the whole command may stand behind the verb, too.
    reserve(&["list", "--db", flag_text], &[]);
}

fn exist(paths: &[&Path]) -> Vec<bool> {
    paths.iter().map(|path| path.exists()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").mode() & 0o7777
}

#[test]
fn what_is_made_is_private_and_what_was_there_keeps_its_mode() {
    let lab = lab();
    let file = lab.path("new/folder/tasks.db");
    let file_text = file.to_str().expect("a plain name");
    let mut command = lab.program("sh");
    let script = r#"umask 0; exec "$@""#;
    command.args([
        "-c",
        script,
        "sh",
        lab.taskwatcher(),
        "--db",
        file_text,
        "reserve",
    ]);
    let _ = lab.start(command).wait().success();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    for side in ["-wal", "-shm"] {
        let side = lab.path(&format!("new/folder/tasks.db{side}"));
        if side.exists() {
            assert_eq!(mode(&side), 0o600, "{}", side.display());
        }
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).expect("its mode");
    let _ = lab.run(["--db", file_text, "reserve"]).success();
    assert_eq!(mode(&file), 0o664);
    let folder = lab.path("new/folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o775)).expect("its mode");
    lab.run(["--db", file_text, "initialize", "--force"]).done();
    assert_eq!((mode(&file), mode(&folder)), (0o664, 0o775));
}

#[test]
fn unusable_databases_are_4_and_left_as_they_are() {
    let lab = lab();
    let text_file = lab.path("text.db");
    fs::write(&text_file, "this is no database\n".repeat(200)).expect("a file");
    let newer = lab.path("newer.db");
    lab.run(["--db", newer.to_str().expect("a plain name"), "initialize"])
        .done();
    let database = rusqlite::Connection::open(&newer).expect("it");
    database
        .execute_batch("PRAGMA user_version = 9999")
        .expect("a version");
    drop(database);
    let other = lab.path("other.db");
    let database = rusqlite::Connection::open(&other).expect("a database");
    database
        .execute_batch("CREATE TABLE guests (name TEXT)")
        .expect("a table");
    drop(database);
    let views = lab.path("views.db");
    let database = rusqlite::Connection::open(&views).expect("a database");
    database
        .execute_batch(
            "CREATE TABLE tasks (id INTEGER PRIMARY KEY); CREATE TABLE feedbacks (id INTEGER);
             CREATE VIEW history AS SELECT 1 AS id;",
        )
        .expect("tables and a view");
    drop(database);
    let folder = lab.path("folder.db");
    fs::create_dir(&folder).expect("a folder");
    let below_a_file = text_file.join("tasks.db");
    for file in [
        &text_file,
        &newer,
        &other,
        &views,
        &folder,
        &below_a_file,
        Path::new("/proc/no/x.db"),
    ] {
        let file = file.to_str().expect("a plain name");
        let before = fs::read(file).ok();
        for (line, code) in [
            (&["list"][..], 4),
            (&["history"], 4),
            (&["reserve"], 4),
            (&["update"], 4),
            (&["clear"], 4),
            (&["kill", "1"], 4),
            (&["killall", "n"], 4),
            (&["feedback", "1"], 4),
            (&["launch", "--", "touch", "ran"], 125),
            (&["launch", "--detach", "--", "touch", "ran"], 125),
        ] {
            let line: Vec<&str> = ["--db", file].iter().chain(line).copied().collect();
            let output = lab.run(&line);
            assert_eq!(output.code(), code, "{line:?}: {output:?}");
            let error = output.failure(code);
            let name = Path::new(file)
                .file_name()
                .and_then(|it| it.to_str())
                .expect("a name");
            assert!(error.contains(name), "{line:?}: {error}");
        }
        assert!(fs::read(file).ok() == before, "{file} was changed");
    }
    assert!(!lab.path("ran").exists());
    lab.assert_no_process();
}

#[test]
fn a_launcher_that_meets_a_newer_schema_finishes() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "30"], "p", &[]);
    puppet.say("[a]1");
    lab.edit(
        "ALTER TABLE tasks ADD COLUMN mood TEXT; ALTER TABLE history ADD COLUMN mood TEXT;
         CREATE TABLE moods (mood TEXT); PRAGMA user_version = 9999;",
    );
    let _ = lab.run(["list"]).failure(4);
    puppet.exit(3);
    assert_eq!(launcher.wait().code(), 3);
    let rows = lab.rows("history");
    assert_eq!(
        (
            &rows[0]["outcome"],
            &rows[0]["exitcode"],
            &rows[0]["feedback"]
        ),
        (&json!("failed"), &json!(3), &json!("{\"a\":\"1\"}"))
    );
    lab.assert_nothing_left();
}

#[test]
fn initialize_protects_what_there_is() {
    let lab = lab();
    lab.run(["initialize"]).done();
    // Nothing to lose in an empty database.
    lab.run(["initialize"]).done();
    let _ = lab.run(["launch", "--", "true"]).success();
    let _ = lab.run(["initialize"]).failure(1);
    assert_eq!(lab.history(&[]).len(), 1);
    lab.run(["initialize", "--force"]).done();
    assert_eq!(lab.history(&[]).len(), 0);
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let _ = lab.run(["initialize", "--force"]).failure(1);
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(lab.history(&[]).len(), 1);
    let foreign = lab.path("notes.txt");
    fs::write(&foreign, "my notes\n").expect("a file");
    let file = foreign.to_str().expect("a plain name");
    let output = lab.run(["--db", file, "initialize"]);
    assert!([1, 4].contains(&output.code()), "{output:?}");
    assert_eq!(
        fs::read_to_string(&foreign).expect("the file"),
        "my notes\n"
    );
}

#[test]
fn reading_needs_no_write_access() {
    let lab = lab();
    let _ = lab.run(["launch", "--name", "n", "--", "true"]).success();
    let _ = lab.reserve(&[]);
    // Another user, to whom nothing here belongs.
    let program = lab.copy_of(lab.taskwatcher());
    for entry in fs::read_dir(lab.folder()).expect("the lab").flatten() {
        if entry.file_name().to_string_lossy().starts_with("tasks.db") {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o444)).expect("a mode");
        }
    }
    fs::set_permissions(lab.folder(), fs::Permissions::from_mode(0o555)).expect("a mode");
    let names: Vec<_> = fs::read_dir(lab.folder())
        .expect("it")
        .map(Result::ok)
        .collect();
    for line in [
        &["history", "--json"][..],
        &["history"],
        &["list", "--json"],
        &["list"],
    ] {
        let mut command = if nix::unistd::geteuid().is_root() {
            let mut command = lab.program("setpriv");
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(&program);
            command
        } else {
            lab.program(&program)
        };
        command.args(line);
        // The harness writes output into the lab's folder, which only this test's user may.
        let output = command.output().expect("a run");
        assert_eq!(
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).as_ref()
            ),
            (Some(0), ""),
            "{line:?}"
        );
        if line == ["history", "--json"] {
            let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(document["history"][0]["taskname"], "n");
        }
    }
    let after: Vec<_> = fs::read_dir(lab.folder())
        .expect("it")
        .map(Result::ok)
        .collect();
    assert_eq!(after.len(), names.len(), "reading makes no files");
    fs::set_permissions(lab.folder(), fs::Permissions::from_mode(0o755)).expect("a mode");
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
    }
}

#[test]
fn tables_are_made_for_people() {
    let lab = lab();
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
    let _: Value = serde_json::from_str(&json.stdout).expect("JSON");
    settings(&lab).bind(|| {
        insta::assert_snapshot!("parse", parsed);
        insta::assert_snapshot!("parse-check", checked.stdout);
        insta::assert_snapshot!("parse-check-json", json.stdout);
    });
    assert_eq!(lab.run(["parse", "--check", "good.log"]).code(), 0);
    assert!(!lab.database_file().exists(), "parsing needs no database");
    let mut command = lab.command(["parse", "-"]);
    command.stdin(File::open(lab.path("f.log")).expect("a file"));
    assert_eq!(lab.start(command).wait().success(), parsed);
    assert_ne!(lab.run(["parse", "no-such-file"]).code(), 0);
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
