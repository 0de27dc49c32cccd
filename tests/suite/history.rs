//! `history` and `clear`, and the JSON that scripts rely on.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use taskwatcher_tests::Lab;

use crate::{id, lab, number, text};

/// Five finished tasks, named and ended in known ways.
fn five_tasks() -> Lab {
    let lab = lab();
    for (name, script) in [
        ("a", "exit 0"),
        ("b", "exit 1"),
        ("a", "exit 2"),
        ("c", "exit 0"),
        ("a", "exit 0"),
    ] {
        let _ = lab
            .run(["launch", "--name", name, "--", "sh", "-c", script])
            .code();
    }
    lab
}

fn names(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| text(record, "taskname"))
        .collect()
}

#[test]
fn oldest_first_and_filters_that_join() {
    let lab = five_tasks();
    let all = lab.history(&[]);
    assert_eq!(names(&all), ["a", "b", "a", "c", "a"]);
    let codes: Vec<i64> = all
        .iter()
        .map(|record| number(record, "exitcode"))
        .collect();
    assert_eq!(codes, [0, 1, 2, 0, 0]);
    assert_eq!(lab.history(&["--name", "a"]).len(), 3);
    assert_eq!(lab.history(&["--outcome", "failed"]).len(), 2);
    assert_eq!(
        lab.history(&["--name", "a", "--outcome", "failed"]).len(),
        1
    );
    assert_eq!(names(&lab.history(&["--limit", "2"])), ["c", "a"]);
    assert_eq!(lab.history(&["--limit", "0"]).len(), 0);
    assert_eq!(lab.history(&["--name", "nobody"]).len(), 0);
    let _ = lab.run(["history", "--outcome", "splendid"]).failure(2);
    let _ = lab.run(["history", "--limit", "some"]).failure(2);
}

#[test]
fn pages_from_the_newest_back() {
    let lab = five_tasks();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let mut options = vec!["--limit".to_owned(), "2".to_owned()];
        if let Some(before) = before {
            options.extend(["--before".to_owned(), i64::to_string(&before)]);
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let page = lab.history(&options);
        let Some(first) = page.first() else { break };
        before = Some(number(first, "id"));
        seen.splice(0..0, page.iter().map(|record| number(record, "id")));
    }
    let all: Vec<i64> = lab
        .history(&[])
        .iter()
        .map(|record| number(record, "id"))
        .collect();
    assert_eq!(seen, all);
}

#[test]
fn since_takes_seconds_and_rfc_3339() {
    let lab = five_tasks();
    lab.edit("UPDATE history SET starttime = 1000, endtime = 1000 + id * 100");
    let ends = |since: &str| -> Vec<i64> {
        lab.history(&["--since", since])
            .iter()
            .map(|it| number(it, "endtime"))
            .collect()
    };
    assert_eq!(ends("0").len(), 5);
    assert_eq!(ends("1300"), [1300, 1400, 1500]);
    assert_eq!(ends("1970-01-01T00:23:20Z"), [1400, 1500]);
    assert_eq!(ends("1970-01-01T02:25:00+02:00"), [1500]);
    let _ = lab.run(["history", "--since", "yesterday-ish"]).failure(2);
}

#[test]
fn clear_by_age_by_number_and_all() {
    let lab = five_tasks();
    lab.edit("UPDATE history SET starttime = 1, endtime = 2 WHERE id <= 2");
    let _ = lab.run(["clear", "--older-than", "1h"]).code();
    assert_eq!(names(&lab.history(&[])), ["a", "c", "a"]);
    let _ = lab.run(["clear", "--keep", "2"]).code();
    assert_eq!(names(&lab.history(&[])), ["c", "a"]);
    assert_eq!(lab.run(["clear"]).code(), 0);
    assert_eq!(lab.history(&[]), Vec::<Value>::new());
    let _ = lab.run(["clear", "--older-than", "long"]).failure(2);
    let _ = lab.run(["clear", "--keep", "few"]).failure(2);
}

