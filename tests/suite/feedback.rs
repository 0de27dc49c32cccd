//! Feedback: what a task says while it runs and at its end, and what becomes of its file.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::{id, lab, text};

#[test]
fn values_are_answered_while_the_task_writes() {
    let lab = lab();
    let task = lab.reserve(&["--name", "n"]);
    let file = lab.feedback_file(task);
    let file = format!("--feedback={}", file.display());
    let (launcher, mut puppet) = lab.launch(&["--taskid", &task.to_string()], "p", &[&file]);
    assert_eq!(lab.feedback(task), json!({}), "nothing said yet");
    for line in [
        "[playbook]p",
        "[testcase_id]001",
        "[progress]12",
        "[info]starting",
        "[progress]15",
    ] {
        puppet.say(line);
    }
    puppet.say("[info]");
    puppet.say("[heartbeat]");
    assert_eq!(
        lab.run(["feedback", &task.to_string()]).success(),
        "{\"playbook\":\"p\",\"testcase_id\":\"001\",\"progress\":\"15\"}\n"
    );
    // A line counts when it is whole.
    puppet.tell("raw [progress]9");
    assert_eq!(lab.feedback(task)["progress"], "15");
    puppet.tell("raw 9");
    puppet.say("");
    assert_eq!(lab.feedback(task)["progress"], "99");
    let stored = lab.rows("feedbacks");
    assert_eq!((stored.len(), &stored[0]["id"]), (1, &json!(task)));
    let stored: Value =
        serde_json::from_str(stored[0]["feedback"].as_str().expect("text")).expect("JSON");
    assert_eq!(stored["progress"], "99");
    puppet.say("[]");
    puppet.say("[report]all well");
    puppet.tell("raw [last]unfinished");
    puppet.exit(0);
    let _ = launcher.wait().success();
    let expected = json!({"report": "all well", "last": "unfinished"});
    assert_eq!(lab.only_record()["feedback"], expected);
    assert_eq!(
        lab.feedback(task),
        expected,
        "of a finished task, its final ones"
    );
    lab.assert_nothing_left();
}

#[test]
fn a_reader_follows_replaced_truncated_and_rewritten_files() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    let task = id(&lab.only_task());
    puppet.say("[a]1");
    puppet.say("[b]2");
    assert_eq!(lab.feedback(task), json!({"a": "1", "b": "2"}));
    puppet.tell("replace [c]3");
    assert_eq!(lab.feedback(task), json!({"c": "3"}));
    puppet.tell("truncate");
    assert_eq!(lab.feedback(task), json!({}));
    puppet.tell("rewrite [d]4");
    assert_eq!(lab.feedback(task), json!({"d": "4"}));
    // Same size, same inode, other content.
    puppet.tell("rewrite [e]5");
    assert_eq!(lab.feedback(task), json!({"e": "5"}));
    puppet.tell("rewrite [f]6666666666666666666666");
    assert_eq!(lab.feedback(task), json!({"f": "6666666666666666666666"}));
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(
        lab.only_record()["feedback"],
        json!({"f": "6666666666666666666666"})
    );
}

#[test]
fn bytes_of_an_earlier_run_are_not_this_tasks() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, "[old]1\n[progress]100\n").expect("a file");
    let options = ["--taskid", &task.to_string(), "--feedback"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    assert_eq!(lab.feedback(task), json!({}));
    puppet.say("[progress]1");
    assert_eq!(lab.feedback(task), json!({"progress": "1"}));
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(lab.only_record()["feedback"], json!({"progress": "1"}));
    assert!(!file.exists(), "it changed under this task");
}

#[test]
fn a_program_that_starts_its_file_anew_is_read_from_the_start() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, "[old]1\n").expect("a file");
    let options = ["--taskid", &task.to_string(), "--feedback"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    puppet.tell("rewrite [new]a value that is longer than the old file");
    let expected = json!({"new": "a value that is longer than the old file"});
    assert_eq!(lab.feedback(task), expected);
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(lab.only_record()["feedback"], expected);
}

#[test]
fn a_file_that_this_task_never_touched_stays() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, "[old]1\n").expect("a file");
    let line = [
        "launch",
        "--taskid",
        &task.to_string(),
        "--feedback",
        "--",
        "true",
    ];
    let _ = lab.run(line).success();
    assert_eq!(fs::read_to_string(&file).expect("the file"), "[old]1\n");
    let feedback = &lab.only_record()["feedback"];
    assert!(feedback.is_null() || *feedback == json!({}), "{feedback}");
}

