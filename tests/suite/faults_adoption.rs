//! The launcher of a live task is killed: the next command of any kind starts another one, which
//! goes on with the same rules and still tells the truth about the end.

use std::io::pipe;

use serde_json::{Value, json};
use taskwatcher_tests::process::effort;
use taskwatcher_tests::{Lab, Process, Puppet, Running, Signal, rows};

use crate::{
    assert_fell_silent, end, id, lab, launcher_of, number, orphaned, record_when_it_comes, skipped,
    statuses, text,
};

/// Whether this kernel tells others than the parent how a process ended, once it is reaped.
fn kernel_tells_exits() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse::<u32>().ok();
    next().zip(next()) >= Some((6, 15))
}

#[test]
fn a_zombie_tells_the_exit_code() {
    let lab = lab();
    let (task, puppet) = orphaned(&lab, &[]);
    assert_eq!(id(&lab.only_task()), task);
    // Nobody reaps it, as under a first process of a container that does not care.
    puppet.exit(7);
    let record = record_when_it_comes(&lab);
    assert_eq!((id(&record), text(&record, "outcome")), (task, "failed"));
    assert_eq!(number(&record, "exitcode"), 7);
    lab.assert_nothing_left();
}

#[test]
fn the_kernel_tells_the_exit_code_of_one_that_was_reaped() {
    if !kernel_tells_exits() {
        return skipped("this kernel has no PIDFD_INFO_EXIT (6.15)");
    }
    for (fate, outcome, code, signal) in [
        ("exit 7", "failed", json!(7), Value::Null),
        ("exit 0", "succeeded", json!(0), Value::Null),
        ("die SIGSEGV", "signalled", Value::Null, json!("SIGSEGV")),
    ] {
        let lab = lab();
        let (task, mut puppet) = orphaned(&lab, &[]);
        let _ = lab.only_task();
        // The program ends and is gone before its new launcher can look.
        let launcher = launcher_of(&lab, task);
        launcher.signal(Signal::STOP);
        let program = Process::open(puppet.pid()).expect("the program");
        puppet.send(fate);
        program.reap();
        launcher.signal(Signal::CONT);
        let record = record_when_it_comes(&lab);
        assert_eq!(text(&record, "outcome"), outcome, "{fate}");
        assert_eq!(
            (&record["exitcode"], &record["termsignal"]),
            (&code, &signal)
        );
        lab.assert_nothing_left();
    }
}

#[test]
fn a_task_that_was_still_a_zombie_tells_its_end_without_any_launcher() {
    let lab = lab();
    let (_, puppet) = orphaned(&lab, &[]);
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(3);
    program.wait_for_end();
    // Not adopted in time, but not reaped yet either.
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("failed", 3)
    );
    assert!(text(&record, "termerror").contains("its launcher died"));
    lab.assert_nothing_left();
}

#[test]
fn every_command_adopts() {
    for line in [
        &["list"][..],
        &["history"],
        &["update"],
        &["reserve"],
        &["feedback", "1"],
        &["clear"],
        &["export"],
        &["killall", "nobody"],
        &["initialize", "--force"],
        &["launch", "--", "true"],
        &["launch", "--detach", "--", "true"],
    ] {
        let lab = lab();
        let (task, puppet) = orphaned(&lab, &["--feedback"]);
        let _ = lab.run(line);
        let launcher = launcher_of(&lab, task);
        assert!(!launcher.has_ended(), "after {line:?}");
        end(puppet, 9);
        launcher.reap();
        let codes: Vec<_> = lab
            .rows("history")
            .into_iter()
            .filter(|row| row["taskid"] == task)
            .map(|row| row["exitcode"].clone())
            .collect();
        assert_eq!(codes, [json!(9)], "after {line:?}");
    }
}

