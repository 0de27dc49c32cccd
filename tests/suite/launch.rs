//! `launch`: what reaches the program, what comes back, and the record of every way to end.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use serde_json::{Value, json};
use taskwatcher_tests::{FullPipe, Process, Signal};

use crate::{id, lab, mentions, number, text, timeline};

/// Bytes as a puppet reports them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string");
        text
    })
}

#[test]
fn a_success_is_silent_and_recorded() {
    let lab = lab();
    let before = jiff::Timestamp::now().as_second();
    let output = lab.run([
        "launch", "--name", "n", "--info1", "a", "--info2", "b b", "--info3", "ü", "--", "true",
    ]);
    assert_eq!(output.success(), "");
    let after = jiff::Timestamp::now().as_second();
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "succeeded");
    assert_eq!(number(&record, "exitcode"), 0);
    assert_eq!(record["termsignal"], Value::Null);
    assert_eq!(record["termerror"], Value::Null);
    assert_eq!(text(&record, "taskname"), "n");
    assert_eq!(
        [&record["info1"], &record["info2"], &record["info3"]],
        [&json!("a"), &json!("b b"), &json!("ü")]
    );
    assert_eq!(record["command"], json!(["true"]));
    assert_eq!(
        text(&record, "cwd"),
        lab.folder().to_str().expect("a plain name")
    );
    assert!(!text(&record, "host").is_empty());
    let (start, end) = (number(&record, "starttime"), number(&record, "endtime"));
    assert!(
        before <= start && start <= end && end <= after,
        "{before} {record} {after}"
    );
    assert_eq!(timeline(&record)[0].1, "RUNNING");
    for field in [
        "elapsed_ms",
        "user_ms",
        "system_ms",
        "maxrss_kb",
        "duration",
    ] {
        assert!(number(&record, field) >= 0, "{field}");
    }
    assert_eq!(record["leftovers"], json!(0));
    lab.assert_nothing_left();
}

#[test]
fn an_exit_code_is_passed_on() {
    let lab = lab();
    let output = lab.run(["launch", "--", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert_eq!(output.code(), 3);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("out\n", "err\n")
    );
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("failed", 3)
    );
    assert_eq!(record["termsignal"], Value::Null);
    assert!(!text(&record, "termerror").is_empty());
    assert_eq!(text(&record, "taskname"), "sh");
    lab.assert_nothing_left();
}

#[test]
fn a_crash_is_the_programs_own() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&[], "p", &[]);
    puppet.send("die SIGSEGV");
    assert_eq!(launcher.wait().code(), 139);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("signalled", "SIGSEGV")
    );
    assert_eq!(record["exitcode"], Value::Null);
    assert!(!text(&record, "termerror").is_empty());
    lab.assert_nothing_left();
}

#[test]
fn a_signal_from_outside_is_not_ours() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    Process::open(puppet.pid())
        .expect("the program")
        .signal(Signal::TERM);
    assert_eq!(launcher.wait().code(), 143);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("signalled", "SIGTERM")
    );
    lab.assert_nothing_left();
}

#[test]
fn our_own_kill_is_ours() {
    let lab = lab();
    let (launcher, _puppet) = lab.launch(&[], "p", &[]);
    let task = id(&lab.only_task());
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("killed", "SIGTERM")
    );
    assert!(!text(&record, "termerror").is_empty());
    assert_eq!(launcher.wait().code(), 143);
    lab.assert_nothing_left();
}

#[test]
fn silence_ends_a_task() {
    let lab = lab();
    let (launcher, _puppet) = lab.launch(&["--feedback", "--timeout", "0.6"], "p", &[]);
    assert_eq!(launcher.wait().code(), 124);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("timeout", "SIGTERM")
    );
    assert!(!text(&record, "termerror").is_empty());
    lab.assert_nothing_left();
}

#[test]
fn a_maximum_time_ends_a_task_that_is_well() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "30", "--max-time", "0.5"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    puppet.say("[progress]1");
    assert_eq!(launcher.wait().code(), 124);
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "timeout");
    assert!(!text(&record, "termerror").is_empty());
    assert_eq!(record["feedback"], json!({"progress": "1"}));
    assert!(number(&record, "elapsed_ms") >= 500);
    lab.assert_nothing_left();
}

#[test]
fn a_command_that_is_not_there() {
    let lab = lab();
    let line = lab.run(["launch", "--", "no-such-command"]).failure(127);
    assert!(line.contains("no-such-command"), "{line}");
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "not_started");
    assert_eq!(record["termsignal"], Value::Null);
    assert!(!text(&record, "termerror").is_empty());
    lab.assert_nothing_left();
}

