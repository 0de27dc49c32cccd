//! Whose word counts: nothing is signalled, read or deleted because of what somebody else has written,
//! and what cannot be known is neither judged nor made up.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use nix::mount::{MsFlags, mount, umount};
use serde_json::{Value, json};
use taskwatcher_tests::apart::with_own_mounts;
use taskwatcher_tests::{Lab, Process, Signal};

use crate::faults_database::{lock, spool_when_it_comes};
use crate::{id, lab, number, skipped, text};

const NOBODY: u32 = 65_534;
const DATABASE: [&str; 3] = ["tasks.db", "tasks.db-wal", "tasks.db-shm"];

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        skipped("files of another user need root");
    }
    is_root
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("access");
}

fn give_to_nobody(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("a new owner");
}

/// A copy of the database that belongs to nobody, in a folder of nobody's, changed by these statements.
fn copy_of_nobody(lab: &Lab, statements: &str) -> String {
    let folder = lab.path("theirs");
    if !folder.exists() {
        fs::create_dir(&folder).expect("a folder");
    }
    let path = folder.join("tasks.db");
    for part in DATABASE {
        let copy = folder.join(part);
        if fs::copy(lab.path(part), &copy).is_ok() {
            give_to_nobody(&copy);
        }
    }
    let copy = rusqlite::Connection::open(&path).expect("a copy");
    copy.execute_batch(statements).expect("statements");
    drop(copy);
    give_to_nobody(&folder);
    path.display().to_string()
}

#[test]
fn what_somebody_else_puts_beside_a_database_is_refused() {
    if !is_root() {
        return;
    }
    for part in ["tasks.db-wal", "tasks.db-shm", "tasks.db-journal"] {
        let lab = lab();
        let _ = lab.run(["launch", "--", "true"]).success();
        set_mode(lab.folder(), 0o1777);
        let planted = lab.path(part);
        let _ = fs::remove_file(&planted);
        fs::write(&planted, "planted").expect("a file");
        give_to_nobody(&planted);
        for line in [&["list"][..], &["history"], &["update"], &["kill", "1"]] {
            let error = lab.run(line).failure(4);
            assert!(error.contains(part) && error.contains("nobody"), "{error}");
        }
        assert_eq!(fs::read(&planted).expect("the file"), b"planted");
    }
}

#[test]
fn what_is_no_file_beside_a_database_is_refused() {
    for part in ["tasks.db-wal", "tasks.db-journal"] {
        for kind in ["pipe", "link", "folder"] {
            let lab = lab();
            let (launcher, puppet) = lab.launch(&[], "p", &[]);
            let path = lab.path(part);
            let kept = lab.path("kept");
            let was_there = fs::rename(&path, &kept).is_ok();
            match kind {
                "pipe" => {
                    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
                }
                "link" => symlink(lab.path("nowhere"), &path).expect("a link"),
                _ => fs::create_dir(&path).expect("a folder"),
            }
            for line in [&["list"][..], &["history", "--json"], &["export"]] {
                let error = lab.run(line).failure(4);
                assert!(error.contains(part), "{kind}: {error}");
            }
            if kind == "folder" {
                fs::remove_dir(&path).expect("the folder");
            } else {
                fs::remove_file(&path).expect("the file");
            }
            if was_there {
                fs::rename(&kept, &path).expect("the file of before");
            }
            puppet.exit(3);
            assert_eq!(launcher.wait().code(), 3);
            assert_eq!(number(&lab.only_record(), "exitcode"), 3);
        }
    }
}