#[test]
fn many_commands_at_once_adopt_once() {
    let lab = lab();
    let (task, puppet) = orphaned(&lab, &[]);
    let (gate_end, gate) = pipe().expect("a pipe");
    let start = |_| {
        let mut command = lab.program("sh");
        let script = r#"read -r _; exec "$@" </dev/null"#;
        command.args(["-c", script, "sh", lab.taskwatcher(), "list"]);
        command.stdin(gate_end.try_clone().expect("its end"));
        lab.start(command)
    };
    let commands: Vec<Running> = (0..12).map(start).collect();
    drop(gate);
    for command in commands {
        command.wait().done();
    }
    let launcher = launcher_of(&lab, task);
    let alive: Vec<i32> = lab.processes().iter().map(Process::pid).collect();
    assert_eq!(alive.len(), 2, "one launcher and one program: {alive:?}");
    assert!(alive.contains(&launcher.pid()));
    end(puppet, 4);
    launcher.reap();
    let record = lab.only_record();
    assert_eq!((id(&record), number(&record, "exitcode")), (task, 4));
    lab.assert_nothing_left();
}

#[test]
fn a_launcher_that_adopts_another_task_leaves_it_alone_at_its_own_end() {
    let lab = lab();
    let (task, mut adopted) = orphaned(&lab, &["--grace", "0.1"]);
    let (other, own) = lab.launch(&["--grace", "0.1"], "own", &[]);
    let launcher = launcher_of(&lab, task);
    own.exit(0);
    assert_eq!(other.wait().code(), 0);
    assert_eq!(number(&lab.only_record(), "leftovers"), 0);
    // And neither does a signal to the one end the other.
    let (other, _own) = lab.launch(&["--grace", "0.1"], "other", &[]);
    other.signal(Signal::TERM);
    assert_eq!(other.wait().code(), 143);
    adopted.tell("print unharmed");
    assert!(!launcher.has_ended());
    end(adopted, 0);
    launcher.reap();
    assert_eq!(lab.history(&["--outcome", "succeeded"]).len(), 2);
}

#[test]
fn an_adopter_holds_nothing_of_its_caller() {
    let lab = lab();
    let (task, puppet) = orphaned(&lab, &[]);
    let mut caller = lab.program("sh");
    let script = r#"seen=$("$@" 2>&1 | wc -l); echo "$seen""#;
    caller.args(["-c", script, "sh", lab.taskwatcher(), "list"]);
    assert_eq!(lab.start(caller).wait().success().trim(), "2");
    let launcher = launcher_of(&lab, task);
    let folder = std::fs::read_link(format!("/proc/{}/cwd", launcher.pid())).expect("a folder");
    assert_eq!(folder.to_str(), Some("/"));
    end(puppet, 0);
    launcher.reap();
}

#[test]
fn an_adopter_that_dies_is_followed_by_another() {
    let lab = lab();
    let (task, puppet) = orphaned(&lab, &[]);
    for _ in 0..4 {
        let _ = lab.only_task();
        let launcher = launcher_of(&lab, task);
        launcher.signal(Signal::KILL);
        launcher.reap();
    }
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    end(puppet, 5);
    launcher.reap();
    assert_eq!(number(&lab.only_record(), "exitcode"), 5);
    lab.assert_nothing_left();
}

#[test]
fn thresholds_timeout_and_grace_are_the_same_under_another_launcher() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "4", "--grace", "0.2"];
    let (task, mut puppet) = orphaned(&lab, &options);
    puppet.tell("hold SIGTERM");
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    assert_eq!(puppet.next_signal(), "SIGTERM");
    launcher.reap();
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("timeout", "SIGKILL")
    );
    assert_fell_silent(&record);
    assert!((4_000..60_000).contains(&number(&record, "elapsed_ms")));
    lab.assert_nothing_left();
}

#[test]
fn a_beat_that_came_while_nobody_watched_counts() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "8", "--grace", "0"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let task = id(&lab.only_task());
    lab.wait_for_status("STALLED");
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    puppet.say("[a]1");
    let _ = lab.only_task();
    lab.wait_for_status("RUNNING");
    let launcher = launcher_of(&lab, task);
    end(puppet, 0);
    launcher.reap();
    let record = lab.only_record();
    let seen = statuses(&record);
    assert_eq!(seen.get(3).map(String::as_str), Some("RUNNING"), "{seen:?}");
}

#[test]
fn the_maximum_time_runs_from_the_start() {
    let lab = lab();
    let (task, _puppet) = orphaned(&lab, &["--max-time", "6", "--grace", "0"]);
    let _ = lab.only_task();
    launcher_of(&lab, task).reap();
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "timeout");
    assert!((6_000..60_000).contains(&number(&record, "elapsed_ms")));
}

