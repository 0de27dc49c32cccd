//! Feedback files that are not what they should be. Never followed, never waited for, never deleted
//! if they are not the task's.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::json;
use taskwatcher_tests::apart::{mount_memory, set_read_only, with_own_mounts};
use taskwatcher_tests::{FullPipe, Lab, Running};

use crate::{id, lab, say, skipped, text};

/// A launch of a shell script that finds its feedback file in `$F`.
fn script(lab: &Lab, options: &[&str], script: &str) -> Running {
    let mut line = vec!["launch", "--feedback"];
    line.extend(options);
    let script = format!("F=$TASKWATCHER_FEEDBACK; {script}");
    line.extend(["--", "sh", "-c", &script]);
    lab.spawn(line)
}

#[test]
fn what_is_no_regular_file_is_neither_read_nor_deleted() {
    for make in [
        r#"echo "[secret]1" >secret; ln -s "$PWD/secret" "$F""#,
        r#"ln -s nowhere "$F""#,
        r#"ln -s "$F" "$F""#,
        r#"mkfifo "$F""#,
        r#"mkdir "$F""#,
        r#"mknod "$F" c 1 5"#,
        r#"mknod "$F" b 7 0"#,
        // And one that was a file once.
        r#"echo "[a]1" >"$F"; rm "$F"; mkfifo "$F""#,
    ] {
        let lab = lab();
        let options = ["--timeout", "1m"];
        let output = script(&lab, &options, &format!("{make}; exit 3")).wait();
        assert_eq!(output.code(), 3, "{make}");
        assert!(output.stderr.contains("was not read"), "{output:?}");
        assert_eq!(output.stderr.lines().count(), 1);
        let record = lab.only_record();
        assert_eq!(record["feedback"], json!({}), "{make}");
        assert!(lab.feedback_file(1).symlink_metadata().is_ok(), "{make}");
    }
}

#[test]
fn an_odd_file_is_answered_at_once_while_the_task_runs() {
    for make in ["mkfifo", "mkdir", "ln -s /etc/passwd"] {
        let lab = lab();
        let (launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "1m"], "p", &[]);
        let task = id(&lab.only_task());
        puppet.say("[a]1");
        assert_eq!(lab.feedback(task), json!({"a": "1"}));
        puppet.tell("remove");
        let mut shell = lab.program("sh");
        shell.args(["-c", &format!("{make} \"$1\""), "sh"]);
        shell.arg(lab.feedback_file(task));
        lab.start(shell).wait().done();
        let line = lab.run(["feedback", &task.to_string()]).failure(1);
        assert!(line.contains("regular file"), "{line}");
        assert_eq!(lab.list().len(), 1);
        lab.run(["update"]).done();
        puppet.exit(0);
        assert_eq!(launcher.wait().code(), 0);
        // What was read before is not forgotten.
        assert_eq!(lab.only_record()["feedback"], json!({"a": "1"}), "{make}");
    }
}

#[test]
fn a_pipe_that_is_written_to_is_a_heartbeat_and_nothing_more() {
    let lab = lab();
    let options = ["--timeout", "1m"];
    let launcher = script(
        &lab,
        &options,
        r#"mkfifo "$F"; exec 9<>"$F"; echo "[a]1" >&9; echo >ready; read -r _ <pipe"#,
    );
    let pipe = lab.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    lab.wait_for_file("the program", || lab.path("ready").exists().then_some(()));
    let _ = lab.run(["feedback", "1"]).failure(1);
    fs::write(&pipe, "\n").expect("a line");
    assert_eq!(launcher.wait().code(), 0);
    assert_eq!(lab.only_record()["feedback"], json!({}));
}