#[test]
fn where_others_can_make_files_a_row_ends_no_process() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let (stranger_launcher, mut stranger) = lab.launch(&["--name", "stranger"], "stranger", &[]);
    set_mode(lab.folder(), 0o1777);
    // As somebody could write it who plants a journal.
    lab.edit(
        "UPDATE tasks SET identity = json_set(identity, '$.launcher',
             json((SELECT json_extract(other.identity, '$.child') FROM tasks other WHERE other.name = 'stranger')))
         WHERE name <> 'stranger'",
    );
    let victim = lab
        .list()
        .iter()
        .find(|task| task["name"] != "stranger")
        .map(id);
    let victim = victim.expect("the task").to_string();
    let error = lab.run(["kill", &victim]).failure(1);
    assert!(error.contains("cannot be verified"), "{error}");
    assert_eq!(stranger.tell("nap 0"), "", "no signal has come");
    // What is true still works: this launcher shows whom it serves.
    let own = id(lab
        .list()
        .iter()
        .find(|task| task["name"] == "stranger")
        .expect("it"));
    lab.run(["kill", &own.to_string()]).done();
    assert_eq!(stranger_launcher.wait().code(), 143);
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
}

#[test]
fn a_copy_of_somebody_else_ends_no_task_and_takes_no_feedback() {
    if !is_root() {
        return;
    }
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback"], "p", &[]);
    puppet.say("[secret]1");
    let task = id(&lab.only_task()).to_string();
    let copy = copy_of_nobody(&lab, "");
    let error = lab.run(["--db", &copy, "kill", &task]).failure(1);
    assert!(error.contains("cannot be verified"), "{error}");
    let error = lab.run(["--db", &copy, "feedback", &task]).failure(1);
    assert!(error.contains("is not read"), "{error}");
    lab.run(["--db", &copy, "export"]).done();
    // A row that calls the task dead, and the table of files that are to be deleted.
    let dead = r#"{"pid":4194303,"start":1}"#;
    let copy = copy_of_nobody(
        &lab,
        &format!(
            "INSERT OR REPLACE INTO removals (taskid, feedfile) SELECT id, feedfile FROM tasks;
             UPDATE tasks SET identity = json_set(identity, '$.launcher', json('{dead}'), '$.child', json('{dead}'),
                 '$.run', 'another');"
        ),
    );
    lab.run(["--db", &copy, "update"]).done();
    let theirs = rusqlite::Connection::open(&copy).expect("the copy");
    let stolen: i64 = theirs
        .query_row(
            "SELECT (SELECT count(*) FROM history WHERE feedback LIKE '%secret%')
                  + (SELECT count(*) FROM feedbacks WHERE feedback LIKE '%secret%')",
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(stolen, 0);
    assert_eq!(
        lab.feedback(1),
        json!({"secret": "1"}),
        "the file is still there"
    );
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(lab.only_record()["feedback"], json!({"secret": "1"}));
}

#[test]
fn a_folder_of_somebody_else_gives_no_spool_of_another_database() {
    if !is_root() {
        return;
    }
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--feedback"], "p", &[]);
    let other = copy_of_nobody(
        &lab,
        &format!(
            r#"UPDATE tasks SET feedfile = '{}/feedback_1.log', identity = json_set(identity, '$.launcher',
                   json('{{"pid":4194303,"start":1}}'), '$.child', json('{{"pid":4194303,"start":1}}'), '$.run', 'x')"#,
            lab.folder().display()
        ),
    );
    let held = lock(&lab);
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, lab.folder());
    lab.run(["--db", &other, "update"]).done();
    assert!(spool.exists(), "it is not that database's");
    drop(held);
    assert_eq!(launcher.wait().code(), 3);
}