#[test]
fn an_end_that_was_begun_is_carried_through() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    puppet.tell("hold SIGTERM");
    let task = id(&lab.only_task());
    let killer = lab.spawn(["kill", &task.to_string()]);
    assert_eq!(puppet.next_signal(), "SIGTERM");
    launcher.signal(Signal::KILL);
    // The command that killed it notices, and sees to another launcher itself.
    assert_eq!(puppet.next_signal(), "SIGTERM");
    assert!(!killer.has_ended());
    end(puppet, 0);
    assert_eq!(killer.wait().code(), 0);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("killed", 0)
    );
    drop(launcher);
    lab.assert_nothing_left();
}

/// A child by parent, one by its session, one by the mark of the run alone.
const WAYS: [(&str, &str); 4] = [
    ("child", ""),
    ("bare", "bare"),
    ("session", "setsid"),
    ("daemon", "setsid orphan"),
];

/// An orphan in a group of its own and without an environment: only the session tells.
fn loner(lab: &Lab, puppet: &mut Puppet) -> Puppet {
    let line = lab.puppet("loner", &[]).join("' '");
    puppet.tell(&format!("background sh\u{1f}-c\u{1f}env -i '{line}' &"));
    puppet.tell("await");
    lab.stage().expect("loner")
}

#[test]
fn the_adopted_tree_is_ended_whole() {
    for options in [
        &["--grace", "0.2", "--detach"][..],
        &["--grace", "0.2", "--detach", "--feedback", "--timeout", "6"],
    ] {
        let lab = lab();
        lab.run(lab.launch_line(options, "p", &[])).done();
        let mut puppet = lab.stage().expect("p");
        let task = id(&lab.only_task());
        let launcher = launcher_of(&lab, task);
        launcher.signal(Signal::KILL);
        launcher.reap();
        let mut members: Vec<_> = WAYS
            .iter()
            .map(|(name, how)| puppet.child(lab.stage(), name, how))
            .collect();
        members[3].tell("hold SIGTERM SIGHUP");
        members.push(loner(&lab, &mut puppet));
        let held: Vec<Process> = members
            .iter()
            .map(|it| Process::open(it.pid()).expect("it lives"))
            .collect();
        // By the second of its adopters.
        let _ = lab.list();
        let launcher = launcher_of(&lab, task);
        launcher.signal(Signal::KILL);
        launcher.reap();
        let _ = lab.list();
        let launcher = launcher_of(&lab, task);
        if options.len() == 3 {
            assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
        }
        launcher.reap();
        for member in &held {
            assert!(member.has_ended(), "{} lives on", member.pid());
        }
        lab.assert_nothing_left();
    }
}

#[test]
fn what_an_adopted_command_leaves_is_ended_waited_for_or_left() {
    for mode in ["kill", "wait", "leave"] {
        let lab = lab();
        let (task, mut puppet) = orphaned(&lab, &["--leftovers", mode, "--grace", "0.2"]);
        let mut daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
        let _ = lab.only_task();
        let launcher = launcher_of(&lab, task);
        end(puppet, 6);
        match mode {
            "kill" => daemon.wait_for_end(),
            "wait" => {
                daemon.tell("print still here");
                assert_eq!(id(&lab.only_task()), task);
                daemon.exit(0);
            }
            _ => {
                launcher.reap();
                daemon.tell("print still here");
            }
        }
        launcher.reap();
        let record = lab.only_record();
        assert_eq!(number(&record, "exitcode"), 6, "{mode}");
        // While it is waited for, it may end before the launcher has seen the command's end.
        if mode != "wait" {
            assert_eq!(number(&record, "leftovers"), 1, "{mode}");
        }
    }
}

