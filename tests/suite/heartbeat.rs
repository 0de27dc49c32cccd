//! Heartbeats: statuses at their times, what counts as a beat, and what watching costs.

use std::fs::{self, File};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use taskwatcher_tests::Puppet;
use taskwatcher_tests::process::{Effort, describe, effort};

use crate::{id, lab, lab_alone, number, skipped, statuses, text, timeline};

/// How far a change of status may be from its time.
const TOLERANCE_MS: i64 = 250;

#[track_caller]
fn assert_near(what: &str, seen: i64, expected: i64) {
    let off = seen - expected;
    assert!(off.abs() <= TOLERANCE_MS, "{what}: {off} ms from its time");
}

#[test]
fn the_timeline_of_a_timeout_of_eight_seconds() {
    let lab = lab_alone();
    let options = |name| ["--name", name, "--feedback", "--timeout", "8"];
    let (quiet_launcher, _quiet) = lab.launch(&options("quiet"), "quiet", &[]);
    let (late_launcher, mut late) = lab.launch(&options("late"), "late", &[]);
    // Both turn silent; one of them beats again as soon as that shows.
    lab.wait_for_database("two silent tasks", |database| {
        let silent =
            taskwatcher_tests::rows(database, "SELECT * FROM tasks WHERE status = 'SILENT'");
        (silent.len() == 2).then_some(())
    });
    let beat = late.say("[heartbeat]");
    assert_eq!(quiet_launcher.wait().code(), 124);
    late.exit(0);
    assert_eq!(late_launcher.wait().code(), 0);
    let records = lab.history(&[]);

    let changes = timeline(&records[0]);
    let start = changes[0].0;
    let seen: Vec<&str> = changes.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(seen, ["RUNNING", "SILENT", "STALLED"]);
    assert_near("SILENT", changes[1].0 - start, 2000);
    assert_near("STALLED", changes[2].0 - start, 4000);
    assert_near("killed", number(&records[0], "elapsed_ms"), 8000);
    assert_eq!(text(&records[0], "outcome"), "timeout");

    let changes = timeline(&records[1]);
    let seen: Vec<&str> = changes.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(seen[..4], ["RUNNING", "SILENT", "RUNNING", "SILENT"]);
    assert_near("RUNNING again", changes[2].0, beat);
    assert_near("SILENT again", changes[3].0 - beat, 2000);
    assert_eq!(text(&records[1], "outcome"), "succeeded");
}

#[test]
fn a_beat_in_time_puts_off_the_silence() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "2"], "p", &[]);
    // Thirty beats a hundredth of a second apart, and the last one long before the first threshold.
    puppet.tell("beats 120 100");
    let last = puppet.say("[heartbeat]");
    let row = lab.wait_for_status("SILENT");
    let record = json!({
        "timeline": serde_json::from_str::<Value>(row["timeline"].as_str().expect("text"))
            .expect("JSON")
    });
    let changes = timeline(&record);
    assert_eq!(
        statuses(&record),
        ["RUNNING", "SILENT"],
        "no silence between beats"
    );
    let after = changes[1].0 - last;
    assert!(
        (400..=1000).contains(&after),
        "silent {after} ms after the last beat"
    );
    puppet.exit(0);
    let _ = launcher.wait().success();
}

#[test]
fn every_change_of_the_file_is_a_beat() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "3"], "p", &[]);
    let verbs = [
        "say [a]1",
        "rewrite [a]2",
        "replace [a]3",
        "truncate",
        "raw x",
    ];
    for verb in verbs {
        lab.wait_for_status("SILENT");
        puppet.tell(verb);
        lab.wait_for_status("RUNNING");
    }
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(statuses(&lab.only_record()).len(), 1 + 2 * verbs.len());
}

#[test]
fn a_stalled_task_comes_back() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "3"], "p", &[]);
    lab.wait_for_status("STALLED");
    let beat = puppet.say("[heartbeat]");
    lab.wait_for_status("RUNNING");
    puppet.exit(0);
    let _ = launcher.wait().success();
    let record = lab.only_record();
    assert_eq!(
        statuses(&record),
        ["RUNNING", "SILENT", "STALLED", "RUNNING"]
    );
    assert_near("RUNNING again", timeline(&record)[3].0, beat);
}