#[test]
fn where_the_boot_is_unknown_nothing_is_taken_for_restarted() {
    let done = with_own_mounts(|| {
        let lab = lab();
        let (launcher, puppet) = lab.launch(&[], "p", &[]);
        let reserved = lab.reserve(&["--ttl", "0"]);
        let sandbox = mount(
            Some("tmpfs"),
            "/proc/sys",
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&str>,
        );
        sandbox.expect("a file system in memory");
        for line in [&["list"][..], &["update"], &["history"], &["kill", "999"]] {
            let _ = lab.run(line);
        }
        assert_eq!(lab.list().len(), 2);
        // A task can be started there too.
        assert_eq!(lab.run(["launch", "--", "sh", "-c", "exit 5"]).code(), 5);
        umount("/proc/sys").expect("the real one");
        lab.run(["launch", "--taskid", &reserved.to_string(), "--", "true"])
            .done();
        puppet.exit(3);
        assert_eq!(launcher.wait().code(), 3);
        let codes: Vec<Value> = lab
            .history(&[])
            .iter()
            .map(|row| row["exitcode"].clone())
            .collect();
        assert_eq!(codes, [json!(5), json!(0), json!(3)]);
    });
    if let Err(why) = done {
        skipped(&why);
    }
}

#[test]
fn a_command_that_cannot_be_seen_is_not_lost() {
    if !is_root() {
        return;
    }
    if let Err(why) = with_own_mounts(hidden_command) {
        skipped(&why);
    }
}

fn hidden_command() {
    let lab = lab();
    lab.share();
    let puppet_copy = lab.copy_of(lab.puppet_program());
    let command_copy = lab.copy_of(lab.taskwatcher());
    // It runs with the rights of root, so that the user may not look at it.
    set_mode(Path::new(&puppet_copy), 0o4755);
    let as_nobody = |line: &[&str]| {
        let mut command = lab.program("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(&command_copy).args(line);
        command.env("TASKWATCHER_DB", lab.path("of-nobody.db"));
        lab.start(command)
    };
    let stage = lab.stage().path();
    let line = [
        "launch",
        "--",
        &puppet_copy,
        "--stage",
        stage,
        "--name",
        "p",
    ];
    let launcher = as_nobody(&line);
    let puppet = lab.stage().expect("p");
    let data = fs::metadata(format!("/proc/{}", puppet.pid())).expect("a process");
    if data.uid() != 0 {
        return skipped("the set-user-id bit counts for nothing in the folder of temporary files");
    }
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    let hiding = Some("hidepid=2");
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        MsFlags::empty(),
        hiding,
    )
    .expect("a /proc");
    let listed = as_nobody(&["list"]).wait();
    assert!(listed.stdout.contains("hidden"), "{listed:?}");
    let error = as_nobody(&["kill", "1"]).wait().failure(1);
    assert!(error.contains("hidden"), "{error}");
    assert!(as_nobody(&["history"]).wait().stdout.is_empty());
    let program = Process::open(puppet.pid()).expect("the program");
    puppet.exit(3);
    program.reap();
    let history = as_nobody(&["history"]).wait();
    assert!(history.stdout.contains("lost"), "{history:?}");
    umount("/proc").expect("the other /proc");
}

#[test]
fn a_database_is_one_by_whatever_name() {
    let lab = lab();
    fs::create_dir(lab.path("links")).expect("a folder");
    let link = lab.path("links").join("other.db");
    lab.initialize();
    symlink(lab.database_file(), &link).expect("a link");
    let link = link.display().to_string();
    let words = lab.launch_line(&["--feedback"], "p", &[]);
    let mut linked = vec!["--db", &link];
    linked.extend(words.iter().map(String::as_str));
    let launcher = lab.spawn(&linked);
    let puppet = lab.stage().expect("p");
    let held = lock(&lab);
    puppet.exit(3);
    let spool = spool_when_it_comes(&lab, lab.folder());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    drop(held);
    lab.run(["update"]).done();
    lab.run(["--db", &link, "update"]).done();
    assert!(!spool.exists());
    assert_eq!(number(&lab.only_record(), "exitcode"), 3);
    assert_eq!(
        fs::read_dir(lab.path("links")).expect("a folder").count(),
        1
    );
}

