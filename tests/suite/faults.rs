//! What must hold whatever dies, fills up or jumps: every task that ever started ends in the
//! history, exactly once, with the truth about it.
//!
//! One module for each kind of fault. The page docs/promises.md names the test for every promise.
//! Where a machine cannot make a fault happen, the test says that it was skipped and why.

mod faults_adoption;
#[cfg(target_arch = "x86_64")]
mod faults_calls;
mod faults_commands;
mod faults_database;
mod faults_files;
mod faults_load;
mod faults_page;
mod faults_people;
mod faults_processes;
mod faults_reboot;
mod faults_steps;
mod faults_storm;
mod faults_time;
mod faults_trust;
mod faults_users;

use serde_json::Value;
use taskwatcher_tests::record::{id, number, statuses, text};
use taskwatcher_tests::report::{say, skipped};
use taskwatcher_tests::{Lab, Process, Programs, Puppet, Signal};

const PROGRAMS: Programs = Programs {
    taskwatcher: env!("CARGO_BIN_EXE_taskwatcher-under-test"),
    puppet: env!("CARGO_BIN_EXE_puppet"),
};

/// An empty lab.
fn lab() -> Lab {
    Lab::new(PROGRAMS)
}

/// An empty lab while no other test runs.
fn lab_alone() -> Lab {
    Lab::alone(PROGRAMS)
}

/// Asserts that a task was seen to fall silent. On a machine that is busy its launcher may come too
/// late to see every step.
#[track_caller]
fn assert_fell_silent(record: &Value) {
    let seen = statuses(record);
    let ends = seen.first().zip(seen.last());
    let ends = ends.map(|(first, last)| (first.as_str(), last.as_str()));
    assert_eq!(ends, Some(("RUNNING", "STALLED")), "{record}");
}

/// A task whose launcher was killed; the program still runs.
fn orphaned(lab: &Lab, options: &[&str]) -> (i64, Puppet) {
    let (launcher, puppet) = lab.launch(options, "p", &[]);
    let task = id(&lab.only_task());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    (task, puppet)
}

/// The launcher that the row of this task names.
#[track_caller]
fn launcher_of(lab: &Lab, task: i64) -> Process {
    let rows = lab.rows("tasks");
    let row = rows.iter().find(|row| row["id"] == task);
    let identity = row.and_then(|row| row["identity"].as_str());
    let identity: Value =
        serde_json::from_str(identity.unwrap_or_else(|| panic!("no row of {task}: {rows:?}")))
            .expect("an identity");
    let pid = i32::try_from(number(&identity["launcher"], "pid")).expect("a number");
    Process::open(pid).unwrap_or_else(|| panic!("no launcher {pid} of {task}"))
}

/// Ends an orphaned program, as init would see it.
fn end(puppet: Puppet, code: u8) {
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(code);
    program.reap();
}

/// Waits for the only record of the history, whoever writes it.
#[track_caller]
fn record_when_it_comes(lab: &Lab) -> Value {
    lab.wait_for_history(1);
    lab.only_record()
}
