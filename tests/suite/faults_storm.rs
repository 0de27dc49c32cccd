//! Launchers are killed at random, one every 50 ms, while hundreds of tasks come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use nix::poll::{PollTimeout, poll};
use serde_json::Value;
use taskwatcher_tests::process::stat_fields;
use taskwatcher_tests::{Lab, Process, Running, Signal};

use crate::{id, lab_alone, say, text};

const TASKS: usize = 500;

/// How many launches go on at a time.
const LANES: usize = 12;

const PACE: Duration = Duration::from_millis(50);

/// Some of the tasks end at once and some after a while, each with a code of its own.
const PROGRAM: &str = r#"echo "$TASKWATCHER_TASKID $1" >>"$2"; read -r _ <"$3"; exit "$1""#;

/// The exit code of a task is a function of its number, so that a wrong one shows.
fn code_of(number: usize) -> usize {
    number % 100
}

#[test]
fn a_storm_of_kills_loses_no_task_and_invents_none() {
    let lab = lab_alone();
    let begin = Instant::now();
    lab.run(["initialize"]).done();
    let pipe = lab.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    // While this end is open, programs wait for a line; each line written lets one of them go.
    let mut gate = File::options()
        .read(true)
        .write(true)
        .open(&pipe)
        .expect("the pipe");
    let killed = storm(&lab, &gate);
    // What still runs is adopted and ends by itself, now that nobody is in the way.
    lab.run(["update"]).done();
    gate.write_all(&[b'\n'; TASKS]).expect("lines");
    for process in lab.processes() {
        process.reap();
    }
    lab.run(["update"]).done();
    for process in lab.processes() {
        process.reap();
    }
    lab.run(["update"]).done();
    judge(&lab, killed, begin.elapsed());
}

/// Keeps so many launches going until all were made, and kills a random process of the command
/// under test at every beat; how many were killed.
fn storm(lab: &Lab, gate: &File) -> usize {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut started, mut killed) = (0, 0);
    let mut running = Vec::new();
    loop {
        running.retain(|launcher: &Running| !launcher.has_ended());
        while running.len() < LANES && started < TASKS {
            running.push(launch(lab, started));
            started += 1;
        }
        if running.is_empty() {
            return killed;
        }
        // The pace is the storm's own, not a wait for anything.
        let _ = poll(&mut [], PollTimeout::try_from(PACE).expect("short"));
        let mut gate = gate;
        gate.write_all(b"\n\n").expect("lines");
        let launchers = launchers(lab);
        if launchers.is_empty() {
            continue;
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let place = usize::try_from(random % launchers.len() as u64).expect("an index");
        launchers[place].signal(Signal::KILL);
        killed += 1;
    }
}

/// One launch in the foreground.
fn launch(lab: &Lab, number: usize) -> Running {
    let code = code_of(number).to_string();
    let mut command = lab.command(["launch", "--grace", "0.2", "--", "sh", "-c", PROGRAM, "sh"]);
    command.arg(code).arg(lab.path("ran")).arg(lab.path("pipe"));
    lab.start(command)
}

/// Every process of the command under test: launchers in the foreground, adopters, any command.
fn launchers(lab: &Lab) -> Vec<Process> {
    let program = std::path::Path::new(lab.taskwatcher());
    let mut found = lab.processes();
    found.retain(|process| {
        let pid = process.pid();
        let is_program = std::fs::read_link(format!("/proc/{pid}/exe"));
        is_program.is_ok_and(|path| path == program) && !waits_at_gate(pid)
    });
    found
}

/// Whether it is the command-to-be of a launcher: it leads a group in its launcher's session.
fn waits_at_gate(pid: i32) -> bool {
    stat_fields(pid).is_none_or(|fields| fields[2] == pid.to_string() && fields[3] != fields[2])
}

fn judge(lab: &Lab, killed: usize, time: Duration) {
    lab.assert_nothing_left();
    let integrity: String = lab
        .database()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a sound database");
    assert_eq!(integrity, "ok");
    // Which programs ran, by the word of the programs themselves.
    let ran = std::fs::read_to_string(lab.path("ran")).expect("the programs' own list");
    let mut codes = BTreeMap::new();
    for line in ran.lines() {
        let (task, code) = line.split_once(' ').expect("two words");
        let task: i64 = task.parse().expect("an id");
        let code: i64 = code.parse().expect("a code");
        assert_eq!(codes.insert(task, code), None, "task {task} ran twice");
    }
    let records = lab.history(&[]);
    let ids: BTreeSet<i64> = records.iter().map(id).collect();
    assert_eq!(ids.len(), records.len(), "every id once");
    let claimed = lab
        .database()
        .query_row("SELECT seq FROM sqlite_sequence", [], |row| {
            row.get::<_, i64>(0)
        })
        .expect("the counter of ids");
    assert_eq!(
        ids,
        (1..=claimed).collect(),
        "every claimed id and no other"
    );
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &records {
        let (task, outcome) = (id(record), text(record, "outcome"));
        *counts.entry(outcome).or_default() += 1;
        match (outcome, codes.get(&task)) {
            ("succeeded" | "failed", Some(code)) => {
                assert_eq!(record["exitcode"], *code, "{record}");
            }
            ("lost", _) => assert_eq!(record["exitcode"], Value::Null, "{record}"),
            // Not a launcher, but the command-to-be was hit before it had a group of its own.
            ("signalled", None) if record["termsignal"] == "SIGKILL" => {}
            (_, code) => panic!("invented ({code:?}): {record}"),
        }
    }
    for task in codes.keys() {
        assert!(ids.contains(task), "task {task} ran and is not recorded");
    }
    say(&format!(
        "{TASKS} launches, {killed} killed, in {time:.1?}: {claimed} claimed, {counts:?}"
    ));
    assert!(killed > 50, "a storm of {killed} is none");
}
