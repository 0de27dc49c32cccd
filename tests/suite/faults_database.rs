//! Trouble with the database while tasks run: locked, read-only, no room, its log deleted, replaced,
//! gone. The program is never disturbed; the record comes as soon as it can, exactly once.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};
use taskwatcher_tests::apart::{fill, mount_memory, set_read_only, with_own_mounts};
use taskwatcher_tests::{Lab, Process, Puppet, Running, Signal};

use crate::{id, lab, launcher_of, number, skipped, text};

/// The spool files in a folder.
fn spools(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.to_string_lossy().contains(".spool-"))
        .collect()
}

/// Waits for the only spool file in a folder that does not change its name.
#[track_caller]
pub fn spool_when_it_comes(lab: &Lab, folder: &Path) -> PathBuf {
    lab.wait_for_file("a spool file", || {
        spools(folder)
            .into_iter()
            .find(|path| path.extension().is_some_and(|it| it == "json"))
    })
}

#[track_caller]
fn assert_recorded_once(lab: &Lab, code: i64) {
    let record = lab.only_record();
    assert_eq!(number(&record, "exitcode"), code);
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(spools(lab.folder()), Vec::<PathBuf>::new());
    assert_eq!(lab.history(&[]).len(), 1);
}

/// Takes the write lock until it is dropped.
pub fn lock(lab: &Lab) -> Connection {
    let holder = Connection::open(lab.database_file()).expect("the database");
    holder
        .busy_timeout(taskwatcher_tests::PATIENCE)
        .expect("patience");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    holder
}

#[test]
fn a_database_that_is_locked_for_half_a_minute() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "2m"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let task = id(&lab.only_task()).to_string();
    // Half a minute on another process's clock: the time is what this is about.
    let mut holder = lab.program("python3");
    let script = r#"
import sqlite3, sys, threading
database = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
open(sys.argv[2], "w").close()
threading.Event().wait(30)
database.execute("COMMIT")
"#;
    let locked = lab.path("locked");
    holder
        .args(["-c", script])
        .arg(lab.database_file())
        .arg(&locked);
    let holder = lab.start(holder);
    lab.wait_for_file("the lock", || locked.exists().then_some(()));
    // Nobody who reads or writes feedback has to wait for it.
    puppet.say("[a]1");
    assert_eq!(id(&lab.only_task()).to_string(), task);
    // Who has to write says what is the matter, and does nothing.
    let refused = lab.run(["reserve"]).failure(4);
    assert!(refused.contains("locked"), "{refused}");
    puppet.tell("print undisturbed");
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, lab.folder());
    assert!(!launcher.has_ended(), "it goes on trying");
    assert!(!holder.has_ended(), "all of this under the lock");
    holder.wait().done();
    assert_eq!(launcher.wait().code(), 3);
    assert!(!spool.exists());
    assert_recorded_once(&lab, 3);
    lab.assert_nothing_left();
}

#[test]
fn a_spool_is_taken_in_once_whoever_dies_around_it() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[a]1");
    let lock = lock(&lab);
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, lab.folder());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(&spool).expect("a file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    drop(lock);
    let copy = fs::read(&spool).expect("a record");
    assert_recorded_once(&lab, 3);
    let record = lab.only_record();
    assert_eq!(record["feedback"], json!({"a": "1"}));
    // As if the one that took it in had died before it could delete it.
    fs::write(&spool, copy).expect("a file");
    assert_recorded_once(&lab, 3);
    lab.assert_nothing_left();
}

#[test]
fn a_record_that_is_spooled_while_a_command_waits_is_not_lost() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let _ = lab.reserve(&[]);
    lab.edit("UPDATE tasks SET expires = 1 WHERE status = 'RESERVED'");
    let odd = lab.path("tasks.db.spool-9-x.json");
    fs::write(&odd, "{}").expect("a file");
    let lock = lock(&lab);
    // It has looked for spool files once it complains of this one, and waits for the lock then.
    let waiting = lab.spawn(["update"]);
    lab.wait_for_file("its complaint", || {
        waiting.stderr_so_far().contains("spool-9-x").then_some(())
    });
    fs::remove_file(&odd).expect("no file");
    puppet.exit(3);
    let _ = spool_when_it_comes(&lab, lab.folder());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    drop(lock);
    assert_eq!(waiting.wait().code(), 0);
    assert_recorded_once(&lab, 3);
}