#[test]
fn a_time_stamp_in_the_future_buys_no_time() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let future = SystemTime::now() + Duration::from_secs(1_000_000);
    fs::write(&file, "[stale]1\n").expect("a file");
    File::options()
        .append(true)
        .open(&file)
        .expect("it")
        .set_modified(future)
        .expect("its time");
    let options = [
        "--taskid",
        &task.to_string(),
        "--feedback",
        "--timeout",
        "1",
    ];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    lab.wait_for_status("SILENT");
    // A beat, whatever its date says.
    puppet.say("[a]1");
    File::options()
        .append(true)
        .open(&file)
        .expect("it")
        .set_modified(future)
        .expect("its time");
    lab.wait_for_status("RUNNING");
    assert_eq!(launcher.wait().code(), 124);
    assert_eq!(lab.only_record()["feedback"], json!({"a": "1"}));
}

#[test]
fn a_time_stamp_from_the_past_is_a_beat_of_now() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "3"], "p", &[]);
    puppet.say("[a]1");
    let file = lab.feedback_file(id(&lab.only_task()));
    lab.wait_for_status("SILENT");
    let past = SystemTime::now() - Duration::from_secs(1_000_000);
    File::options()
        .append(true)
        .open(&file)
        .expect("it")
        .set_modified(past)
        .expect("its time");
    lab.wait_for_status("RUNNING");
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
}

#[test]
fn an_old_file_is_no_beat_and_no_silence() {
    let lab = lab();
    let task = lab.reserve(&[]);
    let file = lab.feedback_file(task);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, "[stale]1\n").expect("a file");
    let past = SystemTime::now() - Duration::from_secs(1_000_000);
    File::options()
        .append(true)
        .open(&file)
        .expect("it")
        .set_modified(past)
        .expect("its time");
    let options = [
        "--taskid",
        &task.to_string(),
        "--feedback",
        "--timeout",
        "30",
    ];
    let (launcher, puppet) = lab.launch(&options, "p", &[]);
    assert_eq!(text(&lab.only_task(), "status"), "RUNNING");
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert_eq!(statuses(&lab.only_record()), ["RUNNING"]);
    assert!(
        file.exists(),
        "a file that this task never touched is not its to delete"
    );
}

#[test]
fn without_feedback_a_timeout_is_ignored_with_a_warning() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--timeout", "0.2"], "p", &[]);
    puppet.tell("nap 600");
    let task = lab.only_task();
    assert_eq!(
        (text(&task, "status"), &task["timeout"]),
        ("RUNNING", &Value::Null)
    );
    puppet.exit(0);
    let output = launcher.wait();
    assert_eq!(output.code(), 0);
    assert!(
        output.stderr.contains("timeout"),
        "no warning: {:?}",
        output.stderr
    );
    assert_eq!(output.stderr.lines().count(), 1);
}

#[test]
fn without_a_timeout_a_quiet_task_stays_running() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[a]1");
    let task = lab.only_task();
    assert_eq!(
        (text(&task, "status"), &task["timeout"]),
        ("RUNNING", &Value::Null)
    );
    puppet.exit(0);
    assert_eq!(launcher.wait().success(), "");
}

/// The effort of a launcher once its start is over: the same before and after a hundred beats of a
/// program.
fn at_rest(launcher: i32, beating: &mut Puppet) -> Effort {
    let mut last = effort(launcher);
    for _ in 0..50 {
        beating.tell("beats 100 1000");
        let now = effort(launcher);
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("never at rest: {}", describe(launcher));
}

#[test]
fn a_thousand_beats_a_second_cost_no_wakeup_beyond_the_deadlines() {
    let lab = lab_alone();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "8"], "p", &[]);
    puppet.say("[first]1");
    let before = at_rest(launcher.pid(), &mut puppet);
    let start = Instant::now();
    puppet.tell("beats 3000 1000");
    let deadlines = start.elapsed().as_secs() / 2 + 1;
    let after = effort(launcher.pid());
    let wakeups = after.voluntary_switches - before.voluntary_switches;
    // At each look one may find the beat that moved it, and wait for a disk in between.
    assert!(
        wakeups <= 2 * deadlines,
        "{wakeups} wake-ups for {deadlines} deadlines"
    );
    puppet.exit(0);
    let _ = launcher.wait().success();
}