#[test]
fn a_command_that_may_not_be_executed() {
    let lab = lab();
    lab.make_program("data", "no program", "644");
    let line = lab.run(["launch", "--", "./data"]).failure(126);
    assert!(line.contains("data"), "{line}");
    let folder = lab.run(["launch", "--", "/"]).failure(126);
    assert!(folder.contains('/'), "{folder}");
    // No shell is to guess what this may mean.
    for content in ["\u{7f}ELF but not really", "exit 0"] {
        lab.make_program("data", content, "755");
        let line = lab.run(["launch", "--", "./data"]).failure(126);
        assert!(line.contains("data"), "{line}");
    }
    for record in lab.history(&[]) {
        assert_eq!(text(&record, "outcome"), "not_started");
    }
    lab.assert_nothing_left();
}

#[test]
fn a_missing_interpreter_is_not_found() {
    let lab = lab();
    lab.make_program("script", "#!/no/such/interpreter\n", "755");
    for name in ["./script", "script"] {
        let mut command = lab.command(["launch", "--", name]);
        command.env("PATH", lab.folder());
        let line = lab.start(command).wait().failure(127);
        assert!(
            line.contains(name) && line.contains("interpreter"),
            "{line}"
        );
    }
    lab.assert_nothing_left();
}

#[test]
fn a_full_argument_list_is_one_line_and_a_record() {
    let lab = lab();
    // One argument may have 128 KiB; this one grows beyond that when the path is put in.
    let long = "{feedback}".repeat(10_000);
    let output = lab.run(["launch", "--", "true", &long]);
    let line = output.failure(126);
    assert!(
        line.len() < 1000,
        "the line repeats the argument: {} bytes",
        line.len()
    );
    assert_eq!(text(&lab.only_record(), "outcome"), "not_started");
    lab.assert_nothing_left();
}

#[test]
fn arguments_arrive_byte_for_byte() {
    let lab = lab();
    let words: [&[u8]; 12] = [
        b"",
        b"a b",
        b"  ",
        b"it's",
        b"\"quoted\"",
        b"new\nline",
        b"\ttab\x1b[31m",
        b"--",
        b"--json",
        b"\xff\xfe bytes \xc3",
        b"$HOME `id` * ~ \\",
        b"",
    ];
    let mut command = lab.command(lab.launch_line(&[], "p", &[]));
    command.args(words.iter().map(|word| OsString::from_vec(word.to_vec())));
    let launcher = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    let report = puppet.report();
    let arguments = report["arguments"].as_array().expect("a list");
    let expected: Vec<String> = words.iter().map(|word| hex(word)).collect();
    assert_eq!(arguments[arguments.len() - words.len()..], expected);
    let task = lab.only_task();
    puppet.exit(0);
    assert_eq!(launcher.wait().success(), "");
    let record = lab.only_record();
    assert_eq!(record["command"], task["command"]);
    let stored = record["command"].as_array().expect("an array");
    assert_eq!(stored[stored.len() - 3], "\u{fffd}\u{fffd} bytes \u{fffd}");
    assert_eq!(stored[stored.len() - 7], "new\nline");
}

#[test]
fn placeholders_are_replaced_unless_literal() {
    let lab = lab();
    let script = r#"printf '%s\n' "$@""#;
    let task = lab.reserve(&[]).to_string();
    let output = lab.run([
        "launch",
        "--taskid",
        &task,
        "--",
        "sh",
        "-c",
        script,
        "sh",
        "<{taskid}>",
        "{feedback}",
        "{other} {} {taskid}{taskid}",
    ]);
    let file = lab.feedback_file(task.parse().expect("an id"));
    assert_eq!(
        output.success(),
        format!(
            "<{task}>\n{}\n{{other}} {{}} {task}{task}\n",
            file.display()
        )
    );
    let output = lab.run([
        "launch",
        "--literal",
        "--",
        "sh",
        "-c",
        script,
        "sh",
        "{taskid}",
        "{feedback}",
    ]);
    assert_eq!(output.success(), "{taskid}\n{feedback}\n");
    let records = lab.history(&[]);
    let words = records[0]["command"].as_array().expect("an array");
    assert_eq!(words[4], format!("<{task}>"), "stored after substitution");
    lab.assert_nothing_left();
}