#[test]
fn a_cause_that_could_not_be_recorded_is_recorded_later() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "1h"], "p", &[]);
    puppet.tell("hold SIGTERM");
    let lock = lock(&lab);
    launcher.signal(Signal::TERM);
    assert_eq!(puppet.next_signal(), "SIGTERM");
    drop(lock);
    lab.wait_for_database("the cause", |database| {
        let rows = taskwatcher_tests::rows(database, "SELECT ending FROM tasks");
        rows[0]["ending"].is_string().then_some(())
    });
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    crate::end(puppet, 0);
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
}

#[test]
fn a_launcher_dies_right_after_its_spool() {
    let lab = lab();
    let line = lab.launch_line(&["--feedback"], "p", &[]);
    let mut launcher = lab.command(line);
    launcher.env("TASKWATCHER_FAULT", "Spooled");
    let launcher = lab.start(launcher);
    let mut puppet = lab.stage().expect("p");
    puppet.say("[a]1");
    let lock = lock(&lab);
    puppet.exit(3);
    launcher.wait_unreaped();
    drop(lock);
    assert_recorded_once(&lab, 3);
    lab.assert_nothing_left();
}

#[test]
fn a_launcher_that_is_asked_to_end_leaves_its_record_in_a_spool() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let lock = lock(&lab);
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, lab.folder());
    launcher.signal(Signal::TERM);
    let line = launcher.wait().failure(125);
    assert!(line.contains(spool.to_str().expect("plain")), "{line}");
    drop(lock);
    assert_recorded_once(&lab, 3);
}

#[test]
fn what_is_no_spool_of_ours_is_left_alone() {
    let lab = lab();
    lab.run(["initialize"]).done();
    let victim = lab.path("feedback_9.log");
    fs::write(&victim, "[precious]1\n").expect("a file");
    let removal: Vec<u8> = victim.to_str().expect("plain").bytes().collect();
    let task = lab.reserve(&[]);
    let forged = json!({
        "taskid": task,
        "record": {"id": 0, "taskid": 9, "taskname": "forged", "outcome": "succeeded", "run": ""},
        "removal": {"path": removal, "before": null},
    });
    let others = lab.path("tasks.db.spool-9-x.json");
    fs::write(&others, forged.to_string()).expect("a file");
    std::os::unix::fs::chown(&others, Some(65_534), Some(65_534)).expect("another owner");
    let elsewhere = lab.path("forged");
    fs::write(&elsewhere, forged.to_string()).expect("a file");
    let link = lab.path("tasks.db.spool-9-y.json");
    std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
    let garbage = lab.path("tasks.db.spool-9-z.json");
    fs::write(&garbage, "{\"taskid\":").expect("a file");
    nix::unistd::mkfifo(
        &lab.path("tasks.db.spool-9-p.json"),
        nix::sys::stat::Mode::S_IRWXU,
    )
    .expect("a pipe");
    let output = lab.run(["history", "--json"]);
    assert_eq!(output.code(), 0);
    assert_eq!(
        output.stderr.matches("move it away").count(),
        3,
        "{output:?}"
    );
    // It may be the only record of a task of theirs: nobody is told to do anything with it.
    assert!(!output.stderr.contains("spool-9-x"), "{output:?}");
    assert_eq!(lab.rows("history").len(), 0);
    assert_eq!(lab.rows("tasks").len(), 1);
    assert!(victim.exists() && others.exists() && link.exists() && garbage.exists());
}

/// A lab whose database is on a file system of its own, and a feedback folder elsewhere.
fn on_its_own(test: impl FnOnce(&Lab, &Path, &str) + Send) {
    let done = with_own_mounts(|| {
        let lab = lab();
        let disk = lab.path("disk");
        let _mounted = mount_memory(&disk, 1024);
        let database = disk.join("tasks.db");
        test(&lab, &disk, database.to_str().expect("plain"));
    });
    if let Err(why) = done {
        skipped(&why);
    }
}

