//! Measures what a user waits for, and prints it: `cargo run --release -p taskwatcher-tests --bin
//! measure`.
//!
//! Figures are medians of interleaved rounds, so that a busy machine disturbs both sides of a
//! comparison alike. Nothing is asserted here: a threshold on time belongs to a release build on a
//! quiet machine.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use taskwatcher_tests::{Lab, Programs};

const ROUNDS: usize = 200;

fn main() {
    let lab = Lab::new(Programs {
        taskwatcher: neighbour("taskwatcher-under-test"),
        puppet: neighbour("puppet"),
    });
    cost_of_a_launch(&lab);
    delay_of_a_record(&lab);
}

/// A program beside this one.
fn neighbour(name: &str) -> &'static str {
    let path = std::env::current_exe()
        .expect("this program")
        .with_file_name(name);
    assert!(
        path.exists(),
        "build the whole package first: {} is missing",
        path.display()
    );
    path.to_str().expect("a plain name").to_owned().leak()
}

/// How much longer `launch -- true` takes than `true`.
fn cost_of_a_launch(lab: &Lab) {
    let (mut bare, mut launched) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(duration(Command::new("true").stdin(Stdio::null())));
        launched.push(duration(&mut lab.command(["launch", "--", "true"])));
    }
    let (bare, launched) = (median(&mut bare), median(&mut launched));
    let factor = launched.as_secs_f64() / bare.as_secs_f64();
    println!("true: bare {bare:?}, launched {launched:?}, factor {factor:.2}");
}

fn duration(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().expect("a program");
    assert!(status.success(), "{command:?}: {status}");
    start.elapsed()
}

/// How long after its exit a task is in the history, feedback and all.
fn delay_of_a_record(lab: &Lab) {
    let mut delays = Vec::new();
    let before = lab.rows("history").len();
    for round in 1..=ROUNDS {
        let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
        puppet.say("[progress]100");
        puppet.send("exit 0");
        puppet.wait_for_end();
        let end = Instant::now();
        lab.wait_for_history(before + round);
        delays.push(end.elapsed());
        assert_eq!(launcher.wait().success(), "");
    }
    let half = median(&mut delays);
    println!(
        "in the history after exit: median {half:?}, slowest {:?}",
        delays[ROUNDS - 1]
    );
}

fn median(durations: &mut [Duration]) -> Duration {
    durations.sort();
    durations[durations.len() / 2]
}
