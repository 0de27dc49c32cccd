//! Many callers at once: exactly one winner, nothing lost, no errors.
//!
//! `TASKWATCHER_TESTS_ROUNDS` sets the number of rounds of the races; the suite itself is content
//! with a few.

use std::collections::BTreeSet;
use std::io::{PipeWriter, pipe};

use taskwatcher_tests::{Lab, Output, Running, rows};

use crate::{id, lab, lab_alone, mentions, text};

const CALLERS: usize = 50;

fn rounds() -> usize {
    let set = std::env::var("TASKWATCHER_TESTS_ROUNDS").ok();
    set.map_or(10, |text| {
        text.parse().expect("TASKWATCHER_TESTS_ROUNDS is a number")
    })
}

/// Many processes at one starting line.
struct Start {
    gate: PipeWriter,
    runners: Vec<Running>,
}

impl Start {
    /// Starts a process for each command line; they go on when the gate opens.
    fn line_up(lab: &Lab, lines: impl IntoIterator<Item = Vec<String>>) -> Self {
        let (end, gate) = pipe().expect("a pipe");
        let start = |line: Vec<String>| {
            // Reading comes back for all at once, when the last writer closes.
            let mut command = lab.program("sh");
            command.args([
                "-c",
                r#"read -r _; exec "$@" </dev/null"#,
                "sh",
                lab.taskwatcher(),
            ]);
            command
                .args(line)
                .stdin(end.try_clone().expect("a pipe's end"));
            lab.start(command)
        };
        let runners = lines.into_iter().map(start).collect();
        Self { gate, runners }
    }

    /// Opens the gate and waits for all.
    fn go(self) -> Vec<Output> {
        drop(self.gate);
        self.runners.into_iter().map(Running::wait).collect()
    }
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn one_winner_of_a_unique_name() {
    let lab = lab_alone();
    for round in 0..rounds() {
        let name = format!("round {round}");
        let line = words(&["reserve", "--unique", "--name", &name]);
        let outputs = Start::line_up(&lab, vec![line; CALLERS]).go();
        let (winners, losers): (Vec<_>, Vec<_>) = outputs
            .into_iter()
            .partition(|output| output.status.success());
        assert_eq!(winners.len(), 1, "winners of {name}: {winners:?}");
        for loser in losers {
            assert!(loser.failure(1).contains(&name));
        }
        let won: i64 = winners[0].stdout.trim().parse().expect("an id");
        let tasks = lab.list();
        assert_eq!(tasks.len(), round + 1);
        assert_eq!(id(&tasks[round]), won);
    }
}

#[test]
fn one_winner_of_a_unique_launch() {
    let lab = lab_alone();
    let line = lab.launch_line(&["--unique", "--name", "n"], "p", &[]);
    let Start { gate, runners } = Start::line_up(&lab, vec![line; 20]);
    drop(gate);
    let puppet = lab.stage().expect("p");
    // The winner runs until told otherwise, so every other one has to lose meanwhile.
    let identity = lab.only_task()["identity"].clone();
    let (winners, losers): (Vec<_>, Vec<_>) = runners
        .into_iter()
        .partition(|runner| mentions(&identity, runner.pid()));
    assert_eq!(winners.len(), 1);
    for loser in losers {
        let _ = loser.wait().failure(125);
    }
    puppet.exit(0);
    for winner in winners {
        assert_eq!(winner.wait().success(), "");
    }
    assert_eq!(lab.history(&[]).len(), 1);
}

#[test]
fn the_first_use_by_many_at_once() {
    let lab = lab_alone();
    let outputs = Start::line_up(&lab, vec![words(&["reserve"]); CALLERS]).go();
    let ids: BTreeSet<String> = outputs.into_iter().map(Output::success).collect();
    assert_eq!((ids.len(), lab.list().len()), (CALLERS, CALLERS));
}

#[test]
fn every_concurrent_launch_is_recorded() {
    let lab = lab_alone();
    let outputs = Start::line_up(&lab, vec![words(&["launch", "--", "true"]); CALLERS]).go();
    for output in outputs {
        assert_eq!(output.success(), "");
    }
    let records = lab.history(&[]);
    assert_eq!(records.len(), CALLERS);
    assert_eq!(
        records.iter().map(id).collect::<BTreeSet<_>>().len(),
        CALLERS
    );
    for record in &records {
        assert_eq!(text(record, "outcome"), "succeeded");
    }
    lab.assert_nothing_left();
}

#[test]
fn one_launcher_of_a_reservation() {
    let lab = lab_alone();
    let task = lab.reserve(&[]).to_string();
    let line = words(&[
        "launch",
        "--taskid",
        &task,
        "--",
        "sh",
        "-c",
        "echo ran >>ran",
    ]);
    let outputs = Start::line_up(&lab, vec![line; 20]).go();
    let (winners, losers): (Vec<_>, Vec<_>) = outputs
        .into_iter()
        .partition(|output| output.status.success());
    assert_eq!((winners.len(), losers.len()), (1, 19));
    for loser in losers {
        let _ = loser.failure(125);
    }
    assert_eq!(
        std::fs::read_to_string(lab.path("ran")).expect("the file"),
        "ran\n"
    );
    assert_eq!(lab.history(&[]).len(), 1);
}

#[test]
fn readers_and_writers_together() {
    let lab = lab_alone();
    lab.initialize();
    let lines = (0..CALLERS).map(|number| match number % 5 {
        0 => words(&[
            "launch",
            "--feedback",
            "--",
            "sh",
            "-c",
            "echo [a]1 >$TASKWATCHER_FEEDBACK",
        ]),
        1 => words(&["list", "--json"]),
        2 => words(&["history"]),
        3 => words(&["reserve"]),
        _ => words(&["update"]),
    });
    let outputs = Start::line_up(&lab, lines.collect::<Vec<_>>()).go();
    for output in outputs {
        assert_eq!(output.code(), 0, "{output:?}");
    }
    assert_eq!((lab.history(&[]).len(), lab.list().len()), (10, 10));
    for record in lab.history(&[]) {
        assert_eq!(record["feedback"], serde_json::json!({"a": "1"}));
        // Others look for dead launchers all the while: none may be taken for one.
        assert_eq!(text(&record, "outcome"), "succeeded");
    }
}

#[test]
fn a_finishing_task_waits_for_a_busy_database() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let holder = rusqlite::Connection::open(lab.database_file()).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    puppet.exit(3);
    assert_eq!(rows(&lab.database(), "SELECT * FROM tasks").len(), 1);
    assert!(!launcher.has_ended());
    holder.execute_batch("COMMIT").expect("the end of the lock");
    assert_eq!(launcher.wait().code(), 3);
    assert_eq!(text(&lab.only_record(), "outcome"), "failed");
    lab.assert_nothing_left();
}