/// A task with feedback in this database; its feedback file is beside it, or in a folder of its own.
fn launch_on(lab: &Lab, database: &str, feedpath: Option<&Path>) -> (Running, Puppet) {
    let mut options = vec!["--feedback"];
    if let Some(folder) = feedpath {
        options.extend(["--feedpath", folder.to_str().expect("a plain path")]);
    }
    let mut line = vec!["--db".to_owned(), database.to_owned()];
    line.extend(lab.launch_line(&options, "p", &[]));
    let launcher = lab.spawn(line);
    (launcher, lab.stage().expect("p"))
}

#[track_caller]
fn history_of(lab: &Lab, database: &str) -> Vec<Value> {
    let printed = lab.run(["--db", database, "history", "--json"]).success();
    let document: Value = serde_json::from_str(&printed).expect("JSON");
    document["history"].as_array().expect("records").clone()
}

#[test]
fn no_room_for_the_record_beside_the_database() {
    on_its_own(|lab, disk, database| {
        let feedback = lab.path("feedback");
        let (launcher, mut puppet) = launch_on(lab, database, Some(&feedback));
        fill(&disk.join("filler"));
        puppet.say("[a]1");
        puppet.tell("print undisturbed");
        // Reading goes on.
        let listed = lab.run(["--db", database, "list", "--json"]);
        assert!(listed.stdout.contains("RUNNING"), "{listed:?}");
        let values = lab.run(["--db", database, "feedback", "1"]);
        assert_eq!(
            (values.code(), values.stdout.as_str()),
            (0, "{\"a\":\"1\"}\n")
        );
        assert!(values.stderr.contains("the disk is full"), "{values:?}");
        puppet.exit(3);
        let spool = spool_when_it_comes(lab, &feedback);
        assert!(!launcher.has_ended());
        assert_eq!(spools(disk), Vec::<PathBuf>::new(), "no half of one");
        fs::remove_file(disk.join("filler")).expect("the filler");
        assert_eq!(launcher.wait().code(), 3);
        assert!(!spool.exists());
        let records = history_of(lab, database);
        assert_eq!(records.len(), 1);
        assert_eq!(number(&records[0], "exitcode"), 3);
        assert_eq!(records[0]["feedback"], json!({"a": "1"}));
    });
}

#[test]
fn a_task_is_ended_while_its_database_has_no_room() {
    on_its_own(|lab, disk, database| {
        let feedback = lab.path("feedback");
        let (launcher, mut puppet) = launch_on(lab, database, Some(&feedback));
        puppet.tell("hold SIGTERM");
        fill(&disk.join("filler"));
        let killer = lab.spawn(["--db", database, "kill", "1"]);
        assert_eq!(puppet.next_signal(), "SIGTERM");
        fs::remove_file(disk.join("filler")).expect("the filler");
        puppet.exit(3);
        let killer = killer.wait();
        assert_eq!(killer.code(), 0, "{killer:?}");
        assert!(killer.stderr.contains("the disk is full"), "{killer:?}");
        assert_eq!(launcher.wait().code(), 3);
        let records = history_of(lab, database);
        assert_eq!((records.len(), text(&records[0], "outcome")), (1, "killed"));
    });
}

#[test]
fn a_spool_that_cannot_be_taken_in_yet_keeps_nobody_from_reading() {
    on_its_own(|lab, disk, database| {
        let feedback = lab.path("feedback");
        let (launcher, puppet) = launch_on(lab, database, Some(&feedback));
        fill(&disk.join("filler"));
        puppet.exit(3);
        spool_when_it_comes(lab, &feedback);
        launcher.signal(Signal::KILL);
        let _ = launcher.wait();
        let output = lab.run(["--db", database, "list", "--json"]);
        assert_eq!(output.code(), 0, "{output:?}");
        assert!(output.stdout.contains("RUNNING"));
        assert!(output.stderr.contains("the disk is full"), "{output:?}");
        let refused = lab.run(["--db", database, "reserve"]);
        assert_eq!(refused.code(), 4, "{refused:?}");
        fs::remove_file(disk.join("filler")).expect("the filler");
        let records = history_of(lab, database);
        assert_eq!(records.len(), 1);
        assert_eq!(number(&records[0], "exitcode"), 3);
        assert_eq!(spools(&feedback), Vec::<PathBuf>::new());
    });
}

