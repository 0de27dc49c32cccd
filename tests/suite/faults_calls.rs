//! A command is killed, or one of its system calls fails, at a call chosen by number. After clean-up
//! commands each task that ran has one record that tells the truth, and nothing is left.
//!
//! A sample is run, and its seed printed. `TASKWATCHER_CALLS_SEED=N` repeats a sample, and
//! `TASKWATCHER_CALLS=all` runs every call of every verb with every fault.

use nix::libc::{EINTR, EIO, EMFILE, ENOMEM, ENOSPC, SYS_fcntl};
use taskwatcher_tests::Lab;
use taskwatcher_tests::tracer::{Fault, Trace, is_plausible, trace};

use crate::{lab, say};

const FAULTS: [Option<i32>; 6] = [
    None,
    Some(EIO),
    Some(ENOSPC),
    Some(ENOMEM),
    Some(EMFILE),
    Some(EINTR),
];

/// A call that each verb makes once it has its database.
const SQLITE_LOCKS: u64 = SYS_fcntl.cast_unsigned();

/// How many faults a sample has for each verb.
const SAMPLE: usize = 40;

const PROGRAM: &str = r#"echo "$TASKWATCHER_RUN" >>ran; exit 3"#;

const VERBS: [(&str, &[&str]); 6] = [
    ("launch", &["launch", "--", "sh", "-c", PROGRAM]),
    (
        "launch feedback",
        &["launch", "--feedback", "--", "sh", "-c", PROGRAM],
    ),
    (
        "launch detached",
        &["launch", "--detach", "--", "sh", "-c", PROGRAM],
    ),
    ("reserve", &["reserve"]),
    ("update", &["update"]),
    ("export", &["export"]),
];

/// The next number of a sequence (xorshift).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn run(arguments: &[&str], fault: Option<Fault>) -> (Lab, Trace) {
    let lab = lab();
    lab.run(["initialize"]).done();
    let line: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
    let seen = trace(&lab, &line, fault);
    (lab, seen)
}

/// What is wrong after one run, in words.
fn wrongs(lab: &Lab, verb: &str, seen: &Trace) -> Vec<String> {
    let mut wrong = Vec::new();
    if seen.hung {
        wrong.push("hung".to_owned());
    }
    // Rust's runtime ends a process that has no memory for its signal stack, before `main`: a death
    // like any other.
    let in_runtime = seen.stderr.contains("alternative stack") && seen.code.is_none();
    if !in_runtime && (seen.code == Some(101) || seen.stderr.contains("panicked")) {
        wrong.push("panicked".to_owned());
    }
    for _ in 0..3 {
        let output = lab.run(["update"]);
        if !output.status.success() {
            wrong.push(format!("update: {output:?}"));
        }
        for process in lab.processes() {
            process.reap();
        }
    }
    let ran = std::fs::read_to_string(lab.path("ran"))
        .unwrap_or_default()
        .lines()
        .count();
    let history = lab.rows("history");
    if history.len() > 1 || history.len() < ran || ran > 1 {
        wrong.push(format!("{ran} ran, records: {history:?}"));
    }
    for record in lab.history(&[]) {
        let told = (record["outcome"].as_str(), record["exitcode"].as_i64());
        let true_end = ran == 1 && told == (Some("failed"), Some(3));
        // A child that failed before its program never ran it: its end is an error of the start.
        if !true_end && told.0 != Some("lost") && ran == 1 {
            wrong.push(format!("untrue: {record}"));
        }
    }
    let tasks = lab.rows("tasks");
    let reserved = verb == "reserve";
    if tasks.len() > usize::from(reserved) {
        wrong.push(format!("rows left: {tasks:?}"));
    }
    if reserved && seen.stdout.ends_with('\n') && tasks.is_empty() {
        wrong.push("an id without its row".to_owned());
    }
    if std::fs::read_dir(lab.folder())
        .expect("the folder")
        .flatten()
        .any(|it| it.file_name().to_string_lossy().contains("spool"))
    {
        wrong.push("a spool file is left".to_owned());
    }
    let sound: String = lab
        .database()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    if sound != "ok" {
        wrong.push(sound);
    }
    wrong
}

#[test]
fn a_command_dies_or_fails_at_any_system_call() {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .expect("a date")
        .subsec_nanos();
    let seed = std::env::var("TASKWATCHER_CALLS_SEED")
        .map_or(u64::from(now) | 1, |it| it.parse().expect("a number"));
    let all = std::env::var("TASKWATCHER_CALLS").is_ok_and(|it| it == "all");
    let mut state = seed | 1;
    let (mut failures, mut runs, mut made) = (Vec::new(), 0, 0);
    for (verb, arguments) in VERBS {
        let (_lab, plain) = run(arguments, None);
        // Without a fault it does what it should: else its calls are no measure of anything.
        let wanted = if verb == "launch" || verb == "launch feedback" {
            3
        } else {
            0
        };
        assert_eq!(
            plain.code,
            Some(wanted),
            "{verb} without a fault: {plain:?}"
        );
        let count = plain.calls.len();
        assert!(
            plain.calls.contains(&SQLITE_LOCKS),
            "{verb} was not traced to its end: {plain:?}"
        );
        let mut faults = Vec::new();
        for (place, number) in plain.calls.iter().enumerate() {
            let call = place + 1;
            let possible = FAULTS
                .into_iter()
                .filter(|error| error.is_none_or(|it| is_plausible(*number, it)));
            faults.extend(possible.map(|error| Fault { call, error }));
        }
        while !all && faults.len() > SAMPLE {
            let place = next(&mut state) % faults.len() as u64;
            faults.swap_remove(usize::try_from(place).expect("a place"));
        }
        say(&format!(
            "calls of {verb}: {count}, faults: {}, seed {seed}",
            faults.len()
        ));
        for fault in faults {
            let (lab, found) = run(arguments, Some(fault));
            runs += 1;
            made += usize::from(found.injected);
            let wrong = wrongs(&lab, verb, &found);
            if !wrong.is_empty() {
                let call = found.calls.get(fault.call - 1);
                let words = format!(
                    "{verb}, {fault:?}, call {call:?}, {wrong:?}, {:?}, {:?}, {:?}",
                    found.code, found.stdout, found.stderr
                );
                say(&words);
                failures.push(words);
            }
        }
    }
    say(&format!("{runs} runs, {made} faults made"));
    assert!(
        failures.is_empty(),
        "seed {seed}, {runs} runs: {}",
        failures.join("\n")
    );
}