#[test]
fn a_running_task_is_listed_with_all_it_has() {
    let lab = lab();
    let options = [
        "--name",
        "n",
        "--info2",
        "i",
        "--feedback",
        "--timeout",
        "40",
    ];
    let (launcher, puppet) = lab.launch(&options, "p", &[]);
    let task = lab.only_task();
    assert_eq!(
        [
            text(&task, "name"),
            text(&task, "info2"),
            text(&task, "status")
        ],
        ["n", "i", "RUNNING"]
    );
    assert_eq!(task["info1"], Value::Null);
    assert_eq!(number(&task, "pid"), i64::from(puppet.pid()));
    assert_eq!(
        (&task["feedback"], &task["timeout"]),
        (&json!(true), &json!(40))
    );
    assert!(number(&task, "reservetime") > 0 && number(&task, "starttime") > 0);
    assert!(number(&task, "duration") >= 0 && number(&task, "timer") >= 0);
    assert_eq!(
        text(&task, "feedfile"),
        lab.feedback_file(id(&task)).to_str().expect("a plain name")
    );
    assert_eq!(
        text(&task, "cwd"),
        lab.folder().to_str().expect("a plain name")
    );
    assert_eq!(task["ending"], Value::Null);
    assert!(task["options"].is_object() && task["identity"].is_object());
    assert_eq!(timeline(&task).len(), 1);
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(lab.list(), Vec::<Value>::new());
}

#[test]
fn the_identity_says_who_runs_it() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let identity = lab.only_task()["identity"].clone();
    for pid in [launcher.pid(), puppet.pid()] {
        assert!(mentions(&identity, pid), "{pid} not in {identity}");
    }
    let identity = identity.to_string();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let boot = boot.trim();
    assert!(
        identity.contains(boot) || identity.contains(&boot.replace('-', "")),
        "{boot} not in {identity}"
    );
    drop(puppet);
    let _ = launcher.wait();
}

#[test]
fn a_reservation_keeps_its_name_unless_a_new_one_is_given() {
    let lab = lab();
    let task = lab
        .reserve(&["--name", "old", "--info1", "one", "--info2", "two"])
        .to_string();
    let listed = lab.only_task();
    assert_eq!(
        (text(&listed, "status"), text(&listed, "name")),
        ("RESERVED", "old")
    );
    assert_eq!(listed["pid"], Value::Null);
    let output = lab.run(["launch", "--taskid", &task, "--info2", "new", "--", "true"]);
    let _ = output.success();
    let record = lab.only_record();
    assert_eq!(
        [
            text(&record, "taskname"),
            text(&record, "info1"),
            text(&record, "info2")
        ],
        ["old", "one", "new"]
    );
    assert_eq!(id(&record).to_string(), task);
}

#[test]
fn a_reservation_serves_one_launch() {
    let lab = lab();
    let task = lab.reserve(&[]).to_string();
    let (launcher, puppet) = lab.launch(&["--taskid", &task], "p", &[]);
    let line = lab
        .run(["launch", "--taskid", &task, "--", "true"])
        .failure(125);
    assert!(line.contains(&task), "{line}");
    puppet.exit(0);
    let _ = launcher.wait().success();
    let line = lab
        .run(["launch", "--taskid", &task, "--", "true"])
        .failure(125);
    assert!(line.contains(&task), "{line}");
    assert_eq!(lab.history(&[]).len(), 1);
}

#[test]
fn refusals_of_launch_are_125_and_leave_nothing() {
    let lab = lab();
    lab.run(["initialize"]).done();
    for line in [
        &["launch", "--taskid", "77", "--", "true"][..],
        &["launch", "--taskid", "x", "--", "true"],
        &["launch", "--no-such-option", "--", "true"],
        &["launch", "--timeout", "soon", "--", "true"],
        &["launch", "--timeout", "-1", "--feedback", "--", "true"],
        &["launch", "--leftovers", "sell", "--", "true"],
        &["launch"],
        &["launch", "--"],
        // A literal file name holds the id, which nobody can know before the reservation.
        &["launch", "--", "true", "--feedback", "x.log"],
        &["launch", "--", "true", "--feedback=x.log"],
        &[
            "launch",
            "--feedpath",
            "/proc/no/such",
            "--feedback",
            "--",
            "true",
        ],
        &["launch", "--output", "/proc/no/such", "--", "true"],
    ] {
        let _ = lab.run(line).failure(125);
    }
    let task = lab.reserve(&[]).to_string();
    // Unique belongs to the reservation.
    let _ = lab
        .run(["launch", "--taskid", &task, "--unique", "--", "true"])
        .failure(125);
    assert_eq!(text(&lab.only_task(), "status"), "RESERVED");
    lab.run(["kill", &task]).done();
    assert_eq!(lab.history(&[]), Vec::<Value>::new());
    lab.assert_nothing_left();
}

#[test]
fn unique_launch_is_refused_while_the_name_is_active() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--unique", "--name", "n"], "p", &[]);
    let line = lab
        .run(["launch", "--unique", "--name", "n", "--", "true"])
        .failure(125);
    assert!(line.contains('n'), "{line}");
    let _ = lab.run(["reserve", "--unique", "--name", "n"]).failure(1);
    let _ = lab
        .run(["launch", "--unique", "--name", "other", "--", "true"])
        .success();
    let _ = lab.run(["launch", "--name", "n", "--", "true"]).success();
    puppet.exit(0);
    let _ = launcher.wait().success();
    let _ = lab
        .run(["launch", "--unique", "--name", "n", "--", "true"])
        .success();
    assert_eq!(lab.history(&[]).len(), 4);
}

