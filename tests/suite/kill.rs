//! `kill`, `killall`, and signals to a launcher.

use serde_json::{Value, json};
use taskwatcher_tests::process::stat_fields;
use taskwatcher_tests::{Lab, Process, Running, Signal};

use crate::{id, lab, mentions, number, statuses, text};

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
    let listed = lab.only_task();
    assert!(
        listed["ending"].to_string().contains("timeout"),
        "recorded before the signal: {listed}"
    );
    let task = id(&listed).to_string();
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
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let stranger = bystander(&lab, puppet.pid());
    let task = id(&lab.only_task());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    let program = Process::open(puppet.pid()).expect("the program");
    let number = puppet.pid();
    puppet.exit(0);
    program.reap();
    // The kernel gave the number of the dead program to somebody else.
    give_number_away(&lab, number, &stranger);
    let _ = lab.run(["kill", &task.to_string()]);
    assert!(
        !stranger.has_ended(),
        "a process was signalled that is not the task's"
    );
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
}

#[test]
fn a_stranger_with_the_number_of_a_dead_launcher_is_safe() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--unique", "--name", "n"], "p", &[]);
    let stranger = bystander(&lab, launcher.pid());
    let number = launcher.pid();
    assert_eq!(lab.list().len(), 1);
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(0);
    program.reap();
    give_number_away(&lab, number, &stranger);
    let _ = lab.reserve(&["--unique", "--name", "n"]);
    assert!(
        !stranger.has_ended(),
        "a process was signalled that is no launcher"
    );
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
}

/// A process that has nothing to do with any task, and was started in another tick than this one:
/// the kernel does not give a number out again within the same hundredth of a second.
fn bystander(lab: &Lab, other_than: i32) -> Running {
    // Field 22 of stat; the list starts at field 3.
    let tick = |pid| stat_fields(pid).expect("a live process").remove(19);
    loop {
        let line = lab.puppet("stranger", &[]);
        let mut command = lab.program(&line[0]);
        command.args(&line[1..]);
        let running = lab.start(command);
        if tick(running.pid()) != tick(other_than) {
            return running;
        }
    }
}

/// Writes the number of another process wherever this one stands in the only task's row.
fn give_number_away(lab: &Lab, number: i32, other: &Running) {
    fn replace(value: &mut Value, number: i32, other: i32) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|it| replace(it, number, other)),
            Value::Object(values) => values
                .values_mut()
                .for_each(|it| replace(it, number, other)),
            value if value.as_i64() == Some(i64::from(number)) => *value = other.into(),
            _ => {}
        }
    }
    let row = lab.rows("tasks").remove(0);
    let identity = row["identity"].as_str().expect("text");
    let mut identity: Value = serde_json::from_str(identity).expect("JSON");
    assert!(mentions(&identity, number));
    replace(&mut identity, number, other.pid());
    let pid = other.pid();
    lab.edit(&format!(
        "UPDATE tasks SET identity = '{identity}', pid = {pid}"
    ));
}

#[test]
fn a_row_without_identity_leads_to_no_signal() {
    let lab = lab();
    let stranger = bystander(&lab, 1);
    lab.run(["initialize"]).done();
    // As 1.7 writes a running task: a bare number, which anybody may have by now.
    lab.edit(&format!(
        "INSERT INTO tasks (id, name, status, pid, feedback, reservetime, starttime)
         VALUES (5, 'n', 'RUNNING', {}, 0, 1500000000, 1500000000)",
        stranger.pid()
    ));
    let _ = lab.run(["update"]);
    let _ = lab.run(["kill", "5"]);
    let _ = lab.run(["killall", "n"]);
    assert!(
        !stranger.has_ended(),
        "a process was signalled that is not the task's"
    );
}