#[test]
fn no_room_anywhere_and_then_room_again() {
    on_its_own(|lab, disk, database| {
        let (launcher, puppet) = launch_on(lab, database, None);
        fill(&disk.join("filler"));
        puppet.exit(3);
        lab.wait_for_file("a word about it", || {
            let said = launcher.stderr_so_far();
            said.contains("exit code 3").then_some(())
        });
        assert!(!launcher.has_ended(), "the record exists nowhere else");
        fs::remove_file(disk.join("filler")).expect("the filler");
        assert_eq!(launcher.wait().code(), 3);
        let records = history_of(lab, database);
        assert_eq!((records.len(), number(&records[0], "exitcode")), (1, 3));
    });
}

#[test]
fn no_room_anywhere_and_a_person_who_gives_up() {
    on_its_own(|lab, disk, database| {
        let (launcher, puppet) = launch_on(lab, database, None);
        fill(&disk.join("filler"));
        puppet.exit(3);
        lab.wait_for_file("a word about it", || {
            let said = launcher.stderr_so_far();
            said.contains("exit code 3").then_some(())
        });
        launcher.signal(Signal::TERM);
        let output = launcher.wait();
        assert_eq!(output.code(), 125, "{output:?}");
        let last = output.stderr.lines().last().expect("a line");
        assert!(
            last.contains("exit code 3") && last.contains("lost"),
            "{last}"
        );
        fs::remove_file(disk.join("filler")).expect("the filler");
        let records = history_of(lab, database);
        assert_eq!((records.len(), text(&records[0], "outcome")), (1, "lost"));
    });
}

#[test]
fn a_file_system_that_becomes_read_only() {
    on_its_own(|lab, disk, database| {
        let feedback = lab.path("feedback");
        let (launcher, mut puppet) = launch_on(lab, database, Some(&feedback));
        set_read_only(disk, true);
        puppet.say("[a]1");
        let listed = lab.run(["--db", database, "list", "--json"]);
        assert!(listed.stdout.contains("RUNNING"), "{listed:?}");
        puppet.exit(4);
        let spool = spool_when_it_comes(lab, &feedback);
        assert!(!launcher.has_ended());
        set_read_only(disk, false);
        assert_eq!(launcher.wait().code(), 4);
        assert!(!spool.exists());
        let records = history_of(lab, database);
        assert_eq!((records.len(), number(&records[0], "exitcode")), (1, 4));
    });
}

#[test]
fn its_log_is_deleted_while_a_task_runs() {
    for files in [&["tasks.db-wal", "tasks.db-shm"][..], &["tasks.db-wal"]] {
        let lab = lab();
        let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
        puppet.say("[a]1");
        for file in files {
            fs::remove_file(lab.path(file)).expect("a part of the database");
        }
        puppet.exit(3);
        assert_eq!(launcher.wait().code(), 3);
        assert_recorded_once(&lab, 3);
        assert_eq!(lab.only_record()["feedback"], json!({"a": "1"}));
        lab.assert_nothing_left();
    }
}

#[test]
fn it_is_replaced_by_an_empty_one_or_by_a_copy() {
    for keep_row in [false, true] {
        let lab = lab();
        lab.run(["initialize"]).done();
        lab.edit("PRAGMA wal_checkpoint(TRUNCATE)");
        let earlier = fs::read(lab.database_file()).expect("the file");
        let (launcher, puppet) = lab.launch(&["--unique", "--name", "n"], "p", &[]);
        lab.edit("PRAGMA wal_checkpoint(TRUNCATE)");
        let present = fs::read(lab.database_file()).expect("the file");
        let fresh = lab.path("fresh");
        fs::write(&fresh, if keep_row { present } else { earlier }).expect("a file");
        fs::rename(&fresh, lab.database_file()).expect("another file");
        for part in ["tasks.db-wal", "tasks.db-shm"] {
            let _ = fs::remove_file(lab.path(part));
        }
        assert_eq!(lab.list().len(), usize::from(keep_row));
        puppet.exit(3);
        assert_eq!(launcher.wait().code(), 3);
        assert_recorded_once(&lab, 3);
    }
}