#[test]
fn only_a_regular_file_is_deleted() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(lab.path("elsewhere"), "").expect("a file");
    symlink(lab.path("elsewhere"), &file).expect("a link");
    let options = ["--taskid", &task.to_string(), "--feedback"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    puppet.say("[a]1");
    puppet.exit(0);
    let _ = launcher.wait();
    assert!(file.symlink_metadata().is_ok(), "the link was deleted");
    assert!(
        lab.path("elsewhere").exists(),
        "the file behind the link was deleted"
    );
}

#[test]
fn a_pipe_in_place_of_the_file_blocks_nobody() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a pipe");
    let options = [
        "--taskid",
        &task.to_string(),
        "--feedback",
        "--timeout",
        "30",
    ];
    let (launcher, puppet) = lab.launch(&options, "p", &[]);
    // An answer of any kind, but an answer.
    let _ = lab.run(["feedback", &task.to_string()]);
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
    assert!(file.symlink_metadata().is_ok(), "the pipe was deleted");
}

#[test]
fn what_took_the_place_of_the_file_is_not_deleted() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    let (other_launcher, mut other) = lab.launch(&["--feedback"], "q", &[]);
    let files: Vec<_> = lab
        .list()
        .iter()
        .map(|task| lab.feedback_file(id(task)))
        .collect();
    for puppet in [&mut puppet, &mut other] {
        puppet.say("[a]1");
        puppet.tell("remove");
    }
    symlink("/etc/hostname", &files[0]).expect("a link");
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
    nix::unistd::mkfifo(&files[1], mode).expect("a pipe");
    puppet.exit(0);
    other.exit(0);
    assert_eq!(
        (launcher.wait().code(), other_launcher.wait().code()),
        (0, 0)
    );
    for file in files {
        assert!(
            file.symlink_metadata().is_ok(),
            "{} was deleted",
            file.display()
        );
    }
}

#[test]
fn keep_feedback_keeps_the_file() {
    let lab = lab();
    let options = ["--feedback", "--keep-feedback"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let task = id(&lab.only_task());
    puppet.say("[a]1");
    puppet.exit(0);
    let _ = launcher.wait().success();
    let text = fs::read_to_string(lab.feedback_file(task)).expect("the file");
    assert!(text.ends_with("[a]1\n"), "{text}");
    assert_eq!(lab.only_record()["feedback"], json!({"a": "1"}));
}

#[test]
fn the_folder_for_feedback_is_made_and_may_be_relative() {
    let lab = lab();
    let options = ["--feedpath", "deep/er"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &["--feedback={feedback}"]);
    let task = lab.only_task();
    let expected = lab.path(&format!("deep/er/feedback_{}.log", id(&task)));
    assert_eq!(
        text(&task, "feedfile"),
        expected.to_str().expect("a plain name")
    );
    assert_eq!(task["feedback"], json!(true));
    puppet.say("[a]1");
    assert!(expected.exists());
    assert_eq!(lab.feedback(id(&task)), json!({"a": "1"}));
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert!(!expected.exists());
}

#[test]
fn a_launch_that_gives_feedback_reserves_for_itself() {
    let lab = lab();
    for (options, argument) in [
        (&["--feedback"][..], "x"),
        (&[][..], "--feedback={feedback}"),
        (&[][..], "{feedback}"),
    ] {
        let (launcher, puppet) = lab.launch(options, "p", &[argument]);
        assert_eq!(
            lab.only_task()["feedback"],
            json!(true),
            "{options:?} {argument}"
        );
        puppet.exit(0);
        let _ = launcher.wait().success();
    }
    let (launcher, puppet) = lab.launch(&["--literal"], "p", &["{feedback}"]);
    assert_eq!(lab.only_task()["feedback"], json!(false), "literal");
    puppet.exit(0);
    let _ = launcher.wait().success();
}

#[test]
fn feedback_of_what_has_none() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let task = id(&lab.only_task()).to_string();
    assert!(lab.run(["feedback", &task]).failure(1).contains(&task));
    puppet.exit(0);
    let _ = launcher.wait().success();
    let code = lab.run(["feedback", &task]).code();
    assert_eq!(code, 1, "a finished task without feedback");
    assert!(lab.run(["feedback", "999"]).failure(3).contains("999"));
    let _ = lab.run(["feedback"]).failure(2);
    let _ = lab.run(["feedback", "x"]).failure(2);
}

#[test]
fn a_value_is_data_whatever_it_holds() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    let task = id(&lab.only_task());
    puppet.say("[q]  \"a\\b\" ] [x]\u{1b}[31m\u{9b}");
    let printed = lab.run(["feedback", &task.to_string()]).success();
    let values: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(values["q"], "  \"a\\b\" ] [x]\u{1b}[31m\u{9b}");
    assert!(
        !printed.contains('\u{1b}') && !printed.contains('\u{9b}'),
        "{printed:?}"
    );
    puppet.exit(0);
    let _ = launcher.wait();
}
