//! `kill`, `killall`, and signals to a launcher.

use serde_json::{Value, json};
use taskwatcher_tests::{Process, Signal};

use crate::{id, lab, number, statuses, text};

#[test]
fn kill_returns_when_the_task_is_archived() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    puppet.tell("hold SIGTERM");
    let task = id(&lab.only_task()).to_string();
    let killer = lab.spawn(["kill", &task]);
    assert_eq!(puppet.next_signal(), "SIGTERM");
    let listed = lab.only_task();
    assert!(
        listed["ending"].is_object(),
        "the cause stands in the row first: {listed}"
    );
    assert!(!killer.has_ended(), "the task still cleans up");
    puppet.exit(9);
    assert_eq!(killer.wait().code(), 0);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("killed", 9)
    );
    assert_eq!(record["termsignal"], Value::Null);
    assert_eq!(launcher.wait().code(), 9);
    lab.assert_nothing_left();
}

#[test]
fn a_task_that_does_not_listen_is_killed_after_its_grace() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "0.3"], "p", &[]);
    puppet.tell("hold SIGTERM");
    let task = id(&lab.only_task()).to_string();
    assert_eq!(lab.run(["kill", &task]).code(), 0);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("killed", "SIGKILL")
    );
    assert_eq!(launcher.wait().code(), 137);
}

#[test]
fn kill_of_nothing() {
    let lab = lab();
    lab.run(["initialize"]).done();
    assert!(lab.run(["kill", "12345"]).failure(3).contains("12345"));
    let _ = lab.run(["launch", "--", "true"]).success();
    let finished = id(&lab.only_record()).to_string();
    // It is known and cannot be ended any more: refused, or no task any longer.
    let output = lab.run(["kill", &finished]);
    assert!(
        [1, 3].contains(&output.code()) && output.stderr.contains(&finished),
        "{output:?}"
    );
    let _ = lab.run(["kill"]).failure(2);
    let _ = lab.run(["kill", "one"]).failure(2);
    let _ = lab.run(["killall"]).failure(2);
    let output = lab.run(["killall", "nobody"]);
    assert!([1, 3].contains(&output.code()), "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1);
}

#[test]
fn a_reservation_is_dropped() {
    let lab = lab();
    let first = lab.reserve(&["--name", "r"]).to_string();
    let _second = lab.reserve(&["--name", "r"]);
    let third = lab.reserve(&["--name", "other"]);
    lab.run(["kill", &first]).done();
    assert_eq!(lab.list().len(), 2);
    lab.run(["killall", "r"]).done();
    assert_eq!(id(&lab.only_task()), third);
    assert_eq!(lab.history(&[]), Vec::<Value>::new());
}

#[test]
fn several_at_once_and_one_that_is_not_there() {
    let lab = lab();
    let (one, _a) = lab.launch(&[], "a", &[]);
    let (two, _b) = lab.launch(&[], "b", &[]);
    let ids: Vec<String> = lab.list().iter().map(|task| id(task).to_string()).collect();
    let output = lab.run(["kill", &ids[0], "999", &ids[1]]);
    assert_eq!(output.code(), 3);
    assert!(output.stderr.contains("999"), "{output:?}");
    assert_eq!((one.wait().code(), two.wait().code()), (143, 143));
    assert_eq!(lab.history(&["--outcome", "killed"]).len(), 2);
    lab.assert_nothing_left();
}

#[test]
fn killall_takes_a_name_and_only_that() {
    let lab = lab();
    let (one, _a) = lab.launch(&["--name", "n"], "a", &[]);
    let (two, _b) = lab.launch(&["--name", "n"], "b", &[]);
    let (other, survivor) = lab.launch(&["--name", "nn"], "c", &[]);
    let _reserved = lab.reserve(&["--name", "n"]);
    lab.run(["killall", "n"]).done();
    assert_eq!((one.wait().code(), two.wait().code()), (143, 143));
    assert_eq!(text(&lab.only_task(), "name"), "nn");
    survivor.exit(0);
    assert_eq!(other.wait().code(), 0);
}

#[test]
fn two_killers_of_one_task() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    puppet.tell("hold SIGTERM");
    let task = id(&lab.only_task()).to_string();
    let first = lab.spawn(["kill", &task]);
    assert_eq!(puppet.next_signal(), "SIGTERM");
    let second = lab.spawn(["kill", &task]);
    puppet.exit(0);
    assert_eq!(first.wait().code(), 0);
    // The second may come too late and find nothing: a true answer either way.
    let code = second.wait().code();
    assert!([0, 1, 3].contains(&code), "{code}");
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
}

