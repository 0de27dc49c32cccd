//! The whole tree of a task: ended with it, waited for or left, whatever its members do to escape.

use serde_json::json;
use taskwatcher_tests::{Lab, Process, Puppet};

use crate::{id, lab, lab_alone, number, text};

/// A family that tries every way out: `setsid`, double forks, no environment, deaf to polite
/// signals.
fn family(lab: &Lab, parent: &mut Puppet) -> Vec<Puppet> {
    let ways = [
        ("child", ""),
        ("session", "setsid"),
        ("daemon", "setsid orphan"),
        ("orphan", "orphan"),
        ("bare", "setsid orphan bare"),
    ];
    let mut members: Vec<Puppet> = ways
        .iter()
        .map(|(name, how)| parent.child(lab.stage(), name, how))
        .collect();
    let mut grandchild = members[2].child(lab.stage(), "grandchild", "setsid orphan");
    grandchild.tell("hold SIGTERM SIGHUP SIGINT");
    members.push(grandchild);
    members
}

/// Takes hold of processes, so that their end can be seen whatever happens to their numbers.
fn held(members: &[Puppet]) -> Vec<Process> {
    members
        .iter()
        .map(|it| Process::open(it.pid()).expect("a live process"))
        .collect()
}

#[track_caller]
fn assert_all_ended(members: &[Process]) {
    for member in members {
        assert!(member.has_ended(), "{} lives on", member.pid());
    }
}

#[test]
fn a_killed_task_takes_its_whole_tree_along() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "0.3"], "p", &[]);
    let members = held(&family(&lab, &mut puppet));
    let task = id(&lab.only_task());
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    assert_all_ended(&members);
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
    assert_eq!(launcher.wait().code(), 143);
    lab.assert_nothing_left();
}

#[test]
fn a_timeout_takes_the_whole_tree_along() {
    let lab = lab();
    let options = ["--grace", "0.3", "--feedback", "--timeout", "1"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let members = held(&family(&lab, &mut puppet));
    assert_eq!(launcher.wait().code(), 124);
    assert_all_ended(&members);
    lab.assert_nothing_left();
}

#[test]
fn what_a_command_leaves_running_is_ended_and_counted() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "0.3"], "p", &[]);
    let family = family(&lab, &mut puppet);
    let members = held(&family);
    puppet.exit(5);
    let output = launcher.wait();
    assert_eq!(output.code(), 5);
    assert_all_ended(&members);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("failed", 5)
    );
    assert_eq!(record["leftovers"], json!(family.len()));
    lab.assert_nothing_left();
}

#[test]
fn leftovers_that_obey_need_no_grace() {
    let lab = lab();
    // The grace is longer than any test waits.
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    let mut child = puppet.child(lab.stage(), "daemon", "setsid orphan");
    puppet.exit(0);
    child.wait_for_end();
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(number(&lab.only_record(), "leftovers"), 1);
}

#[test]
fn leftovers_may_be_waited_for() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--leftovers", "wait", "--feedback"], "p", &[]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
    puppet.say("[early]1");
    puppet.exit(6);
    // The command has ended, its row stays, and what is left can still be asked for and killed.
    assert_eq!(child.tell("nap 1100"), "");
    let task = lab.only_task();
    assert_eq!(text(&task, "status"), "RUNNING");
    assert_eq!(lab.feedback(id(&task)), json!({"early": "1"}));
    assert!(!launcher.has_ended());
    child.exit(0);
    assert_eq!(launcher.wait().code(), 6);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("failed", 6)
    );
    assert_eq!(number(&record, "leftovers"), 1);
    assert!(
        number(&record, "elapsed_ms") < 1100,
        "the end is the command's own: {record}"
    );
    lab.assert_nothing_left();
}

#[test]
fn leftovers_that_are_waited_for_obey_the_maximum_time() {
    let lab = lab();
    let options = ["--leftovers", "wait", "--max-time", "0.7", "--grace", "0.2"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
    child.tell("hold SIGTERM");
    puppet.exit(0);
    child.wait_for_end();
    assert_eq!(launcher.wait().code(), 124);
    assert_eq!(text(&lab.only_record(), "outcome"), "timeout");
    lab.assert_nothing_left();
}

#[test]
fn leftovers_may_be_left() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--leftovers", "leave"], "p", &[]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
    let mut same_group = puppet.child(lab.stage(), "same", "orphan");
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(number(&lab.only_record(), "leftovers"), 2);
    for survivor in [&mut child, &mut same_group] {
        assert!(!survivor.has_ended(), "it was to be left alone");
        survivor.tell("print still here");
    }
    assert_eq!(lab.list().len(), 0);
}