#[test]
fn a_beat_that_changes_no_status_is_not_written() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "60"], "p", &[]);
    puppet.say("[first]1");
    at_rest(launcher.pid(), &mut puppet);
    let before = lab.rows("tasks");
    puppet.tell("beats 200 1000");
    assert_eq!(lab.rows("tasks"), before);
    // Readers take the age of the last beat from the file.
    let file = lab.feedback_file(id(&lab.only_task()));
    let earlier = SystemTime::now() - Duration::from_secs(50);
    let written = File::options().append(true).open(&file).expect("it");
    written.set_modified(earlier).expect("its time");
    lab.edit("UPDATE tasks SET starttime = starttime - 100");
    let timer = number(&lab.only_task(), "timer");
    assert!((50..80).contains(&timer), "{timer}");
    puppet.exit(0);
    let _ = launcher.wait().success();
}

#[test]
fn an_idle_launcher_does_nothing_at_all() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--feedback", "--max-time", "1h"], "p", &[]);
    let (other, mut beating) = lab.launch(&["--feedback"], "q", &[]);
    let before = at_rest(launcher.pid(), &mut beating);
    let call = describe(launcher.pid());
    let before_other = at_rest(other.pid(), &mut beating);
    beating.tell("beats 500 1000");
    assert_eq!(effort(launcher.pid()), before);
    assert_eq!(describe(launcher.pid()), call);
    assert_eq!(
        effort(other.pid()),
        before_other,
        "without a timeout beats are nobody's business"
    );
    let open: Vec<_> = fs::read_dir(format!("/proc/{}/fd", launcher.pid()))
        .expect("its descriptors")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().contains("tasks.db"))
        .collect();
    assert!(
        open.is_empty(),
        "the database stays open while it waits: {open:?}"
    );
    puppet.exit(0);
    beating.exit(0);
    let _ = (launcher.wait(), other.wait());
}

#[test]
fn without_file_watches_a_late_beat_is_seen_as_well() {
    // The watches that are taken away are those of a user that nobody else is.
    if !nix::unistd::geteuid().is_root() {
        skipped("without_file_watches_a_late_beat_is_seen_as_well: needs root to be another user");
        return;
    }
    let lab = lab();
    lab.share();
    let other = [
        "setpriv",
        "--reuid=65531",
        "--regid=65531",
        "--clear-groups",
    ];
    let taskwatcher = lab.copy_of(lab.taskwatcher());
    let puppet_program = lab.copy_of(lab.puppet_program());
    let with_copy = |mut line: Vec<String>| {
        for word in &mut line {
            if word == lab.puppet_program() {
                word.clone_from(&puppet_program);
            }
        }
        line
    };
    let start = |line: Vec<String>| {
        let mut command = lab.program(other[0]);
        command.args(&other[1..]).args(line);
        lab.start(command)
    };
    let _greedy = start(with_copy(lab.puppet("greedy", &[])));
    let mut greedy = lab.stage().expect("greedy");
    greedy.tell("take-watches");
    let options = ["--feedback", "--timeout", "2"];
    let mut line = vec![taskwatcher];
    line.extend(with_copy(lab.launch_line(&options, "p", &[])));
    let launcher = start(line);
    let mut puppet = lab.stage().expect("p");
    lab.wait_for_status("SILENT");
    let beat = puppet.say("[heartbeat]");
    lab.wait_for_status("RUNNING");
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    let rows = lab.wait_for_history(1);
    let changes: Value =
        serde_json::from_str(rows[0]["timeline"].as_str().expect("text")).expect("JSON");
    assert_near(
        "RUNNING again",
        changes[2][0].as_i64().expect("a time"),
        beat,
    );
}