#[test]
fn output_goes_straight_into_the_file_at_its_end() {
    let lab = lab();
    let file = lab.path("out.txt");
    fs::write(&file, "before\n").expect("a file");
    let (launcher, mut puppet) = lab.launch(&["--output", "out.txt"], "p", &[]);
    let report = puppet.report();
    let path = file.to_str().expect("a plain name");
    assert_eq!(
        (&report["descriptors"]["1"], &report["descriptors"]["2"]),
        (&json!(path), &json!(path))
    );
    let flags = u32::from_str_radix(&puppet.tell("flags 1"), 8).expect("octal flags");
    assert_ne!(flags & 0o2000, 0, "opened without O_APPEND: {flags:o}");
    puppet.tell("print one");
    // Somebody empties the file, as log rotation does: nothing may be left as a hole.
    fs::write(&file, "").expect("the file emptied");
    puppet.tell("print two");
    puppet.exit(0);
    assert_eq!(launcher.wait().success(), "");
    assert_eq!(fs::read_to_string(&file).expect("the file"), "two\n");
}

#[test]
fn a_launch_that_waits_for_the_database_can_be_called_off() {
    use std::os::unix::process::ExitStatusExt;
    let lab = lab();
    let _ = lab.reserve(&[]);
    lab.edit("UPDATE tasks SET expires = 1");
    fs::write(lab.path("tasks.db.spool-9-x.json"), "{}").expect("a file");
    let holder = rusqlite::Connection::open(lab.database_file()).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let launcher = lab.spawn(["launch", "--", "sh", "-c", "echo >ran"]);
    // It complains of the odd file when it has opened the database, and waits for the lock then.
    lab.wait_for_file("its complaint", || {
        (!launcher.stderr_so_far().is_empty()).then_some(())
    });
    launcher.signal(Signal::TERM);
    assert_eq!(launcher.wait().status.signal(), Some(15));
    drop(holder);
    fs::remove_file(lab.path("tasks.db.spool-9-x.json")).expect("no file");
    for process in lab.processes() {
        process.reap();
    }
    assert!(!lab.path("ran").exists());
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(lab.history(&[]), Vec::<Value>::new());
}

#[test]
fn a_program_that_cannot_be_read_just_now_does_not_hold_up_its_end() {
    let lab = lab();
    lab.make_program("prog", "#!/bin/sh\necho >ran\n", "755");
    // While another process has a lease on a file, whoever opens it waits until that one gives it up.
    let mut holder = lab.program("python3");
    let script = r#"
import fcntl, signal, threading
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = open("prog")
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
open("leased", "w").close()
threading.Event().wait()
"#;
    holder.args(["-c", script]);
    let holder = lab.start(holder);
    lab.wait_for_file("the lease", || lab.path("leased").exists().then_some(()));
    let launcher = lab.spawn(["launch", "--", "./prog"]);
    lab.wait_for_status("RUNNING");
    launcher.signal(Signal::TERM);
    assert_eq!(launcher.wait().code(), 143);
    assert!(!holder.has_ended() && !lab.path("ran").exists());
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
}

#[test]
fn a_launcher_that_cannot_complain_holds_up_nobody() {
    let lab = lab();
    lab.initialize();
    let mut pipe = FullPipe::make(&lab.path("complaints"));
    let mut shell = lab.program("sh");
    let script = r#"exec "$0" launch --feedback -- true --feedback=elsewhere 2>complaints"#;
    shell.args(["-c", script, lab.taskwatcher()]);
    let launcher = lab.start(shell);
    lab.wait_for_status("RUNNING");
    let _ = lab.reserve(&[]);
    assert!(!launcher.has_ended());
    pipe.drain();
    assert_eq!(launcher.wait().code(), 0);
}

#[test]
fn a_launch_that_fails_on_its_way_has_claimed_nothing() {
    let lab = lab();
    let task = lab.reserve(&[]);
    fs::create_dir(lab.path("feedback")).expect("a folder");
    fs::write(lab.feedback_file(task), "[old]1\n").expect("a file");
    // What stands there already cannot be stored.
    lab.edit(
        "DROP TABLE feedbacks;
         CREATE TABLE feedbacks (id INTEGER PRIMARY KEY, feedback BLOB, lastupdate INTEGER,
             offset INTEGER CHECK (offset IS NULL), inode INTEGER, fingerprint TEXT)",
    );
    let task = task.to_string();
    let line = ["launch", "--feedback", "--taskid", &task, "--", "true"];
    let refused = lab.run(line).failure(125);
    assert!(refused.contains("CHECK"), "{refused}");
    assert_eq!(text(&lab.only_task(), "status"), "RESERVED");
}