#[test]
fn a_signal_to_the_launcher_ends_the_task_with_that_signal() {
    for (signal, name, code) in [
        (Signal::TERM, "SIGTERM", 143),
        (Signal::INT, "SIGINT", 130),
        (Signal::HUP, "SIGHUP", 129),
        (Signal::QUIT, "SIGQUIT", 131),
    ] {
        let lab = lab();
        let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
        let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
        child.tell(&format!("hold {name}"));
        launcher.signal(signal);
        assert_eq!(child.next_signal(), name);
        child.exit(0);
        assert_eq!(launcher.wait().code(), code, "{name}");
        let record = lab.only_record();
        assert_eq!(
            (text(&record, "outcome"), text(&record, "termsignal")),
            ("killed", name)
        );
        lab.assert_nothing_left();
    }
}

#[test]
fn a_second_interrupt_cuts_the_grace() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::QUIT, "SIGQUIT")] {
        let lab = lab();
        let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
        puppet.tell(&format!("hold {name}"));
        launcher.signal(signal);
        assert_eq!(puppet.next_signal(), name);
        launcher.signal(signal);
        assert_eq!(launcher.wait().code(), 137);
        let record = lab.only_record();
        assert_eq!(
            (text(&record, "outcome"), text(&record, "termsignal")),
            ("killed", "SIGKILL")
        );
        lab.assert_nothing_left();
    }
}

#[test]
fn nohup_keeps_a_task_through_a_hangup() {
    let lab = lab();
    let mut command = lab.program("env");
    command
        .args(["--ignore-signal=HUP", lab.taskwatcher()])
        .args(lab.launch_line(&[], "p", &[]));
    let launcher = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    launcher.signal(Signal::HUP);
    puppet.tell("print still here");
    assert!(lab.only_task()["ending"].is_null());
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
}

#[test]
fn the_first_cause_stays_the_outcome() {
    let lab = lab();
    let options = ["--grace", "1h", "--feedback", "--timeout", "0.6"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    puppet.tell("hold SIGTERM");
    assert_eq!(puppet.next_signal(), "SIGTERM");
    let task = id(&lab.only_task()).to_string();
    let killer = lab.spawn(["kill", &task]);
    // Whatever the second wish does, a beat now is too late, and so is another cause.
    puppet.say("[late]1");
    puppet.exit(0);
    let _ = killer.wait();
    assert_eq!(launcher.wait().code(), 124);
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "timeout");
    assert_eq!(record["feedback"], json!({"late": "1"}));
    assert_eq!(statuses(&record), ["RUNNING", "SILENT", "STALLED"]);
}

#[test]
fn a_stranger_with_a_used_number_is_safe() {
    let lab = lab();
    let line = lab.puppet("stranger", &[]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let stranger = lab.start(command);
    let _connected = lab.stage().expect("stranger");
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let task = id(&lab.only_task()).to_string();
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(0);
    program.reap();
    // The kernel gave the number of the dead program to somebody else.
    lab.edit(&format!(
        "UPDATE tasks SET pid = {} WHERE id = {task}",
        stranger.pid()
    ));
    let _ = lab.run(["kill", &task]);
    assert!(
        !stranger.has_ended(),
        "a process was signalled that is not the task's"
    );
    assert_eq!(lab.list(), Vec::<Value>::new());
}
