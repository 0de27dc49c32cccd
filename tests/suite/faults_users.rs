//! Several users of one machine: nobody ends what is not theirs, and nobody is told what is not so.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rusqlite::Connection;
use serde_json::{Value, json};
use taskwatcher_tests::{Lab, Process, Puppet, Running, Signal};

use crate::{id, lab, launcher_of, number, skipped, text};

const NOBODY: u32 = 65_534;
const DATABASE: [&str; 3] = ["tasks.db", "tasks.db-wal", "tasks.db-shm"];

fn set_mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("access");
}

/// Makes a lab that every user may use; false, and said, where there is only one user.
fn open_to_all(lab: &Lab) -> bool {
    if !nix::unistd::geteuid().is_root() {
        skipped("another user needs root");
        return false;
    }
    let mut copy = lab.program("cp");
    copy.args([lab.taskwatcher(), &lab.puppet("", &[])[0], "."]);
    lab.start(copy).wait().done();
    set_mode(lab.folder(), 0o777);
    set_mode(std::path::Path::new(lab.stage().path()), 0o777);
    true
}

/// The command under test as the user nobody, with the right to the database.
fn as_nobody(lab: &Lab, line: &[&str]) -> Running {
    as_nobody_under(lab, &[], line)
}

/// The same, started by another program.
fn as_nobody_under(lab: &Lab, starter: &[&str], line: &[&str]) -> Running {
    for part in DATABASE {
        let path = lab.path(part);
        if fs::metadata(&path).is_ok_and(|data| data.uid() != NOBODY) {
            set_mode(&path, 0o666);
        }
    }
    let mut command = lab.program("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(starter)
        .arg(lab.path("taskwatcher-under-test"))
        .args(line);
    lab.start(command)
}

/// Makes the database one that nobody has made and keeps for itself.
fn give_to_nobody(lab: &Lab) {
    set_mode(lab.folder(), 0o755);
    std::os::unix::fs::chown(lab.folder(), Some(NOBODY), Some(NOBODY)).expect("a new owner");
    for part in DATABASE {
        std::os::unix::fs::chown(lab.path(part), Some(NOBODY), Some(NOBODY)).expect("a new owner");
        set_mode(&lab.path(part), 0o600);
    }
}

/// A task of nobody's whose launcher was killed.
fn orphan_of_nobody(lab: &Lab) -> (i64, Puppet) {
    let program = lab.path("puppet").display().to_string();
    let line = [
        "launch",
        "--grace",
        "0",
        "--",
        &program,
        "--stage",
        lab.stage().path(),
        "--name",
        "p",
    ];
    let launcher = as_nobody(lab, &line);
    let puppet = lab.stage().expect("p");
    let task = id(&lab.only_task());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    (task, puppet)
}

#[test]
fn another_user_ends_nothing_and_is_told_why() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let task = id(&lab.only_task()).to_string();
    if !open_to_all(&lab) {
        return;
    }
    let line = as_nobody(&lab, &["kill", &task]).wait().failure(1);
    assert!(line.contains("root") && line.contains(&task), "{line}");
    // Neither does it take a task over whose launcher has died.
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    assert!(
        as_nobody(&lab, &["kill", &task])
            .wait()
            .failure(1)
            .contains("root")
    );
    let listed = as_nobody(&lab, &["list"]).wait();
    assert!(listed.success().contains("of user root"));
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(0);
    program.reap();
    let _ = as_nobody(&lab, &["update"]).wait();
    assert_eq!(lab.rows("tasks").len(), 1, "not theirs to judge");
    assert_eq!(text(&lab.only_record(), "outcome"), "lost");
    // And the other way round: root is told who has to do it.
    let line = ["launch", "--", "sh", "-c", "echo >running; read -r _ <pipe"];
    nix::unistd::mkfifo(
        &lab.path("pipe"),
        nix::sys::stat::Mode::from_bits_truncate(0o666),
    )
    .expect("a pipe");
    fs::set_permissions(lab.path("pipe"), fs::Permissions::from_mode(0o666)).expect("access");
    let theirs = as_nobody(&lab, &line);
    lab.wait_for_file("the task", || lab.path("running").exists().then_some(()));
    let task = id(&lab.only_task()).to_string();
    let line = lab.run(["kill", &task]).failure(1);
    assert!(line.contains("nobody"), "{line}");
    fs::write(lab.path("pipe"), "\n").expect("a line");
    assert_eq!(theirs.wait().code(), 0);
}

