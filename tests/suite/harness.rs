//! The tools of the tests, tested without the program: puppets, waiting, finding strays, terminals.

use std::fs;

use taskwatcher_tests::process::{effort, status_field};
use taskwatcher_tests::{Process, Signal, Terminal};

use crate::lab;

#[test]
fn a_puppet_obeys_and_reports() {
    let lab = lab();
    let line = lab.puppet("p", &["--", "a b", ""]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let running = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    assert_eq!(puppet.pid(), running.pid());
    let report = puppet.report();
    let arguments = report["arguments"].as_array().expect("a list");
    assert_eq!(arguments[arguments.len() - 2], "612062");
    assert_eq!(arguments[arguments.len() - 1], "");
    assert_eq!(report["descriptors"]["0"], "/dev/null");
    assert_eq!(report["descriptors"]["3"], serde_json::Value::Null);
    puppet.tell("print hello");
    puppet.exit(3);
    let output = running.wait();
    assert_eq!((output.code(), output.stdout.as_str()), (3, "hello\n"));
}

#[test]
fn a_puppet_writes_feedback_like_the_known_producer() {
    let lab = lab();
    let line = lab.puppet("p", &["--feedback=f.log"]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let _running = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    puppet.say("[progress]1");
    puppet.say("[progress]2");
    puppet.tell("beats 3 1000");
    let text = fs::read_to_string(lab.path("f.log")).expect("the file");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("# 2"), "{text}");
    assert_eq!(
        lines[1..],
        [
            "[progress]1",
            "[progress]2",
            "[heartbeat]0",
            "[heartbeat]1",
            "[heartbeat]2"
        ]
    );
}

#[test]
fn a_puppet_holds_signals_and_dies_of_others() {
    let lab = lab();
    let line = lab.puppet("p", &[]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let running = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    puppet.tell("hold SIGTERM SIGINT");
    running.signal(Signal::TERM);
    running.signal(Signal::INT);
    let mut came = [puppet.next_signal(), puppet.next_signal()];
    came.sort();
    assert_eq!(came, ["SIGINT", "SIGTERM"]);
    puppet.send("die SIGSEGV");
    puppet.wait_for_end();
    let status = running.wait().status;
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(11)
    );
}

#[test]
fn strays_are_found_and_ended_with_their_lab() {
    let lab = lab();
    let line = lab.puppet("p", &[]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let running = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    let mut daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
    let child = puppet.child(lab.stage(), "child", "setsid");
    let mut bare = puppet.child(lab.stage(), "bare", "bare orphan");
    assert_ne!(
        status_field(daemon.pid(), "PPid"),
        Some(puppet.pid().to_string())
    );
    assert_eq!(
        status_field(child.pid(), "PPid"),
        Some(puppet.pid().to_string())
    );
    assert!(
        bare.report()["environment"]
            .as_object()
            .expect("a map")
            .is_empty()
    );
    puppet.tell("hop 20");
    let hopped = lab.stage().expect("hopped");
    let alive: Vec<i32> = lab.processes().iter().map(Process::pid).collect();
    for expected in [running.pid(), daemon.pid(), child.pid(), hopped.pid()] {
        assert!(alive.contains(&expected), "{expected} not in {alive:?}");
    }
    let held = Process::open(daemon.pid()).expect("a live daemon");
    assert!(!held.has_ended() && !daemon.has_ended());
    let bare_held = Process::open(bare.pid()).expect("a live process");
    // One without the mark ends because its test let go of it.
    drop((lab, bare));
    assert!(held.has_ended());
    daemon.wait_for_end();
    bare_held.wait_for_end();
}

#[test]
fn waiting_for_files_wakes_at_the_change() {
    let lab = lab();
    let line = lab.puppet("p", &["--feedback=f.log"]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let _running = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    puppet.send("beats 50 1000");
    let text = lab.wait_for_file("the last beat", || {
        fs::read_to_string(lab.path("f.log"))
            .ok()
            .filter(|text| text.contains("[heartbeat]49"))
    });
    assert!(text.starts_with('#'));
}

#[test]
fn an_idle_puppet_shows_no_effort() {
    let lab = lab();
    let line = lab.puppet("idle", &[]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let _running = lab.start(command);
    let mut idle = lab.stage().expect("idle");
    let mut busy = idle.child(lab.stage(), "busy", "");
    let before = effort(idle.pid());
    for _ in 0..50 {
        busy.tell("print beat");
    }
    assert_eq!(effort(idle.pid()), before);
    idle.tell("nap 1");
    assert!(effort(idle.pid()).voluntary_switches > before.voluntary_switches);
}

#[test]
fn a_shell_gives_a_job_the_terminal_and_takes_it_back() {
    let lab = lab();
    let mut terminal = Terminal::open(80);
    let line = lab.puppet("shell", &["--terminal", terminal.path()]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let _running = lab.start(command);
    let mut shell = lab.stage().expect("shell");
    let job = lab.puppet("job", &[]).join("\u{1f}");
    shell.tell(&format!("job {job}"));
    let mut puppet = lab.stage().expect("job");
    let groups = puppet.tell("foreground");
    let (own, front) = groups.split_once(' ').expect("two groups");
    assert_eq!(own, front);
    puppet.tell("print here I am");
    terminal.wait_for("here I am");
    terminal.type_bytes(b"\x03");
    puppet.wait_for_end();
    assert_eq!(shell.tell("await"), "130");
    let groups = shell.tell("foreground");
    let (own, front) = groups.split_once(' ').expect("two groups");
    assert_eq!(own, front);
}
