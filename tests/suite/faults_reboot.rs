//! The machine was restarted: what ran is lost and says so, what was reserved is free again.

use serde_json::{Value, json};
use taskwatcher_tests::{Lab, Process, Signal};

use crate::{end, id, lab, skipped, text};

/// Another boot in every row, as the next boot finds them.
fn reboot(lab: &Lab) {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let boot = boot.trim();
    let other = "00000000-1111-2222-3333-444444444444";
    lab.edit(&format!(
        "UPDATE tasks SET identity = replace(identity, '{boot}', '{other}')"
    ));
    let left: i64 = lab
        .database()
        .query_row(
            &format!("SELECT count(*) FROM tasks WHERE identity NOT LIKE '%{other}%'"),
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(left, 0, "every row says its boot");
}

#[test]
fn every_running_task_is_lost_with_its_feedback_and_reservations_drop() {
    let lab = lab();
    let mut tasks = Vec::new();
    for name in ["one", "two", "three"] {
        let options = ["--feedback", "--unique", "--name", name];
        let (launcher, mut puppet) = lab.launch(&options, name, &[]);
        puppet.say(&format!("[progress]{name}"));
        puppet.tell("raw [last]half");
        launcher.signal(Signal::KILL);
        let _ = launcher.wait();
        end(puppet, 0);
        tasks.push(name);
    }
    let reserved = lab.reserve(&["--unique", "--name", "reserved", "--ttl", "0"]);
    // Only now: every command before would have archived them.
    let (launcher, puppet) = lab.launch(&["--name", "four"], "four", &[]);
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    let rows = lab.rows("tasks");
    assert_eq!(rows.len(), 2, "{rows:?}");
    reboot(&lab);
    // A process that has the number of the program by chance, and no task's.
    let stranger = Process::open(puppet.pid()).expect("the program");
    assert_eq!(lab.run(["update"]).success(), "");
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert!(
        !stranger.has_ended(),
        "it is not the one of before the restart"
    );
    let history = lab.history(&[]);
    assert_eq!(history.len(), 4);
    let record = &history[3];
    assert_eq!(text(record, "outcome"), "lost");
    assert!(text(record, "termerror").contains("restarted"), "{record}");
    assert_eq!(record["exitcode"], Value::Null);
    let refused = lab
        .run(["launch", "--taskid", &reserved.to_string(), "--", "true"])
        .failure(125);
    assert!(refused.contains("not reserved"), "{refused}");
    let _ = lab.reserve(&["--unique", "--name", "reserved"]);
    drop(puppet);
}

#[test]
fn the_final_feedback_survives_a_restart() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    let task = id(&lab.only_task());
    puppet.say("[a]1");
    assert_eq!(lab.feedback(task), json!({"a": "1"}));
    puppet.say("[b]2");
    puppet.tell("raw [last]half");
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    reboot(&lab);
    assert_eq!(lab.run(["update"]).success(), "");
    let record = lab.only_record();
    assert_eq!(
        record["feedback"],
        json!({"a": "1", "b": "2", "last": "half"})
    );
    assert!(!lab.feedback_file(task).exists());
    assert!(text(&record, "termerror").contains("exit status unknown"));
    drop(puppet);
}

#[test]
fn a_kill_that_was_begun_before_the_restart_stays_the_cause() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    puppet.tell("hold SIGTERM");
    let task = id(&lab.only_task());
    launcher.signal(Signal::TERM);
    assert_eq!(puppet.next_signal(), "SIGTERM");
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    reboot(&lab);
    assert_eq!(lab.run(["update"]).success(), "");
    let record = lab.only_record();
    assert_eq!((id(&record), text(&record, "outcome")), (task, "killed"));
    let error = text(&record, "termerror");
    assert!(
        error.contains("SIGTERM") && error.contains("restarted"),
        "{error}"
    );
    assert_eq!(record["exitcode"], Value::Null);
}

#[test]
fn rows_of_another_machine_are_not_judged_by_this_ones_restart() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    reboot(&lab);
    lab.edit("UPDATE tasks SET identity = json_set(identity, '$.machine', 'another')");
    assert_eq!(lab.run(["update"]).success(), "");
    assert_eq!(lab.list().len(), 1);
    drop(puppet);
}

#[test]
fn the_tasks_of_a_container_that_is_gone_are_lost() {
    let lab = lab();
    let namespaces = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut probe = lab.program("unshare");
    probe.args(namespaces).arg("true");
    let is_outside = std::fs::read_link("/proc/self/ns/pid")
        .is_ok_and(|link| link.to_str() == Some("pid:[4026531836]"));
    if !is_outside || !lab.start(probe).wait().status.success() {
        return skipped("containers cannot be made here, or not be seen from outside of all");
    }
    let mut container = lab.program("unshare");
    let line = lab.launch_line(&["--unique", "--name", "n", "--feedback"], "p", &[]);
    container.args(namespaces).arg(lab.taskwatcher()).args(line);
    let container = lab.start(container);
    let mut puppet = lab.stage().expect("p");
    puppet.say("[a]1");
    let task = id(&lab.only_task());
    let listed = lab.run(["list"]).success();
    assert!(listed.contains("in another container"), "{listed}");
    assert_eq!(lab.feedback(task), json!({"a": "1"}));
    let inside = lab.processes();
    container.signal(Signal::KILL);
    let _ = container.wait();
    for process in inside {
        process.reap();
    }
    let _ = lab.reserve(&["--unique", "--name", "n"]);
    let record = lab.only_record();
    assert_eq!((id(&record), text(&record, "outcome")), (task, "lost"));
    assert!(text(&record, "termerror").contains("container"), "{record}");
    assert_eq!(record["feedback"], json!({"a": "1"}));
    assert!(lab.feedback_file(task).exists());
}