/// A deaf daemon of a task whose command has ended with 3, by itself or because somebody asked, and
/// whose launcher was killed then.
fn left_behind(lab: &Lab, options: &[&str], asked: bool) -> (i64, Puppet) {
    let (launcher, mut puppet) = lab.launch(options, "p", &[]);
    let task = id(&lab.only_task());
    let mut daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
    daemon.tell("hold SIGTERM");
    puppet.tell("hold SIGTERM");
    let program = Process::open(puppet.pid()).expect("the program");
    if asked {
        launcher.signal(Signal::TERM);
        assert_eq!(puppet.next_signal(), "SIGTERM");
    }
    puppet.exit(3);
    lab.wait_for_database("the command's end", |database| {
        let rows = rows(database, "SELECT options FROM tasks");
        let options: Value = serde_json::from_str(rows[0]["options"].as_str()?).ok()?;
        (!options["command_end"].is_null()).then_some(())
    });
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    program.reap();
    (task, daemon)
}

#[test]
fn what_is_waited_for_has_another_launcher_and_the_exit_code_stays() {
    let lab = lab();
    let options = ["--unique", "--name", "n", "--leftovers", "wait"];
    let (task, daemon) = left_behind(&lab, &options, false);
    let refused = lab.run(["reserve", "--unique", "--name", "n"]).failure(1);
    assert!(refused.contains("active"), "{refused}");
    let launcher = launcher_of(&lab, task);
    assert!(!launcher.has_ended());
    // One more that dies while it waits.
    launcher.signal(Signal::KILL);
    launcher.reap();
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    end(daemon, 0);
    launcher.reap();
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("failed", 3)
    );
    assert_eq!(number(&record, "leftovers"), 1);
    assert_eq!(record["termerror"], "exit code 3");
    lab.assert_nothing_left();
}

#[test]
fn a_launcher_that_waits_for_what_was_left_does_nothing_meanwhile() {
    let lab = lab();
    let (task, mut daemon) = left_behind(&lab, &["--leftovers", "wait"], false);
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    let before = effort(launcher.pid()).voluntary_switches;
    daemon.tell("nap 1000");
    let switches = effort(launcher.pid()).voluntary_switches - before;
    // It may have been about to begin its wait.
    assert!(switches < 5, "it looks again and again: {switches}");
    end(daemon, 0);
    launcher.reap();
    assert_eq!(number(&lab.only_record(), "exitcode"), 3);
}

#[test]
fn what_ends_while_nobody_waits_for_it_costs_no_exit_code() {
    let lab = lab();
    let (_, daemon) = left_behind(&lab, &["--leftovers", "wait"], false);
    end(daemon, 0);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), number(&record, "exitcode")),
        ("failed", 3)
    );
    assert!(number(&record, "elapsed_ms") >= 0, "{record}");
    lab.assert_nothing_left();
}

#[test]
fn a_grace_that_was_begun_ends_under_another_launcher() {
    for (asked, outcome) in [(true, "killed"), (false, "failed")] {
        let lab = lab();
        let (_, daemon) = left_behind(&lab, &["--grace", "1h"], asked);
        lab.edit("UPDATE tasks SET options = json_set(options, '$.grace', 0.1)");
        let daemon = Process::open(daemon.pid()).expect("it lives");
        let _ = lab.list();
        daemon.reap();
        let record = record_when_it_comes(&lab);
        for process in lab.processes() {
            process.reap();
        }
        assert_eq!(text(&record, "outcome"), outcome);
        assert_eq!(number(&record, "exitcode"), 3);
        lab.assert_nothing_left();
    }
}

#[test]
fn an_odd_feedback_file_keeps_nobody_from_adopting() {
    for make in [
        "mkfifo \"$1\"",
        "mkdir \"$1\"",
        "ln -s /etc/passwd \"$1\"",
        "ln -s nowhere \"$1\"",
        "mknod \"$1\" c 1 5",
    ] {
        let lab = lab();
        let options = ["--feedback", "--timeout", "1m"];
        let (task, puppet) = orphaned(&lab, &options);
        let mut shell = lab.program("sh");
        let file = lab.feedback_file(task);
        shell.args(["-c", make, "sh"]).arg(&file);
        lab.start(shell).wait().done();
        let _ = lab.only_task();
        let launcher = launcher_of(&lab, task);
        end(puppet, 2);
        launcher.reap();
        let record = lab.only_record();
        assert_eq!(number(&record, "exitcode"), 2, "{make}");
        assert_eq!(record["feedback"], json!({}), "{make}");
        assert!(file.symlink_metadata().is_ok(), "it is not ours: {make}");
    }
}

