//! Clocks that jump and launchers that stand still. The wall clock is moved behind the command's
//! back, by the file that its fault build reads; file times stay, which is the worst case of both.

use std::fs;

use serde_json::Value;
use taskwatcher_tests::{Lab, Process, Puppet, Running, Signal};

use crate::{assert_fell_silent, id, lab, launcher_of, number, statuses, text};

const DAY: i64 = 86_400;

/// Moves clocks of the command under test, by seconds.
fn set_clocks(lab: &Lab, moves: &[(&str, i64)]) {
    let lines: Vec<String> = moves
        .iter()
        .map(|(clock, seconds)| format!("{clock} {seconds}\n"))
        .collect();
    fs::write(lab.path("clocks.new"), lines.concat()).expect("a file");
    fs::rename(lab.path("clocks.new"), lab.path("clocks")).expect("a file");
}

/// A command whose clocks the test moves.
fn timed<A: AsRef<std::ffi::OsStr>>(lab: &Lab, line: impl IntoIterator<Item = A>) -> Running {
    let mut command = lab.command(line);
    command.env("TASKWATCHER_CLOCKS", lab.path("clocks"));
    lab.start(command)
}

fn launch(lab: &Lab, options: &[&str]) -> (Running, Puppet) {
    let launcher = timed(lab, lab.launch_line(options, "p", &[]));
    (launcher, lab.stage().expect("p"))
}

#[track_caller]
fn assert_plausible(record: &Value) {
    let [duration, elapsed] = ["duration", "elapsed_ms"].map(|field| number(record, field));
    assert!((0..60).contains(&duration), "{record}");
    assert!((0..60_000).contains(&elapsed), "{record}");
    assert!(
        number(record, "endtime") >= number(record, "starttime"),
        "{record}"
    );
}

#[test]
fn a_step_of_the_wall_clock_ends_no_task_that_beats() {
    for step in [DAY, -DAY] {
        let lab = lab();
        let options = ["--feedback", "--timeout", "12", "--grace", "0"];
        let (launcher, mut puppet) = launch(&lab, &options);
        puppet.say("[a]1");
        set_clocks(&lab, &[("wall", step)]);
        // Ten beats a second leave no silence to see, whatever the dates of the file.
        puppet.tell("beats 40 10");
        assert_eq!(lab.rows("tasks")[0]["status"], "RUNNING");
        // A beat at half the timeout brings it back.
        lab.wait_for_status("STALLED");
        puppet.say("[b]2");
        lab.wait_for_status("RUNNING");
        let listed = timed(&lab, ["list", "--json"]).wait().success();
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        for field in ["duration", "timer"] {
            assert!(number(&listed["tasks"][0], field) >= 0, "{listed}");
        }
        puppet.exit(0);
        assert_eq!(launcher.wait().code(), 0);
        let record = lab.only_record();
        assert_plausible(&record);
        let seen = statuses(&record);
        assert_eq!(seen[..3], ["RUNNING", "SILENT", "STALLED"], "{step}");
    }
}

#[test]
fn a_step_of_the_wall_clock_puts_off_no_timeout() {
    for step in [DAY, -DAY] {
        let lab = lab();
        let options = ["--feedback", "--timeout", "2", "--grace", "0"];
        let (launcher, mut puppet) = launch(&lab, &options);
        puppet.say("[a]1");
        set_clocks(&lab, &[("wall", step)]);
        assert_eq!(launcher.wait().code(), 124);
        let record = lab.only_record();
        assert_plausible(&record);
        assert!(number(&record, "elapsed_ms") >= 2_000);
        assert_fell_silent(&record);
    }
}

#[test]
fn a_step_back_before_the_start_makes_no_negative_time() {
    let lab = lab();
    let (launcher, puppet) = launch(&lab, &[]);
    set_clocks(&lab, &[("wall", -DAY)]);
    let listed = timed(&lab, ["list", "--json"]).wait().success();
    assert!(listed.contains("\"duration\":0"), "{listed}");
    timed(&lab, ["update"]).wait().done();
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_plausible(&lab.only_record());
}

#[test]
fn a_launcher_that_stood_still_for_longer_than_the_timeout_ends_nobody_for_it() {
    for beats in [false, true] {
        let lab = lab();
        let options = ["--feedback", "--timeout", "4", "--grace", "0"];
        let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
        launcher.signal(Signal::STOP);
        // The program takes its time, more than the timeout, and beats in it or not.
        puppet.tell("nap 2500");
        if beats {
            puppet.say("[a]1");
        }
        puppet.tell("nap 2500");
        if beats {
            puppet.say("[a]2");
        }
        launcher.signal(Signal::CONT);
        lab.wait_for_status("SILENT");
        puppet.say("[a]3");
        lab.wait_for_status("RUNNING");
        // From now on it is watched again as ever.
        assert_eq!(launcher.wait().code(), 124);
        assert_eq!(text(&lab.only_record(), "outcome"), "timeout");
    }
}

#[test]
fn a_monotonic_clock_that_jumps_is_a_launcher_that_stood_still() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "8", "--grace", "0"];
    let (launcher, mut puppet) = launch(&lab, &options);
    // As when a virtual machine is paused and goes on.
    set_clocks(&lab, &[("monotonic", 1_000), ("wall", 1_000)]);
    lab.wait_for_status("SILENT");
    puppet.say("[a]1");
    lab.wait_for_status("RUNNING");
    assert_eq!(launcher.wait().code(), 124);
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "timeout");
    assert_fell_silent(&record);
}

#[test]
fn suspend_counts_in_durations_and_not_in_deadlines() {
    let lab = lab();
    let options = [
        "--feedback",
        "--timeout",
        "6",
        "--grace",
        "0",
        "--max-time",
        "1h",
    ];
    let (launcher, mut puppet) = launch(&lab, &options);
    // Ten hours of sleep: the wall clock and the one since boot have gone on, deadlines have not.
    set_clocks(&lab, &[("wall", 36_000), ("boot", 36_000)]);
    lab.wait_for_status("STALLED");
    puppet.say("[a]1");
    lab.wait_for_status("RUNNING");
    assert_eq!(launcher.wait().code(), 124);
    let record = lab.only_record();
    assert_eq!(text(&record, "termerror"), "no heartbeat for 6s");
    assert!(
        (36_000..36_060).contains(&number(&record, "duration")),
        "{record}"
    );
}

#[test]
fn an_adopter_does_not_count_suspend_against_the_task() {
    let lab = lab();
    let (launcher, puppet) = launch(&lab, &["--max-time", "1h", "--grace", "0"]);
    let task = id(&lab.only_task());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    set_clocks(&lab, &[("wall", 36_000), ("boot", 36_000)]);
    timed(&lab, ["list"]).wait().done();
    let launcher = launcher_of(&lab, task);
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(0);
    program.reap();
    launcher.reap();
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "succeeded");
    assert!(
        (36_000..36_060).contains(&number(&record, "duration")),
        "{record}"
    );
}

#[test]
fn a_file_with_odd_dates_is_a_heartbeat_all_the_same() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "8", "--grace", "0"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let file = lab.feedback_file(id(&lab.only_task()));
    for date in [
        "1970-01-01T00:00:01Z",
        "2001-01-01T00:00:00Z",
        "2105-01-01T00:00:00Z",
    ] {
        lab.wait_for_status("SILENT");
        puppet.say("[a]1");
        let mut touch = lab.program("touch");
        touch.args(["--date", date]).arg(&file);
        lab.start(touch).wait().done();
        lab.wait_for_status("RUNNING");
    }
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
}