#[test]
fn chains_of_processes_cannot_run_away() {
    let lab = lab_alone();
    let (launcher, mut puppet) = lab.launch(&["--grace", "0.2"], "p", &[]);
    // Each link starts the next and exits, faster than a list of processes can be read, and is
    // deaf to the polite signal.
    let script = r#"trap "" TERM; hop() { [ "$1" -gt 0 ] && hop $(($1 - 1)) & }; hop 4000"#;
    for _ in 0..20 {
        puppet.tell(&format!("start sh\u{1f}-c\u{1f}{script}"));
    }
    let task = id(&lab.only_task());
    let output = lab.run(["kill", &task.to_string()]);
    assert_eq!(output.code(), 0, "{output:?}, left: {:?}", lab.processes());
    assert_eq!(launcher.wait().code(), 143);
    lab.assert_nothing_left();
    assert_eq!(
        text(&lab.only_record(), "termerror")
            .matches("still run")
            .count(),
        0
    );
}

#[test]
fn a_stopped_task_can_be_ended_politely() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
    child.send("stop");
    puppet.send("stop");
    let task = id(&lab.only_task());
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    child.wait_for_end();
    assert_eq!(launcher.wait().code(), 143);
    assert_eq!(text(&lab.only_record(), "termsignal"), "SIGTERM");
    lab.assert_nothing_left();
}

#[test]
fn a_neighbour_is_never_touched() {
    let lab = lab();
    let (launcher, _puppet) = lab.launch(&["--name", "one"], "p", &[]);
    let (neighbour, mut other) = lab.launch(&["--name", "two"], "q", &[]);
    let line = lab.puppet("bystander", &[]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let bystander = lab.start(command);
    lab.run(["killall", "one"]).done();
    assert_eq!(launcher.wait().code(), 143);
    other.tell("print alive");
    assert!(!bystander.has_ended());
    other.exit(0);
    let _ = neighbour.wait();
}

#[test]
fn a_task_may_end_itself() {
    let lab = lab();
    let mut command = lab.command(["launch", "--grace", "5", "--", "sh", "-c"]);
    let script = r#""$0" kill "$TASKWATCHER_TASKID"; echo survived"#;
    command.args([script, lab.taskwatcher()]);
    let output = lab.start(command).wait();
    assert_eq!(output.code(), 143, "{output:?}");
    assert_eq!(output.stdout, "");
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
    lab.assert_nothing_left();
}

#[test]
fn a_task_within_a_task() {
    let lab = lab();
    let mut line = vec!["launch", "--name", "outer", "--", lab.taskwatcher()];
    let inner = lab.launch_line(&["--name", "inner"], "p", &[]);
    line.extend(inner.iter().map(String::as_str));
    let launcher = lab.spawn(&line);
    let mut puppet = lab.stage().expect("p");
    assert_eq!(lab.list().len(), 2);
    let _ = lab.run(["killall", "outer"]);
    puppet.wait_for_end();
    assert_eq!(launcher.wait().code(), 143);
    let mut records = lab.history(&[]);
    records.sort_by_key(|record| text(record, "taskname").to_owned());
    let names: Vec<&str> = records
        .iter()
        .map(|record| text(record, "taskname"))
        .collect();
    assert_eq!(names, ["inner", "outer"]);
    assert_eq!(text(&records[1], "outcome"), "killed");
    // Its launcher and its program got the same signal: either may have been first.
    assert!(
        ["killed", "signalled"].contains(&text(&records[0], "outcome")),
        "{}",
        records[0]
    );
    lab.assert_nothing_left();
}

#[test]
fn orphans_of_a_neighbour_that_come_to_the_launcher_are_not_the_tasks() {
    let lab = lab();
    let helper = lab.puppet("helper", &[]).join("' '");
    let mut shell = lab.program("sh");
    let script = format!(r#"'{helper}' & exec "$@""#);
    shell
        .args(["-c", &script, "sh", lab.taskwatcher()])
        .args(lab.launch_line(&["--grace", "0"], "p", &[]));
    let launcher = lab.start(shell);
    let mut helper = lab.stage().expect("helper");
    let mut puppet = lab.stage().expect("p");
    let mut theirs = helper.child(lab.stage(), "theirs", "setsid orphan");
    let ours = puppet.child(lab.stage(), "ours", "setsid orphan");
    let ours = Process::open(ours.pid()).expect("it lives");
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert!(ours.has_ended());
    theirs.tell("print unharmed");
    assert_eq!(number(&lab.only_record(), "leftovers"), 1);
}