#[test]
fn ids_are_never_given_out_again() {
    let lab = five_tasks();
    let mut seen: BTreeSet<i64> = lab.history(&[]).iter().map(id).collect();
    assert_eq!(lab.run(["clear"]).code(), 0);
    let reserved = lab.reserve(&[]);
    assert!(seen.insert(reserved), "{reserved} again, after clear");
    let _ = lab.run(["kill", &reserved.to_string()]).code();
    let next = lab.reserve(&[]);
    assert!(
        seen.insert(next),
        "{next} again, after its reservation was dropped"
    );
    assert!(next > reserved);
    // Also the numbers of the history's own rows, by which it is paged.
    let _ = lab.run(["launch", "--", "true"]).success();
    assert!(seen.insert(id(&lab.only_record())));
}

#[test]
fn clear_leaves_running_tasks_alone() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[a]1");
    assert_eq!(lab.run(["clear"]).code(), 0);
    assert_eq!(lab.feedback(id(&lab.only_task())), json!({"a": "1"}));
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(lab.history(&[]).len(), 1);
}

#[test]
fn the_json_of_history_has_these_fields() {
    let lab = five_tasks();
    let printed = lab.run(["history", "--json", "--limit", "1"]).success();
    assert_eq!(printed.lines().count(), 1, "one line for programs");
    let record = &lab.history(&["--limit", "1"])[0];
    let fields: Vec<&str> = record
        .as_object()
        .expect("a map")
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "command",
        "cwd",
        "duration",
        "elapsed_ms",
        "endtime",
        "exitcode",
        "feedback",
        "host",
        "id",
        "info1",
        "info2",
        "info3",
        "leftovers",
        "maxrss_kb",
        "outcome",
        "run",
        "starttime",
        "system_ms",
        "taskid",
        "taskname",
        "termerror",
        "termsignal",
        "timeline",
        "user_ms",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn the_json_of_list_has_these_fields() {
    let lab = lab();
    let _ = lab.reserve(&[]);
    let task = lab.only_task();
    let fields: Vec<&str> = task
        .as_object()
        .expect("a map")
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "command",
        "cwd",
        "duration",
        "ending",
        "expires",
        "feedback",
        "feedfile",
        "host",
        "identity",
        "info1",
        "info2",
        "info3",
        "lastupdate",
        "name",
        "options",
        "pid",
        "reservetime",
        "starttime",
        "status",
        "taskid",
        "timeline",
        "timeout",
        "timer",
    ];
    assert_eq!(fields, expected);
    assert_eq!(task["feedback"], json!(false));
}

#[test]
fn a_reader_that_pauses_holds_up_nobody() {
    let lab = lab();
    lab.run(["initialize"]).done();
    lab.edit(
        r#"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 500)
           INSERT INTO history (taskid, taskname, feedback, run)
           SELECT n, 'n', '{"a":"' || hex(zeroblob(1000)) || '"}', n FROM numbers"#,
    );
    for line in [&["history", "--json"][..], &["export"]] {
        // More than a pipe takes.
        let mut command = lab.command(line);
        let mut reader = command.stdout(Stdio::piped()).spawn().expect("a reader");
        let mut out = reader.stdout.take().expect("its output");
        let mut printed = vec![0];
        out.read_exact(&mut printed).expect("a first byte");
        // The log can be emptied only while nobody reads from it; this waits for that.
        lab.edit("UPDATE history SET info1 = 'changed' WHERE taskid = 500");
        let database = rusqlite::Connection::open(lab.database_file()).expect("the database");
        database
            .busy_timeout(taskwatcher_tests::PATIENCE)
            .expect("patience");
        let busy: i64 = database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .expect("a checkpoint");
        assert_eq!(busy, 0, "{line:?}");
        out.read_to_end(&mut printed).expect("the rest");
        assert!(reader.wait().expect("its end").success());
        let document: Value = serde_json::from_slice(&printed).expect("JSON");
        assert_eq!(document["history"].as_array().expect("records").len(), 500);
    }
}