#[test]
fn inside_a_task_nobody_adopts() {
    let lab = lab();
    let (task, puppet) = orphaned(&lab, &[]);
    let mut inside = lab.command(["list"]);
    inside.env("TASKWATCHER_RUN", "of another task");
    lab.start(inside).wait().done();
    // Its launcher would end with the other task; the next command from outside takes it.
    let before = rows(&lab.database(), "SELECT identity FROM tasks");
    let _ = lab.only_task();
    assert_ne!(rows(&lab.database(), "SELECT identity FROM tasks"), before);
    let launcher = launcher_of(&lab, task);
    end(puppet, 0);
    launcher.reap();
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
}

/// Where the kernel refuses pidfds, an adopter can only look.
#[test]
fn an_adopter_without_pidfds_never_makes_up_an_end() {
    for (reaped, outcome) in [(true, "lost"), (false, "failed")] {
        let lab = lab();
        let (task, puppet) = orphaned(&lab, &[]);
        without_pidfds(&lab, &["list"]).wait().done();
        let launcher = launcher_of(&lab, task);
        if reaped {
            launcher.signal(Signal::STOP);
            end(puppet, 7);
            launcher.signal(Signal::CONT);
        } else {
            puppet.exit(7);
        }
        launcher.reap();
        let record = lab.only_record();
        assert_eq!(text(&record, "outcome"), outcome);
        if reaped {
            assert_eq!(record["exitcode"], Value::Null);
            assert!(text(&record, "termerror").contains("exit status unknown"));
        }
        lab.assert_nothing_left();
    }
}

fn without_pidfds(lab: &Lab, line: &[&str]) -> Running {
    let words = taskwatcher_tests::apart::without_pidfds(nix::errno::Errno::ENOSYS);
    let mut command = lab.program(&words[0]);
    command.args(&words[1..]).arg(lab.taskwatcher()).args(line);
    lab.start(command)
}

#[test]
fn what_a_command_has_left_shows_whose_it_is_in_a_database_of_others() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--leftovers", "wait"], "p", &[]);
    let left = puppet.child(lab.stage(), "left", "setsid orphan");
    let mut access = std::fs::metadata(lab.database_file())
        .expect("a database")
        .permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut access, 0o666);
    std::fs::set_permissions(lab.database_file(), access).expect("access");
    puppet.exit(3);
    lab.wait_for_database("the end of the command", |database| {
        let tasks = rows(database, "SELECT options FROM tasks");
        let options = tasks[0]["options"].as_str()?;
        options.contains("\"command_end\":{").then_some(())
    });
    let task = id(&lab.only_task()).to_string();
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    assert_eq!(lab.run(["kill", &task]).code(), 0);
    drop(left);
    assert_eq!(lab.only_record()["exitcode"], json!(3));
    lab.assert_nothing_left();
}

#[test]
fn what_a_database_of_others_names_is_not_signalled_unless_it_shows_itself() {
    let lab = lab();
    let mut database = std::fs::metadata(lab.folder())
        .expect("a folder")
        .permissions();
    let (task, mut puppet) = orphaned(&lab, &[]);
    std::os::unix::fs::PermissionsExt::set_mode(&mut database, 0o666);
    std::fs::set_permissions(lab.database_file(), database).expect("access");
    // A program that is no launcher, but is said to be one.
    let true_identity = "json_set(identity, '$.launcher', json_extract(identity, '$.child'))";
    lab.edit(&format!(
        "UPDATE tasks SET options = identity, identity = {true_identity}"
    ));
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 1);
    // A program that is no task, but is said to be one.
    lab.edit("UPDATE tasks SET identity = json_set(options, '$.run', 'another'), options = NULL");
    let listed = lab.run(["list", "--json"]);
    assert_eq!(listed.code(), 0);
    assert!(listed.stderr.contains("others can write"), "{listed:?}");
    let pid = puppet.pid().to_string();
    let refused = lab.run(["kill", &task.to_string()]);
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.stderr.contains(&pid), "{refused:?}");
    // It has got no signal: it would have ended by one.
    assert_eq!(puppet.tell("nap 0"), "");
    puppet.exit(0);
}
