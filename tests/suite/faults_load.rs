//! A thousand tasks at once, 64 launches at a time, while people look, ask and kill all along.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::json;
use taskwatcher_tests::{Lab, Output, PATIENCE, Process, Running, rows};

use crate::{id, lab_alone, number, say, text};

const TASKS: usize = 1_000;

/// How many launches are under way at a time.
const LANES: usize = 64;

/// Every so many tasks one is killed while the others come.
const KILLED: usize = 20;

/// One update of feedback, and then it runs until a line comes.
const PROGRAM: &str =
    r#"echo "[id]$TASKWATCHER_TASKID" >>"$TASKWATCHER_FEEDBACK"; read -r _ <"$1""#;

/// What a command is for, and which task it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Launch,
    List,
    History,
    Feedback(i64),
    Kill(i64),
}

/// Commands under way.
struct Pool<'a> {
    lab: &'a Lab,
    running: Vec<(Use, Instant, Running, Process)>,
    longest: BTreeMap<&'static str, Duration>,
}

impl Pool<'_> {
    fn start(&mut self, purpose: Use, line: &[&str]) {
        let command = self.lab.spawn(line);
        let process = Process::open(command.pid()).expect("a child");
        self.running
            .push((purpose, Instant::now(), command, process));
    }

    fn count(&self, wanted: fn(Use) -> bool) -> usize {
        self.running.iter().filter(|it| wanted(it.0)).count()
    }

    /// Waits until a command has ended, and takes all that have.
    fn take(&mut self) -> Vec<(Use, Output)> {
        let mut waited: Vec<PollFd<'_>> = self
            .running
            .iter()
            .map(|it| PollFd::new(it.3.as_fd(), PollFlags::POLLIN))
            .collect();
        let limit = PollTimeout::try_from(PATIENCE).expect("a minute");
        assert!(
            poll(&mut waited, limit).expect("a wait") > 0,
            "all stand still"
        );
        let (ended, running) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|it| it.2.has_ended());
        self.running = running;
        let ended: Vec<_> = ended;
        ended
            .into_iter()
            .map(|(purpose, begin, command, _)| {
                let name = match purpose {
                    Use::Launch => "launch",
                    Use::List => "list",
                    Use::History => "history",
                    Use::Feedback(_) => "feedback",
                    Use::Kill(_) => "kill",
                };
                let longest = self.longest.entry(name).or_default();
                *longest = begin.elapsed().max(*longest);
                (purpose, command.wait())
            })
            .collect()
    }
}

#[test]
fn a_thousand_tasks_at_once() {
    let lab = lab_alone();
    let pipe = lab.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut gate = fs::File::options()
        .read(true)
        .write(true)
        .open(&pipe)
        .expect("the pipe");
    let begin = Instant::now();
    let mut pool = Pool {
        lab: &lab,
        running: Vec::new(),
        longest: BTreeMap::new(),
    };
    let killed = launch_all(&mut pool, pipe.to_str().expect("plain"));
    let launched = begin.elapsed();
    let longest = pool.longest;

    let tasks = lab.list();
    assert_eq!(tasks.len(), TASKS - killed.len());
    let begin = Instant::now();
    let _ = lab.run(["list"]).success();
    let listed = begin.elapsed();
    let begin = Instant::now();
    assert_eq!(lab.run(["update"]).success(), "");
    let updated = begin.elapsed();
    let memory = memory_of_launchers(&lab);

    // And all end at once.
    let begin = Instant::now();
    gate.write_all(&vec![b'\n'; tasks.len()]).expect("lines");
    for process in lab.processes() {
        process.reap();
    }
    let ended = begin.elapsed();
    let records = lab.history(&[]);
    assert_eq!(records.len(), TASKS);
    let ids: BTreeSet<i64> = records.iter().map(id).collect();
    assert_eq!(ids.len(), TASKS, "every id once");
    for record in &records {
        let task = id(record);
        let outcome = if killed.contains(&task) {
            "killed"
        } else {
            assert_eq!(number(record, "exitcode"), 0);
            "succeeded"
        };
        assert_eq!(text(record, "outcome"), outcome, "{record}");
        assert_eq!(record["feedback"], json!({"id": task.to_string()}));
    }
    lab.assert_nothing_left();
    say(&format!(
        "{TASKS} tasks launched, {LANES} at a time, in {launched:.1?}, the longest commands meanwhile \
         {longest:.1?}; then list {listed:.1?}, update {updated:.1?}, all ended and recorded in \
         {ended:.1?}; a launcher takes {memory} KiB of its own"
    ));
}

/// Launches all tasks; gives back which were killed meanwhile.
fn launch_all(pool: &mut Pool<'_>, pipe: &str) -> BTreeSet<i64> {
    let (mut started, mut known, mut killed) = (0, Vec::new(), BTreeSet::new());
    loop {
        while started < TASKS && pool.count(|it| it == Use::Launch) < LANES {
            let line = [
                "launch",
                "--detach",
                "--feedback",
                "--timeout",
                "1h",
                "--",
                "sh",
                "-c",
                PROGRAM,
                "sh",
                pipe,
            ];
            pool.start(Use::Launch, &line);
            started += 1;
        }
        if pool.count(|it| it == Use::Launch) == 0 {
            // What is still being killed is waited for.
            while !pool.running.is_empty() {
                check(pool.take());
            }
            return killed;
        }
        if pool.count(|it| it == Use::List) == 0 {
            pool.start(Use::List, &["list", "--json"]);
        }
        if pool.count(|it| it == Use::History) == 0 {
            pool.start(Use::History, &["history", "--json"]);
        }
        if let Some(&task) = known.last()
            && pool.count(|it| matches!(it, Use::Feedback(_))) == 0
        {
            pool.start(Use::Feedback(task), &["feedback", &task.to_string()]);
        }
        let next = known.len() / KILLED;
        if killed.len() < next && pool.count(|it| matches!(it, Use::Kill(_))) == 0 {
            let task = known[killed.len() * KILLED];
            killed.insert(task);
            pool.start(Use::Kill(task), &["kill", &task.to_string()]);
        }
        known.extend(check(pool.take()));
    }
}

/// No command may fail or complain; gives back the ids of the tasks that were launched.
fn check(ended: Vec<(Use, Output)>) -> Vec<i64> {
    let mut launched = Vec::new();
    for (purpose, output) in ended {
        let printed = output.success();
        match purpose {
            Use::Launch => launched.push(printed.trim().parse().expect("an id")),
            Use::Feedback(task) => assert!(
                [json!({}), json!({"id": task.to_string()})]
                    .contains(&serde_json::from_str(&printed).expect("JSON")),
                "{printed}"
            ),
            Use::List | Use::History | Use::Kill(_) => {}
        }
    }
    launched
}

/// The memory that a launcher does not share with the others, on average.
fn memory_of_launchers(lab: &Lab) -> u64 {
    let own = |pid: i64| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(field("Private_Clean:")? + field("Private_Dirty:")?)
    };
    let launchers = rows(
        &lab.database(),
        "SELECT json_extract(identity, '$.launcher.pid') AS pid FROM tasks",
    );
    let sizes: Vec<u64> = launchers
        .iter()
        .filter_map(|row| own(row["pid"].as_i64()?))
        .collect();
    assert_eq!(sizes.len(), launchers.len());
    sizes.iter().sum::<u64>() / sizes.len() as u64
}