#[test]
fn an_export_replaces_a_file_and_keeps_its_mode() {
    let lab = five_tasks();
    let exported = |path: &Path| -> usize {
        let text = fs::read_to_string(path).expect("a document");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        document["history"].as_array().expect("records").len()
    };
    let mode = |path: &Path| fs::metadata(path).expect("a file").mode() & 0o777;
    let file = lab.path("all.json");
    // What another export is just writing, under whatever name, is not this one's.
    fs::write(lab.path("all.json.part"), "another's").expect("a file");
    lab.run(["export", "all.json"]).done();
    assert_eq!((exported(&file), mode(&file)), (5, 0o600));
    fs::write(&file, "old").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    lab.run(["export", "all.json"]).done();
    assert_eq!((exported(&file), mode(&file)), (5, 0o644));
    let part = fs::read_to_string(lab.path("all.json.part"));
    assert_eq!(part.expect("the other one's"), "another's");
    let parts = fs::read_dir(lab.folder()).expect("the lab").flatten();
    let parts = parts.filter(|it| it.path().extension().is_some_and(|it| it == "part"));
    assert_eq!(parts.count(), 1, "nothing is left behind");
}

#[test]
fn an_export_into_what_is_no_file_is_written_there() {
    let lab = five_tasks();
    let pipe = lab.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut reader = lab.program("cat");
    reader.arg(&pipe);
    let reader = lab.start(reader);
    lab.run(["export", "pipe"]).done();
    assert!(
        fs::symlink_metadata(&pipe)
            .expect("it")
            .file_type()
            .is_fifo()
    );
    let document: Value = serde_json::from_str(&reader.wait().success()).expect("JSON");
    assert_eq!(document["history"].as_array().expect("records").len(), 5);
    let link = lab.path("link.json");
    std::os::unix::fs::symlink(lab.path("behind.json"), &link).expect("a link");
    lab.run(["export", "link.json"]).done();
    let behind = fs::metadata(lab.path("behind.json")).expect("a file");
    assert!(link.is_symlink());
    assert_eq!(behind.permissions().mode() & 0o777, 0o600);
    let printed = lab.run(["export", "-"]).success();
    assert!(printed.contains("taskwatcher/1") && !lab.path("-").exists());
    let _ = lab.run(["export", "."]).failure(1);
}

#[test]
fn an_empty_database_answers_empty_lists() {
    let lab = lab();
    lab.initialize();
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(lab.history(&[]), Vec::<Value>::new());
}

#[test]
fn timelines_keep_their_two_ends() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "10"], "p", &[]);
    let (launcher_two, other) = lab.launch(&["--feedback", "--timeout", "10"], "q", &[]);
    puppet.say("[a]1");
    for puppet in [puppet, other] {
        puppet.exit(0);
    }
    let _ = (launcher.wait(), launcher_two.wait());
    for record in lab.history(&[]) {
        let changes = record["timeline"].as_array().expect("a list");
        assert!(!changes.is_empty() && changes.len() <= 1000);
        let start = changes[0][0].as_i64().expect("unix milliseconds");
        assert_eq!(start / 1000, number(&record, "starttime"), "{record}");
    }
}

#[test]
fn nothing_is_written_over_the_database() {
    let lab = lab();
    let _ = lab.run(["launch", "--", "true"]).success();
    let database = lab.database_file();
    std::os::unix::fs::symlink(&database, lab.path("link")).expect("a link");
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", database.display());
        let error = lab.run(["export", &file]).failure(1);
        assert!(error.contains("is the database itself"), "{error}");
        let error = lab
            .run(["launch", "--output", &file, "--", "true"])
            .failure(125);
        assert!(error.contains("is the database itself"), "{error}");
    }
    let _ = lab.run(["export", "link"]).failure(1);
    assert_eq!(lab.history(&[]).len(), 1);
}
