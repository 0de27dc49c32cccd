//! What a dead launcher leaves, and what the next command makes of it.

use std::fs;

use serde_json::{Value, json};
use taskwatcher_tests::{Lab, Process, Puppet, Signal, rows};

use crate::{id, lab, statuses, text};

/// A task whose launcher was killed; the program still runs.
fn orphaned(lab: &Lab, options: &[&str]) -> (i64, Puppet) {
    let (launcher, puppet) = lab.launch(options, "p", &[]);
    let task = id(&lab.only_task());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    (task, puppet)
}

/// Ends the orphaned program, as init would see it.
fn end(puppet: Puppet, code: u8) {
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(code);
    program.reap();
}

#[test]
fn a_task_that_nobody_saw_end_is_lost() {
    let lab = lab();
    let (task, mut puppet) = orphaned(&lab, &["--feedback", "--name", "n"]);
    puppet.say("[progress]42");
    puppet.tell("raw [last]half");
    end(puppet, 0);
    assert_eq!(lab.list(), Vec::<Value>::new());
    let record = lab.only_record();
    assert_eq!((id(&record), text(&record, "outcome")), (task, "lost"));
    assert_eq!(record["exitcode"], Value::Null, "never a guess");
    assert_eq!(record["termsignal"], Value::Null);
    assert!(!text(&record, "termerror").is_empty());
    assert_eq!(
        record["feedback"],
        json!({"progress": "42", "last": "half"})
    );
    assert_eq!(statuses(&record)[0], "RUNNING");
    lab.assert_nothing_left();
}

#[test]
fn a_record_that_could_not_be_stored_is_not_lost() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[a]1");
    let holder = rusqlite::Connection::open(lab.database_file()).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    puppet.exit(3);
    // The database stays busy for longer than a launcher waits: it writes the record elsewhere.
    lab.wait_for_file("a spool file", || {
        let entries = fs::read_dir(lab.folder()).ok()?;
        entries
            .flatten()
            .find(|it| it.path().extension().is_some_and(|it| it == "json"))
    });
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    holder.execute_batch("COMMIT").expect("the end of the lock");
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), &record["exitcode"]),
        ("failed", &json!(3))
    );
    assert_eq!(record["feedback"], json!({"a": "1"}));
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(lab.history(&[]).len(), 1, "exactly once");
}

#[test]
fn every_command_recovers_first() {
    for line in [
        &["history", "--json"][..],
        &["update"],
        &["reserve", "--name", "other"],
        &["launch", "--", "true"],
        &["killall", "nobody"],
        &["feedback", "1"],
    ] {
        let lab = lab();
        let (_, puppet) = orphaned(&lab, &["--feedback"]);
        end(puppet, 0);
        let _ = lab.run(line);
        let lost = lab
            .rows("history")
            .into_iter()
            .filter(|row| row["outcome"] == "lost")
            .count();
        assert_eq!(lost, 1, "after {line:?}");
    }
}

#[test]
fn a_dead_holder_does_not_block_a_unique_name() {
    let lab = lab();
    let (_, puppet) = orphaned(&lab, &["--unique", "--name", "n"]);
    end(puppet, 0);
    let _ = lab.reserve(&["--unique", "--name", "n"]);
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
}

#[test]
fn a_launcher_that_nobody_reaped_is_dead_too() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    launcher.signal(Signal::KILL);
    // It stays a zombie, as under a parent that is busy.
    launcher.wait_unreaped();
    end(puppet, 0);
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
}

#[test]
fn a_live_program_of_a_dead_launcher_is_not_given_up() {
    let lab = lab();
    let (task, mut puppet) = orphaned(&lab, &["--unique", "--name", "n", "--feedback"]);
    let before = lab.rows("tasks")[0]["identity"].clone();
    assert_eq!(id(&lab.only_task()), task);
    let _ = lab.run(["reserve", "--unique", "--name", "n"]).failure(1);
    // Somebody else answers for it now, and sees how it ends.
    lab.wait_for_database("another launcher", |database| {
        let tasks = rows(database, "SELECT * FROM tasks");
        tasks
            .iter()
            .any(|row| row["identity"] != before)
            .then_some(())
    });
    puppet.say("[progress]80");
    assert_eq!(lab.feedback(task), json!({"progress": "80"}));
    end(puppet, 7);
    let record = lab.wait_for_history(1).remove(0);
    // The exit status is the true one, or unknown: never a success that nobody saw.
    match record["outcome"].as_str() {
        Some("failed") => assert_eq!(record["exitcode"], json!(7)),
        Some("lost") => assert_eq!(record["exitcode"], Value::Null),
        other => panic!("{other:?}: {record:?}"),
    }
    assert_eq!(record["feedback"], json!("{\"progress\":\"80\"}"));
    let _ = lab.reserve(&["--unique", "--name", "n"]);
    assert_eq!(lab.history(&[]).len(), 1);
}

#[test]
fn an_adopted_task_can_be_killed_with_its_tree() {
    let lab = lab();
    let (task, mut puppet) = orphaned(&lab, &["--grace", "0.3"]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
    child.tell("hold SIGTERM");
    let (held, program) = [child.pid(), puppet.pid()]
        .map(|pid| Process::open(pid).expect("it lives"))
        .into();
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    program.reap();
    held.reap();
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
    assert_eq!(lab.list(), Vec::<Value>::new());
}

#[test]
fn tasks_of_live_launchers_are_left_alone() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    for _ in 0..3 {
        assert_eq!(lab.run(["update"]).success(), "");
    }
    // Not even when the launcher is stopped.
    launcher.signal(Signal::STOP);
    assert_eq!(text(&lab.only_task(), "status"), "RUNNING");
    launcher.signal(Signal::CONT);
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
}

