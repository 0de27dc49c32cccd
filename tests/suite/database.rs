//! The database file: where it is, who may read it, what is refused, and what a file brings along.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::{Value, json};

use crate::{lab, text};

#[test]
fn the_database_is_found_in_this_order() {
    let lab = lab();
    let reserve = |arguments: &[&str], variables: &[(&str, &Path)]| {
        let mut command = lab.command(arguments);
        command
            .env_remove("TASKWATCHER_DB")
            .envs(variables.iter().copied());
        let _ = lab.start(command).wait().success();
    };
    let (flag, variable, state, home) = (
        lab.path("flag.db"),
        lab.path("variable.db"),
        lab.path("state"),
        lab.path("home"),
    );
    let of_state = state.join("taskwatcher/taskwatcher.db");
    let of_home = home.join(".local/state/taskwatcher/taskwatcher.db");
    let flag_text = flag.to_str().expect("a plain name");
    let all: [(&str, &Path); 3] = [
        ("TASKWATCHER_DB", &variable),
        ("XDG_STATE_HOME", &state),
        ("HOME", &home),
    ];
    reserve(&["--db", flag_text, "reserve"], &all);
    assert_eq!(
        exist(&[&flag, &variable, &of_state, &of_home]),
        [true, false, false, false]
    );
    reserve(&["reserve"], &all);
    assert_eq!(
        exist(&[&variable, &of_state, &of_home]),
        [true, false, false]
    );
    reserve(&["reserve"], &all[1..]);
    assert_eq!(exist(&[&of_state, &of_home]), [true, false]);
    reserve(&["reserve"], &all[2..]);
    assert_eq!(exist(&[&of_home]), [true]);
    // A state home that is not absolute counts as unset, says its specification.
    let relative: [(&str, &Path); 2] = [("XDG_STATE_HOME", Path::new("rel")), ("HOME", &home)];
    reserve(&["reserve"], &relative);
    assert!(!lab.path("rel").exists());
    // An option of the whole command may stand behind the verb, too.
    reserve(&["list", "--db", flag_text], &[]);
}

fn exist(paths: &[&Path]) -> Vec<bool> {
    paths.iter().map(|path| path.exists()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").mode() & 0o7777
}

#[test]
fn what_is_made_is_private_and_what_was_there_keeps_its_mode() {
    let lab = lab();
    let file = lab.path("new/folder/tasks.db");
    let file_text = file.to_str().expect("a plain name");
    let mut command = lab.program("sh");
    let script = r#"umask 0; exec "$@""#;
    command.args([
        "-c",
        script,
        "sh",
        lab.taskwatcher(),
        "--db",
        file_text,
        "reserve",
    ]);
    let _ = lab.start(command).wait().success();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    for side in ["-wal", "-shm"] {
        let side = lab.path(&format!("new/folder/tasks.db{side}"));
        if side.exists() {
            assert_eq!(mode(&side), 0o600, "{}", side.display());
        }
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).expect("its mode");
    let _ = lab.run(["--db", file_text, "reserve"]).success();
    assert_eq!(mode(&file), 0o664);
    let folder = lab.path("new/folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o775)).expect("its mode");
    lab.run(["--db", file_text, "initialize", "--force"]).done();
    assert_eq!((mode(&file), mode(&folder)), (0o664, 0o775));
}

#[test]
fn a_link_may_lead_to_where_the_database_is_to_be() {
    let lab = lab();
    fs::create_dir(lab.path("disk")).expect("a folder");
    let file = lab.path("disk").join("tasks.db");
    std::os::unix::fs::symlink(&file, lab.path("link.db")).expect("a link");
    let link = lab.path("link.db");
    let link = link.to_str().expect("a plain name");
    assert_eq!(lab.run(["--db", link, "reserve"]).success().trim(), "1");
    assert!(file.is_file());
}

#[test]
fn unusable_databases_are_4_and_left_as_they_are() {
    let lab = lab();
    let text_file = lab.path("text.db");
    fs::write(&text_file, "this is no database\n".repeat(200)).expect("a file");
    let newer = lab.path("newer.db");
    lab.run(["--db", newer.to_str().expect("a plain name"), "initialize"])
        .done();
    let database = rusqlite::Connection::open(&newer).expect("it");
    database
        .execute_batch("PRAGMA user_version = 9999")
        .expect("a version");
    drop(database);
    let other = lab.path("other.db");
    let database = rusqlite::Connection::open(&other).expect("a database");
    database
        .execute_batch("CREATE TABLE guests (name TEXT)")
        .expect("a table");
    drop(database);
    let views = lab.path("views.db");
    let database = rusqlite::Connection::open(&views).expect("a database");
    database
        .execute_batch(
            "CREATE TABLE tasks (id INTEGER PRIMARY KEY); CREATE TABLE feedbacks (id INTEGER);
             CREATE VIEW history AS SELECT 1 AS id;",
        )
        .expect("tables and a view");
    drop(database);
    let folder = lab.path("folder.db");
    fs::create_dir(&folder).expect("a folder");
    let below_a_file = text_file.join("tasks.db");
    for file in [
        &text_file,
        &newer,
        &other,
        &views,
        &folder,
        &below_a_file,
        Path::new("/proc/no/x.db"),
    ] {
        let file = file.to_str().expect("a plain name");
        let before = fs::read(file).ok();
        for (line, code) in [
            (&["list"][..], 4),
            (&["history"], 4),
            (&["reserve"], 4),
            (&["update"], 4),
            (&["clear"], 4),
            (&["kill", "1"], 4),
            (&["killall", "n"], 4),
            (&["feedback", "1"], 4),
            (&["launch", "--", "touch", "ran"], 125),
            (&["launch", "--detach", "--", "touch", "ran"], 125),
        ] {
            let line: Vec<&str> = ["--db", file].iter().chain(line).copied().collect();
            let output = lab.run(&line);
            assert_eq!(output.code(), code, "{line:?}: {output:?}");
            let error = output.failure(code);
            let name = Path::new(file)
                .file_name()
                .and_then(|it| it.to_str())
                .expect("a name");
            assert!(error.contains(name), "{line:?}: {error}");
        }
        assert!(fs::read(file).ok() == before, "{file} was changed");
    }
    assert!(!lab.path("ran").exists());
    lab.assert_no_process();
}

#[test]
fn what_a_database_brings_along_is_never_run() {
    let lab = lab();
    lab.run(["initialize"]).done();
    lab.edit(
        "CREATE TRIGGER forget AFTER INSERT ON history BEGIN DELETE FROM history; END;
         CREATE TRIGGER twist AFTER UPDATE ON tasks BEGIN UPDATE tasks SET name = 'twisted'; END;",
    );
    // It may be refused; if it is used, only the program's own statements count.
    let output = lab.run(["launch", "--name", "n", "--", "true"]);
    match output.code() {
        125 => {}
        0 => assert_eq!(text(&lab.only_record(), "taskname"), "n"),
        other => panic!("{other}: {output:?}"),
    }
}

#[test]
fn a_launcher_that_meets_a_newer_schema_finishes() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "30"], "p", &[]);
    puppet.say("[a]1");
    lab.edit(
        "ALTER TABLE tasks ADD COLUMN mood TEXT; ALTER TABLE history ADD COLUMN mood TEXT;
         CREATE TABLE moods (mood TEXT); PRAGMA user_version = 9999;",
    );
    let _ = lab.run(["list"]).failure(4);
    puppet.exit(3);
    assert_eq!(launcher.wait().code(), 3);
    let rows = lab.rows("history");
    assert_eq!(
        (
            &rows[0]["outcome"],
            &rows[0]["exitcode"],
            &rows[0]["feedback"]
        ),
        (&json!("failed"), &json!(3), &json!("{\"a\":\"1\"}"))
    );
    lab.assert_nothing_left();
}