#[test]
fn it_is_replaced_by_something_else() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    for part in ["tasks.db-wal", "tasks.db-shm"] {
        let _ = fs::remove_file(lab.path(part));
    }
    let shopping = vec![b'x'; 8192];
    fs::write(lab.database_file(), &shopping).expect("a file");
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, lab.folder());
    launcher.signal(Signal::TERM);
    assert_eq!(launcher.wait().code(), 125);
    assert_eq!(
        fs::read(lab.database_file()).expect("it"),
        shopping,
        "not ours to touch"
    );
    fs::remove_file(lab.database_file()).expect("it");
    // It makes a new one, finds the record, and erases nothing.
    let refused = lab.run(["initialize"]).failure(1);
    assert!(refused.contains("1 finished"), "{refused}");
    assert_recorded_once(&lab, 3);
    assert!(!spool.exists());
}

#[test]
fn it_is_replaced_by_a_database_of_the_original() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    for part in ["tasks.db", "tasks.db-wal", "tasks.db-shm"] {
        let _ = fs::remove_file(lab.path(part));
    }
    lab.edit(
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT, info1 TEXT, info2 TEXT, info3 TEXT,
             pid INTEGER, status TEXT, feedback INTEGER, reservetime INTEGER, starttime INTEGER,
             duration INTEGER, lastupdate INTEGER, timeout INTEGER);
         CREATE TABLE feedbacks (id INTEGER PRIMARY KEY, feedback BLOB, lastupdate INTEGER);
         CREATE TABLE history (id INTEGER PRIMARY KEY, taskid INTEGER, taskname TEXT, info1 TEXT,
             info2 TEXT, info3 TEXT, termsignal TEXT, termerror TEXT, starttime INTEGER,
             endtime INTEGER, duration INTEGER, feedback BLOB);",
    );
    puppet.exit(3);
    spool_when_it_comes(&lab, lab.folder());
    lab.run(["update"]).done();
    assert_eq!(launcher.wait().code(), 3);
    assert_recorded_once(&lab, 3);
}

#[test]
fn its_folder_goes_away_and_comes_back() {
    let lab = lab();
    let database = lab.path("state").join("tasks.db");
    let database = database.to_str().expect("plain");
    let (launcher, mut puppet) = launch_on(&lab, database, None);
    puppet.say("[a]1");
    fs::rename(lab.path("state"), lab.path("moved")).expect("a folder");
    puppet.tell("print undisturbed");
    puppet.exit(3);
    lab.wait_for_file("a word about it", || {
        let said = launcher.stderr_so_far();
        said.contains("exit code 3").then_some(())
    });
    assert!(!launcher.has_ended());
    fs::rename(lab.path("moved"), lab.path("state")).expect("a folder");
    assert_eq!(launcher.wait().code(), 3);
    let records = history_of(&lab, database);
    assert_eq!((records.len(), number(&records[0], "exitcode")), (1, 3));
}

#[test]
fn its_folder_is_deleted_and_made_again() {
    let lab = lab();
    let database = lab.path("state").join("tasks.db");
    let database = database.to_str().expect("plain");
    let feedback = lab.path("feedback");
    let (launcher, mut puppet) = launch_on(&lab, database, Some(&feedback));
    puppet.say("[a]1");
    fs::remove_dir_all(lab.path("state")).expect("a folder");
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, &feedback);
    // The next command that may makes a new one; the launcher, which never makes one, finds it.
    lab.run(["--db", database, "initialize"]).done();
    assert_eq!(history_of(&lab, database), Vec::<Value>::new());
    assert_eq!(launcher.wait().code(), 3);
    assert!(!spool.exists());
    let records = history_of(&lab, database);
    assert_eq!((records.len(), number(&records[0], "exitcode")), (1, 3));
    assert_eq!(records[0]["feedback"], json!({"a": "1"}));
}

#[test]
fn an_adopter_spools_too() {
    let lab = lab();
    let (task, puppet) = crate::orphaned(&lab, &[]);
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    let lock = lock(&lab);
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(3);
    program.reap();
    spool_when_it_comes(&lab, lab.folder());
    drop(lock);
    launcher.reap();
    assert_recorded_once(&lab, 3);
    lab.assert_nothing_left();
}