#[test]
fn whatever_happens_to_the_file_the_last_content_counts_and_it_goes() {
    for (treat, values) in [
        (
            r#"echo "[a]1" >"$F.new"; mv "$F.new" "$F""#,
            json!({"a": "1"}),
        ),
        (
            r#"echo "[a]1" >"$F"; echo "[b]2" >"$F.new"; mv "$F.new" "$F""#,
            json!({"b": "2"}),
        ),
        (r#"echo "[a]1" >"$F"; : >"$F""#, json!({})),
        (r#"echo "[a]1" >"$F"; rm "$F""#, json!({})),
        (
            r#"echo "[a]1" >"$F"; rm "$F"; echo "[c]3" >"$F""#,
            json!({"c": "3"}),
        ),
        (
            r#"echo "[a]1" >"$F"; printf "[d]4\n" | dd of="$F" conv=notrunc 2>dd"#,
            json!({"d": "4"}),
        ),
        (r#"echo "[a]1" >other; ln other "$F""#, json!({"a": "1"})),
        (
            r#"printf "\000\377[x\n[a]\3771\n[e]5" >"$F""#,
            json!({"a": "\u{fffd}1", "e": "5"}),
        ),
        (
            r#"rm -r "$(dirname "$F")"; mkdir "$(dirname "$F")"; echo "[f]6" >"$F""#,
            json!({"f": "6"}),
        ),
    ] {
        for look in [false, true] {
            let lab = lab();
            let _ = lab.reserve(&[]);
            let treat = if look {
                // Somebody has read the first content already.
                treat.replacen(
                    r#"echo "[a]1" >"$F";"#,
                    r#"echo "[a]1" >"$F"; "$TW" feedback "$TASKWATCHER_TASKID" >seen;"#,
                    1,
                )
            } else {
                treat.to_owned()
            };
            let treat = format!("TW='{}'; {treat}; exit 3", lab.taskwatcher());
            let output = script(&lab, &["--taskid", "1"], &treat).wait();
            assert_eq!((output.code(), output.stderr.as_str()), (3, ""), "{treat}");
            assert_eq!(lab.only_record()["feedback"], values, "{treat}");
            assert!(!lab.feedback_file(1).exists(), "{treat}");
        }
    }
}

#[test]
fn a_file_of_ten_gigabytes_is_read_in_little_memory() {
    let done = with_own_mounts(|| {
        // A hole in memory costs no disk, and no other program's place in the cache.
        let lab = lab();
        let folder = lab.path("memory");
        let _mounted = mount_memory(&folder, 1024);
        let options = ["--keep-feedback", "--feedpath", "memory"];
        let begin = std::time::Instant::now();
        let launcher = script(
            &lab,
            &options,
            r#"printf "[a]1\n" >"$F"; truncate -s 10G "$F"; printf "\n[b]2\n" >>"$F""#,
        );
        assert_eq!(launcher.wait().code(), 0);
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("what children have used");
        let (time, peak) = (begin.elapsed(), usage.max_rss());
        say(&format!(
            "10 GiB in {time:.1?}, no child of this test above {peak} KiB"
        ));
        assert!(peak < 100_000, "{peak} KiB");
        assert_eq!(lab.only_record()["feedback"], json!({"a": "1", "b": "2"}));
    });
    if let Err(why) = done {
        skipped(&why);
    }
}

#[test]
fn a_hole_of_seven_exabytes_keeps_nobody_waiting() {
    let done = with_own_mounts(|| {
        let lab = lab();
        let _mounted = mount_memory(&lab.path("memory"), 1024);
        let options = ["--feedpath", "memory"];
        let tell = format!(
            r#"printf "[a]1\n" >"$F"; truncate -s 7E "$F"; '{}' feedback "$TASKWATCHER_TASKID" >seen"#,
            lab.taskwatcher()
        );
        for (end, values) in [
            ("exit 3", json!({"a": "1"})),
            (
                r#"printf "\n[b]2" >>"$F"; exit 3"#,
                json!({"a": "1", "b": "2"}),
            ),
        ] {
            let output = script(&lab, &options, &format!("{tell}; {end}")).wait();
            assert_eq!((output.code(), output.stderr.as_str()), (3, ""));
            let record = lab.history(&[]).pop().expect("a record");
            assert_eq!(record["feedback"], values);
            assert_eq!(text(&record, "termerror"), "exit code 3");
        }
    });
    if let Err(why) = done {
        skipped(&why);
    }
}

#[test]
fn a_file_that_cannot_be_deleted_now_is_deleted_later() {
    let done = with_own_mounts(|| {
        let lab = lab();
        let folder = lab.path("memory");
        let _mounted = mount_memory(&folder, 1024);
        let line = ["launch", "--feedback", "--feedpath", "memory", "--"];
        let mut command = lab.command(line);
        command.args(["sh", "-c", r#"echo "[a]1" >"$TASKWATCHER_FEEDBACK""#]);
        command.env("TASKWATCHER_FAULT", "Committed");
        let _ = lab.start(command).wait();
        let file = folder.join("feedback_1.log");
        set_read_only(&folder, true);
        lab.run(["update"]).done();
        assert!(file.exists());
        set_read_only(&folder, false);
        lab.run(["update"]).done();
        assert!(!file.exists());
        assert_eq!(lab.only_record()["feedback"], json!({"a": "1"}));
    });
    if let Err(why) = done {
        skipped(&why);
    }
}

#[test]
fn a_complaint_that_nobody_reads_keeps_no_record() {
    let lab = lab();
    let mut pipe = FullPipe::make(&lab.path("complaints"));
    let mut shell = lab.program("sh");
    let script =
        r#"exec "$0" launch --feedback -- sh -c 'mkdir "$TASKWATCHER_FEEDBACK"' 2>complaints"#;
    shell.args(["-c", script, lab.taskwatcher()]);
    let launcher = lab.start(shell);
    lab.wait_for_history(1);
    assert!(!launcher.has_ended());
    pipe.drain();
    assert_eq!(launcher.wait().code(), 0);
}

#[test]
fn a_path_of_odd_characters_is_a_path() {
    let names: [&[u8]; 6] = [
        b"with space",
        b"new\nline",
        b"-dash 'quote' \"double\" $dollar `tick` \\back",
        b"\xff\xfe not UTF-8",
        "ünïcödé \u{202e}\u{1b}[2J".as_bytes(),
        &[b'x'; 200],
    ];
    for name in names {
        let lab = lab();
        let folder = lab.folder().join(OsStr::from_bytes(name));
        let mut line: Vec<OsString> = ["launch", "--feedback", "--timeout", "1m", "--feedpath"]
            .iter()
            .map(OsString::from)
            .collect();
        line.push(folder.clone().into());
        line.push("--".into());
        line.extend(
            lab.puppet("p", &["--feedback", "{feedback}"])
                .into_iter()
                .map(OsString::from),
        );
        let launcher = lab.spawn(&line);
        let mut puppet = lab.stage().expect("p");
        puppet.say("[a]1");
        let file = folder.join("feedback_1.log");
        assert!(file.exists(), "{file:?}");
        assert_eq!(lab.feedback(1), json!({"a": "1"}), "{folder:?}");
        // The row survives its launcher, path and all.
        launcher.signal(taskwatcher_tests::Signal::KILL);
        let _ = launcher.wait();
        crate::end(puppet, 0);
        assert_eq!(
            lab.only_record()["feedback"],
            json!({"a": "1"}),
            "{folder:?}"
        );
        assert!(!file.exists(), "{file:?}");
        let export = lab.run(["export"]).success();
        serde_json::from_str::<serde_json::Value>(&export).expect("JSON");
    }
}

#[test]
fn a_database_from_somebody_else_has_no_file_read_or_deleted() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--feedback"], "p", &[]);
    launcher.signal(taskwatcher_tests::Signal::KILL);
    let _ = launcher.wait();
    crate::end(puppet, 0);
    let precious = lab.path("precious");
    fs::write(&precious, "[secret]1\n").expect("a file");
    lab.edit(&format!(
        "UPDATE tasks SET feedfile = '{0}';
         INSERT INTO removals (taskid, feedfile, before) VALUES (99, '{0}', NULL);
         INSERT INTO removals (taskid, feedfile, before) VALUES (98, 'precious', NULL);
         INSERT INTO removals (taskid, feedfile, before) VALUES (97, '{1}', NULL);",
        precious.display(),
        Path::new("/nowhere/feedback_98.log").display(),
    ));
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "lost");
    assert_ne!(record["feedback"], json!({"secret": "1"}));
    lab.run(["update"]).done();
    assert!(precious.exists());
}

#[test]
fn a_launcher_that_is_asked_to_end_reads_no_further() {
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--feedback"], "p", &[]);
    let file = lab.feedback_file(1);
    let mut write = lab.program("sh");
    write
        .args(["-c", r#"yes '[a]1' | head -c 512M >"$0""#])
        .arg(&file);
    lab.start(write).wait().done();
    let watch = Inotify::init(InitFlags::IN_CLOEXEC).expect("a watch");
    watch
        .add_watch(&file, AddWatchFlags::IN_ACCESS)
        .expect("the file");
    puppet.exit(3);
    // It has begun to read.
    let _ = watch.read_events().expect("an event");
    launcher.signal(taskwatcher_tests::Signal::TERM);
    let output = launcher.wait();
    assert_eq!(output.code(), 3, "{output:?}");
    let record = lab.only_record();
    assert_eq!(text(&record, "outcome"), "failed");
    let reason = text(&record, "termerror");
    assert_eq!(reason, "exit code 3; feedback not read to its end");
    assert_eq!(record["feedback"], json!({"a": "1"}));
    assert!(file.exists(), "what was not read is nowhere else");
}