#[test]
fn initialize_protects_what_there_is() {
    let lab = lab();
    lab.run(["initialize"]).done();
    // Nothing to lose in an empty database.
    lab.run(["initialize"]).done();
    let _ = lab.run(["launch", "--", "true"]).success();
    let _ = lab.run(["initialize"]).failure(1);
    assert_eq!(lab.history(&[]).len(), 1);
    lab.run(["initialize", "--force"]).done();
    assert_eq!(lab.history(&[]).len(), 0);
    let (launcher, puppet) = lab.launch(&[], "p", &[]);
    let _ = lab.run(["initialize", "--force"]).failure(1);
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(lab.history(&[]).len(), 1);
    let foreign = lab.path("notes.txt");
    fs::write(&foreign, "my notes\n").expect("a file");
    let file = foreign.to_str().expect("a plain name");
    let output = lab.run(["--db", file, "initialize"]);
    assert!([1, 4].contains(&output.code()), "{output:?}");
    assert_eq!(
        fs::read_to_string(&foreign).expect("the file"),
        "my notes\n"
    );
}

#[test]
fn reading_needs_no_write_access() {
    let lab = lab();
    let _ = lab.run(["launch", "--name", "n", "--", "true"]).success();
    let _ = lab.reserve(&[]);
    // Another user, to whom nothing here belongs.
    let program = lab.copy_of(lab.taskwatcher());
    for entry in fs::read_dir(lab.folder()).expect("the lab").flatten() {
        if entry.file_name().to_string_lossy().starts_with("tasks.db") {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o444)).expect("a mode");
        }
    }
    fs::set_permissions(lab.folder(), fs::Permissions::from_mode(0o555)).expect("a mode");
    let names: Vec<_> = fs::read_dir(lab.folder())
        .expect("it")
        .map(Result::ok)
        .collect();
    for line in [
        &["history", "--json"][..],
        &["history"],
        &["list", "--json"],
        &["list"],
    ] {
        let mut command = if nix::unistd::geteuid().is_root() {
            let mut command = lab.program("setpriv");
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(&program);
            command
        } else {
            lab.program(&program)
        };
        command.args(line);
        // The harness writes output into the lab's folder, which only this test's user may.
        let output = command.output().expect("a run");
        assert_eq!(
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).as_ref()
            ),
            (Some(0), ""),
            "{line:?}"
        );
        if line == ["history", "--json"] {
            let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(document["history"][0]["taskname"], "n");
        }
    }
    let after: Vec<_> = fs::read_dir(lab.folder())
        .expect("it")
        .map(Result::ok)
        .collect();
    assert_eq!(after.len(), names.len(), "reading makes no files");
    fs::set_permissions(lab.folder(), fs::Permissions::from_mode(0o755)).expect("a mode");
}