#[test]
fn rows_of_another_machine_are_shown_and_left_alone() {
    let lab = lab();
    let (task, puppet) = orphaned(&lab, &[]);
    let identity = lab.rows("tasks")[0]["identity"]
        .as_str()
        .expect("text")
        .to_owned();
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let mut foreign = identity.clone();
    for name in [machine.trim(), boot.trim(), &boot.trim().replace('-', "")] {
        if !name.is_empty() {
            foreign = foreign.replace(name, &name.chars().rev().collect::<String>());
        }
    }
    assert_ne!(foreign, identity);
    lab.edit(&format!(
        "UPDATE tasks SET identity = '{foreign}', host = 'elsewhere'"
    ));
    end(puppet, 0);
    assert_eq!(id(&lab.only_task()), task);
    let output = lab.run(["kill", &task.to_string()]);
    assert_ne!(output.code(), 0, "nobody here can end it");
    assert_eq!(id(&lab.only_task()), task);
    assert_eq!(lab.history(&[]), Vec::<Value>::new());
}

#[test]
fn nothing_is_made_up_about_a_task_on_another_machine() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[a]1");
    lab.edit(
        "UPDATE tasks SET starttime = starttime - 100,
             identity = json_set(identity, '$.machine', 'another')",
    );
    let listed = lab.only_task();
    assert!(listed["duration"].as_i64() >= Some(100), "{listed}");
    assert_eq!(listed["timer"], Value::Null, "its file is not to be seen");
    lab.run(["update"]).done();
    let row = &lab.rows("tasks")[0];
    assert_eq!(
        (&row["lastupdate"], &row["duration"]),
        (&Value::Null, &json!(0))
    );
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
}

#[test]
fn a_task_from_before_a_restart_is_lost() {
    let lab = lab();
    let (_, puppet) = orphaned(&lab, &[]);
    end(puppet, 0);
    // As after a restart of the machine: other boot, same machine.
    let identity = lab.rows("tasks")[0]["identity"]
        .as_str()
        .expect("text")
        .to_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let boot = boot.trim();
    let other: String = boot.chars().rev().collect();
    let mut earlier = identity.replace(boot, &other);
    earlier = earlier.replace(&boot.replace('-', ""), &other.replace('-', ""));
    lab.edit(&format!("UPDATE tasks SET identity = '{earlier}'"));
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
}

#[test]
fn reservations_expire() {
    let lab = lab();
    let _ = lab.reserve(&["--unique", "--name", "n"]);
    let for_ever = lab.reserve(&["--name", "patient", "--ttl", "0"]);
    let short = lab.reserve(&["--name", "short", "--ttl", "2m"]);
    let tasks = lab.list();
    let lifetime = |task: &Value| -> Option<i64> {
        Some(task["expires"].as_i64()? - task["reservetime"].as_i64()?)
    };
    assert_eq!(lifetime(&tasks[0]), Some(300));
    assert_eq!(lifetime(&tasks[1]), None);
    assert_eq!(lifetime(&tasks[2]), Some(120));
    lab.edit("UPDATE tasks SET reservetime = reservetime - 301, expires = expires - 301");
    // An expired one blocks nobody, can be launched by nobody and is gone from the list.
    let line = lab
        .run(["launch", "--taskid", &short.to_string(), "--", "true"])
        .failure(125);
    assert!(line.contains(&short.to_string()), "{line}");
    let next = lab.reserve(&["--unique", "--name", "n"]);
    let ids: Vec<i64> = lab.list().iter().map(id).collect();
    assert_eq!(ids, [for_ever, next]);
    assert_eq!(
        lab.history(&[]),
        Vec::<Value>::new(),
        "nothing ran, nothing is recorded"
    );
}

#[test]
fn update_stores_what_readers_compute() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[a]1");
    lab.edit("UPDATE tasks SET starttime = starttime - 100");
    let listed = lab.only_task();
    assert!(
        (100..160).contains(&listed["duration"].as_i64().expect("seconds")),
        "{listed}"
    );
    let _ = lab.reserve(&["--name", "gone"]);
    lab.edit("UPDATE tasks SET expires = 1 WHERE name = 'gone'");
    assert_eq!(lab.run(["update"]).success(), "");
    let rows = lab.rows("tasks");
    assert_eq!(rows.len(), 1);
    assert!(
        (100..160).contains(&rows[0]["duration"].as_i64().expect("seconds")),
        "{rows:?}"
    );
    assert!(rows[0]["lastupdate"].as_i64().expect("a time") > 1_700_000_000);
    puppet.exit(0);
    let _ = launcher.wait();
}

#[test]
fn a_lost_tasks_living_descendants_are_not_signalled_by_mistake() {
    let lab = lab();
    let (_, mut puppet) = orphaned(&lab, &["--feedback"]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan bare");
    end(puppet, 0);
    let _ = lab.list();
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
    // It carries no mark and no relation any more: nothing proves that it is the task's.
    child.tell("print unharmed");
}
