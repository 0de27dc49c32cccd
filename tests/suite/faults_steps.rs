//! A launcher dies at every step of its life. After one further command each task is in the history
//! or among the running ones, exactly once; the truth is told; nothing runs that is not recorded;
//! no file is left.

use serde_json::{Value, json};
use taskwatcher_tests::{Lab, Process, Running};

use crate::{end, id, lab, launcher_of, number, orphaned, text};

/// The command under test, which dies by its own hand at this step.
fn dying_at(lab: &Lab, step: &str, line: &[String]) -> Running {
    let mut command = lab.command(line);
    command.env("TASKWATCHER_FAULT", step);
    lab.start(command)
}

#[track_caller]
fn assert_killed(launcher: Running, step: &str) {
    use std::os::unix::process::ExitStatusExt;
    let output = launcher.wait();
    assert_eq!(output.status.signal(), Some(9), "at {step}: {output:?}");
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|&word| word.to_owned()).collect()
}

/// A program that leaves traces: a file, a value of feedback and the exit code 3.
const PROGRAM: [&str; 3] = [
    "sh",
    "-c",
    "echo ran >>ran; echo [a]1 >>\"$TASKWATCHER_FEEDBACK\"; exit 3",
];

/// Everything that a task leaves, after one command has put it in order.
#[track_caller]
fn assert_in_order(lab: &Lab) {
    lab.run(["update"]).done();
    lab.assert_nothing_left();
    let names = std::fs::read_dir(lab.folder()).expect("the folder");
    let spools: Vec<_> = names
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().contains("spool"))
        .collect();
    assert!(spools.is_empty(), "{spools:?}");
    assert_eq!(lab.list(), Vec::<Value>::new());
}

#[test]
fn before_the_claim_nothing_has_happened() {
    for step in ["BeforeFork", "Forked"] {
        let lab = lab();
        let task = lab.reserve(&[]);
        let reserved = task.to_string();
        let mut line = words(&["launch", "--feedback", "--taskid", &reserved, "--"]);
        line.extend(words(&PROGRAM));
        assert_killed(dying_at(&lab, step, &line), step);
        lab.run(["update"]).done();
        assert!(!lab.path("ran").exists(), "at {step} nothing may run");
        // The child at the gate goes by itself.
        for process in lab.processes() {
            process.reap();
        }
        assert_eq!(id(&lab.only_task()), task, "the reservation holds");
        assert_eq!(lab.history(&[]), Vec::<Value>::new());
        assert_eq!(lab.run(&line).code(), 3);
        assert_in_order(&lab);
    }
}

#[test]
fn a_claimed_task_that_never_ran_is_lost_and_never_runs() {
    for detach in [false, true] {
        let lab = lab();
        let mut line = words(&["launch", "--feedback"]);
        line.extend(detach.then(|| "--detach".to_owned()));
        line.push("--".to_owned());
        line.extend(words(&PROGRAM));
        let launcher = dying_at(&lab, "Claimed", &line);
        if detach {
            assert!(launcher.wait().failure(125).contains("died before"));
        } else {
            assert_killed(launcher, "Claimed");
        }
        lab.run(["update"]).done();
        // If the child was still at the gate, it was adopted, and its end is no command's.
        for process in lab.processes() {
            process.reap();
        }
        assert_in_order(&lab);
        assert!(!lab.path("ran").exists());
        let record = lab.only_record();
        assert_eq!(text(&record, "outcome"), "lost");
        assert_eq!(record["exitcode"], Value::Null);
    }
}