#[test]
fn a_database_that_was_named_and_is_not_there_is_an_error_and_is_not_made() {
    let lab = lab();
    let missing = lab.path("no/such/tasks.db").display().to_string();
    for line in [
        &["list"][..],
        &["list", "--json"],
        &["history"],
        &["export"],
        &["feedback", "1"],
        &["kill", "1"],
        &["killall", "x"],
        &["clear"],
        &["update"],
    ] {
        let error = lab.run([&["--db", &missing], line].concat()).failure(4);
        assert!(
            error.contains("does not exist") && error.contains("initialize"),
            "{error}"
        );
    }
    assert!(!lab.path("no").exists());
    // The user's own, which nobody named, is empty as long as nothing was put in.
    for (line, code) in [
        (&["list"][..], 0),
        (&["history"], 0),
        (&["update"], 0),
        (&["kill", "1"], 3),
    ] {
        let mut command = lab.command(line);
        command.env_remove("TASKWATCHER_DB");
        assert_eq!(lab.start(command).wait().code(), code, "{line:?}");
    }
    assert!(!lab.path(".local").exists());
}

#[test]
fn a_column_of_any_name_costs_no_record() {
    let lab = lab();
    lab.initialize();
    lab.edit(
        "ALTER TABLE tasks ADD COLUMN odd; ALTER TABLE feedbacks ADD COLUMN odd; ALTER TABLE history ADD COLUMN odd;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = CAST(replace(CAST(sql AS BLOB), CAST('odd' AS BLOB), x'ff6464') AS TEXT)
         WHERE type = 'table'; PRAGMA writable_schema = RESET;",
    );
    let script = "echo [a]1 >$TASKWATCHER_FEEDBACK; exit 3";
    let output = lab.run(["launch", "--feedback", "--", "sh", "-c", script]);
    assert_eq!((output.code(), &*output.stderr), (3, ""));
    assert_eq!(lab.list(), Vec::<Value>::new());
    assert_eq!(lab.only_record()["feedback"], json!({"a": "1"}));
    let _ = lab.run(["export"]).success();
}

#[test]
fn thousands_of_dead_tasks_are_recovered_at_the_cost_of_each_alone() {
    const ROWS: u64 = 2_000;
    let lab = lab();
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    crate::end(puppet, 0);
    lab.edit(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
         INSERT INTO tasks (id, name, status, feedback, starttime, options, timeline, identity)
         SELECT i, name, status, feedback, starttime, options, timeline, json_set(identity, '$.run', 'run ' || i)
         FROM n, tasks WHERE id = 1"
    ));
    let listing = lab.spawn(["list"]);
    listing.wait_unreaped();
    // Reads of a process that nobody has reaped yet: proc_pid_io(5).
    let io = fs::read_to_string(format!("/proc/{}/io", listing.pid())).expect("its reads");
    let reads = io.lines().find_map(|line| line.strip_prefix("syscr: "));
    let reads: u64 = reads
        .and_then(|reads| reads.parse().ok())
        .expect("a number");
    listing.wait().done();
    assert_eq!(lab.rows("history").len() as u64, ROWS);
    assert!(lab.rows("tasks").is_empty());
    assert!(reads < 20 * ROWS, "{reads} reads for {ROWS} rows");
}

#[test]
fn an_export_in_the_place_of_a_file_of_somebody_else_is_for_this_user_only() {
    if !is_root() {
        return;
    }
    let lab = lab();
    lab.initialize();
    set_mode(lab.folder(), 0o1777);
    let file = lab.path("lab.json");
    for (owner, mode) in [(NOBODY, 0o600), (0, 0o644)] {
        let _ = fs::remove_file(&file);
        fs::write(&file, "").expect("a file");
        set_mode(&file, 0o644);
        chown(&file, Some(owner), Some(owner)).expect("an owner");
        lab.run(["export", "lab.json"]).done();
        let data = fs::metadata(&file).expect("the export");
        assert_eq!((data.uid(), data.mode() & 0o777), (0, mode));
    }
    assert!(
        text(
            &serde_json::from_slice(&fs::read(&file).expect("it")).expect("JSON"),
            "format"
        )
        .contains("taskwatcher")
    );
}