#[test]
fn a_command_with_the_rights_of_another_user_tells_its_end_once_it_is_reaped() {
    for reaped in [true, false] {
        let lab = lab();
        if !open_to_all(&lab) {
            return;
        }
        // As with sudo: the kernel tells its wait status in /proc to root alone, and others zero.
        set_mode(&lab.path("puppet"), 0o4755);
        let (task, puppet) = orphan_of_nobody(&lab);
        let owner = fs::metadata(format!("/proc/{}", puppet.pid()))
            .expect("a process")
            .uid();
        if owner != 0 {
            return skipped(
                "the set-user-id bit counts for nothing in the folder of temporary files",
            );
        }
        // What it runs as hides the mark of its run; whose database it is speaks for it.
        give_to_nobody(&lab);
        let _ = as_nobody(&lab, &["list"]).wait().success();
        let launcher = launcher_of(&lab, task);
        let program = Process::open(puppet.pid()).expect("the program");
        puppet.exit(7);
        if reaped {
            program.reap();
        }
        launcher.reap();
        let record = lab.only_record();
        if reaped {
            assert_eq!(text(&record, "outcome"), "failed");
            assert_eq!(number(&record, "exitcode"), 7);
        } else {
            assert_eq!(text(&record, "outcome"), "lost", "{record}");
            assert_eq!(record["exitcode"], Value::Null);
        }
    }
}

#[test]
fn a_machine_without_room_for_another_process_still_answers() {
    let lab = lab();
    if !open_to_all(&lab) {
        return;
    }
    set_mode(&lab.path("puppet"), 0o755);
    let (task, puppet) = orphan_of_nobody(&lab);
    let output = as_nobody_under(&lab, &["prlimit", "--nproc=1"], &["list", "--json"]).wait();
    assert_eq!(output.code(), 0, "{output:?}");
    assert!(output.stdout.contains("RUNNING"));
    let line = output.stderr.trim_end();
    assert!(
        line.contains("lost its launcher") && line.lines().count() == 1,
        "{line}"
    );
    // With room again it is taken over.
    let _ = as_nobody(&lab, &["list"]).wait().success();
    let launcher = launcher_of(&lab, task);
    crate::end(puppet, 3);
    launcher.reap();
    assert_eq!(number(&lab.only_record(), "exitcode"), 3);
}

#[test]
fn an_unreadable_feedback_file_is_said_and_changes_nothing_else() {
    let lab = lab();
    if !open_to_all(&lab) {
        return;
    }
    let script = r#"F=$TASKWATCHER_FEEDBACK; echo "[a]1" >"$F"; chmod 000 "$F"; exit 3"#;
    let line = [
        "launch",
        "--feedback",
        "--timeout",
        "1m",
        "--",
        "sh",
        "-c",
        script,
    ];
    let output = as_nobody(&lab, &line).wait();
    assert_eq!(output.code(), 3);
    assert!(output.stderr.contains("permission denied"), "{output:?}");
    let record = lab.only_record();
    assert_eq!(
        (number(&record, "exitcode"), &record["feedback"]),
        (3, &json!({}))
    );
    assert!(
        !lab.feedback_file(1).exists(),
        "it was this task's all the same"
    );
}

#[test]
fn a_copy_in_a_folder_of_another_user_can_be_read() {
    let lab = lab();
    if !open_to_all(&lab) {
        return;
    }
    let _ = lab.run(["launch", "--", "true"]).success();
    let copy = "PRAGMA wal_checkpoint(TRUNCATE); VACUUM INTO 'copy/tasks.db'";
    fs::create_dir(lab.path("copy")).expect("a folder");
    let copy = copy.replace(
        "copy/tasks.db",
        &lab.path("copy/tasks.db").display().to_string(),
    );
    lab.edit(&copy);
    let database = Connection::open(lab.path("copy/tasks.db")).expect("a copy");
    let mode: String = database
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .expect("a mode");
    assert_eq!(mode, "wal");
    drop(database);
    set_mode(&lab.path("copy"), 0o755);
    set_mode(&lab.path("copy/tasks.db"), 0o644);
    for line in [&["history", "--json"][..], &["export"], &["list", "--json"]] {
        let line = [&["--db", "copy/tasks.db"], line].concat();
        let read = as_nobody(&lab, &line).wait();
        assert_eq!((read.code(), &*read.stderr), (0, ""), "{line:?}: {read:?}");
    }
    let refused = as_nobody(&lab, &["--db", "copy/tasks.db", "reserve"]).wait();
    assert_eq!(refused.code(), 4, "{refused:?}");
}