#[test]
fn a_command_that_runs_is_adopted() {
    for step in ["Ordered", "Executed"] {
        let lab = lab();
        let line = lab.launch_line(&["--feedback"], "p", &[]);
        assert_killed(dying_at(&lab, step, &line), step);
        // Whether it has executed its program by now or is about to.
        lab.run(["update"]).done();
        let mut puppet = lab.stage().expect("p");
        puppet.say("[a]1");
        let launcher = launcher_of(&lab, id(&lab.only_task()));
        end(puppet, 3);
        launcher.reap();
        assert_in_order(&lab);
        let record = lab.only_record();
        assert_eq!(
            (text(&record, "outcome"), number(&record, "exitcode")),
            ("failed", 3)
        );
        assert_eq!(record["feedback"], json!({"a": "1"}));
    }
}

#[test]
fn an_end_that_was_seen_and_not_recorded_is_lost_with_its_feedback() {
    for step in ["ExitSeen", "BeforeCommit"] {
        let lab = lab();
        let line = lab.launch_line(&["--feedback"], "p", &[]);
        let launcher = dying_at(&lab, step, &line);
        let mut puppet = lab.stage().expect("p");
        puppet.say("[a]1");
        let program = Process::open(puppet.pid()).expect("the program");
        puppet.exit(3);
        assert_killed(launcher, step);
        program.reap();
        assert_in_order(&lab);
        let record = lab.only_record();
        assert_eq!(text(&record, "outcome"), "lost", "at {step}");
        assert_eq!(record["exitcode"], Value::Null);
        assert_eq!(record["feedback"], json!({"a": "1"}));
    }
}

#[test]
fn a_recorded_task_is_recorded_once_and_its_file_goes() {
    for step in ["Committed", "Removed"] {
        let lab = lab();
        let mut line = words(&["launch", "--feedback", "--"]);
        line.extend(words(&PROGRAM));
        assert_killed(dying_at(&lab, step, &line), step);
        assert_eq!(lab.feedback_file(1).exists(), step == "Committed");
        assert_in_order(&lab);
        let record = lab.only_record();
        assert_eq!(
            (text(&record, "outcome"), number(&record, "exitcode")),
            ("failed", 3)
        );
        assert_eq!(record["feedback"], json!({"a": "1"}));
    }
}

#[test]
fn a_file_that_another_task_has_by_then_is_not_deleted_for_the_first() {
    let lab = lab();
    let mut line = words(&["launch", "--feedback", "--"]);
    line.extend(words(&PROGRAM));
    assert_killed(dying_at(&lab, "Committed", &line), "Committed");
    // Every command deletes it, also the one that would be in its way.
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[b]2");
    assert!(!lab.feedback_file(1).exists());
    assert_eq!(lab.feedback(2), json!({"b": "2"}));
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_in_order(&lab);
}

#[test]
fn an_adopter_dies_at_every_step_too() {
    for (step, outcome) in [
        ("ExitSeen", "lost"),
        ("BeforeCommit", "lost"),
        ("Committed", "failed"),
        ("Removed", "failed"),
    ] {
        let lab = lab();
        let (task, mut puppet) = orphaned(&lab, &["--feedback"]);
        puppet.say("[a]1");
        dying_at(&lab, step, &words(&["update"])).wait().done();
        let launcher = launcher_of(&lab, task);
        end(puppet, 3);
        launcher.reap();
        assert_in_order(&lab);
        let record = lab.only_record();
        assert_eq!(text(&record, "outcome"), outcome, "at {step}");
        assert_eq!(record["feedback"], json!({"a": "1"}));
    }
}

#[test]
fn a_detached_launcher_that_dies_late_is_no_failure_of_its_caller() {
    let lab = lab();
    let line = lab.launch_line(&["--detach"], "p", &[]);
    let caller = dying_at(&lab, "ExitSeen", &line);
    let printed = caller.wait().success();
    let puppet = lab.stage().expect("p");
    let task = id(&lab.only_task());
    assert_eq!(printed.trim(), task.to_string());
    let launcher = launcher_of(&lab, task);
    puppet.exit(3);
    launcher.reap();
    // Its zombie fell to this test, which has not reaped it: it still tells.
    assert_in_order(&lab);
    assert_eq!(number(&lab.only_record(), "exitcode"), 3);
}
