//! What a program may rely on: it starts as it would have without a launcher, and knows its task.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use nix::fcntl::OFlag;
use serde_json::{Value, json};
use taskwatcher_tests::process::status_field;
use taskwatcher_tests::{Deadline, Lab, Puppet, Running, Signal, Terminal, readable};

use crate::{id, lab, text};

/// Separates the words of a program that a puppet starts.
const SEPARATOR: &str = "\u{1f}";

/// The lines of `/proc/self/status` about signals and umask, of `cat` itself.
fn signal_lines(lab: &Lab, mut command: Command) -> Vec<String> {
    command.args(["cat", "/proc/self/status"]);
    let status = lab.start(command).wait().success();
    let wanted = ["SigBlk:", "SigIgn:", "SigCgt:", "Umask:", "SigPnd:"];
    let keep = |line: &&str| wanted.iter().any(|field| line.starts_with(field));
    status.lines().filter(keep).map(str::to_owned).collect()
}

#[test]
fn signals_and_umask_are_those_of_the_launcher() {
    let lab = lab();
    let shell = ["sh", "-c", r#"umask 027; exec "$@""#, "sh", "env"];
    let signals = ["--block-signal=USR1,WINCH", "--ignore-signal=HUP,USR2"];
    let with = |program: &[&str]| {
        let mut command = lab.program(shell[0]);
        command.args(&shell[1..]).args(signals).args(program);
        command
    };
    let alone = signal_lines(&lab, with(&[]));
    let launched = signal_lines(&lab, with(&[lab.taskwatcher(), "launch", "--"]));
    assert_eq!(launched, alone);
    assert!(alone.iter().any(|line| line.ends_with("0027")), "{alone:?}");
}

#[test]
fn a_broken_pipe_kills_as_usual() {
    let lab = lab();
    let mut command = lab.program("env");
    command.args(["--ignore-signal=PIPE", lab.taskwatcher(), "launch", "--"]);
    let lines = signal_lines(&lab, command);
    let ignored = lines
        .iter()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .expect("a line");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
    assert_eq!(ignored & (1 << 12), 0, "SIGPIPE stays ignored: {ignored:x}");
}

#[test]
fn callers_with_odd_signals_get_true_exit_codes() {
    // With SIGCHLD ignored the kernel reaps children by itself, and nobody hears how they ended.
    for odd in [
        "--ignore-signal=CHLD",
        "--block-signal=CHLD",
        "--block-signal=TERM,INT,CHLD",
    ] {
        let lab = lab();
        let mut command = lab.program("env");
        command.args([odd, lab.taskwatcher(), "launch", "--", "sh", "-c", "exit 3"]);
        assert_eq!(lab.start(command).wait().code(), 3, "{odd}");
        assert_eq!(lab.only_record()["exitcode"], json!(3), "{odd}");
        let with = |program: &[&str]| {
            let mut command = lab.program("env");
            command.arg(odd).args(program);
            command
        };
        let launched = signal_lines(&lab, with(&[lab.taskwatcher(), "launch", "--"]));
        assert_eq!(launched, signal_lines(&lab, with(&[])), "{odd}");
    }
}

#[test]
fn closed_standard_streams_do_no_harm() {
    let lab = lab();
    let mut command = lab.program("sh");
    let script = r#"exec "$@" <&- >&- 2>&-"#;
    command
        .args(["-c", script, "sh", lab.taskwatcher(), "launch", "--"])
        .args(["sh", "-c", "echo something; exit 3"]);
    assert_eq!(lab.start(command).wait().code(), 3);
    // Nothing was written into the database instead of the closed streams.
    assert_eq!(lab.only_record()["exitcode"], json!(3));
}

#[test]
fn a_folder_that_was_removed_is_no_reason_to_fail() {
    let lab = lab();
    let mut command = lab.program("sh");
    let script = r#"mkdir gone && cd gone && rmdir ../gone && exec "$@""#;
    command.args([
        "-c",
        script,
        "sh",
        lab.taskwatcher(),
        "launch",
        "--",
        "true",
    ]);
    assert_eq!(lab.start(command).wait().code(), 0);
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
}

#[test]
fn standard_input_is_the_launchers() {
    let lab = lab();
    fs::write(lab.path("in"), "line 1\nline 2").expect("a file");
    let mut command = lab.command(["launch", "--", "cat"]);
    command.stdin(File::open(lab.path("in")).expect("a file"));
    assert_eq!(lab.start(command).wait().success(), "line 1\nline 2");
}

#[test]
fn no_descriptor_is_added_or_lost() {
    let lab = lab();
    let names = |puppet: &mut Puppet| -> Vec<String> {
        let report = puppet.report();
        report["descriptors"]
            .as_object()
            .expect("a map")
            .keys()
            .cloned()
            .collect()
    };
    let line = lab.puppet("alone", &[]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let _alone = lab.start(command);
    let alone = names(&mut lab.stage().expect("alone"));
    let (_launcher, mut puppet) = lab.launch(&["--feedback", "--timeout", "20"], "p", &[]);
    assert_eq!(names(&mut puppet), alone);
}

#[test]
fn the_environment_tells_the_task() {
    let lab = lab();
    let mut command = lab.command(lab.launch_line(&["--feedback"], "p", &[]));
    command
        .env("SOMETHING", "else")
        .env_remove("TASKWATCHER_DB");
    // The path is given as people do, relative to where they stand.
    command.env("XDG_STATE_HOME", lab.path("state"));
    let launcher = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    let report = puppet.report();
    let environment = &report["environment"];
    let file = text(environment, "TASKWATCHER_FEEDBACK").to_owned();
    let task = text(environment, "TASKWATCHER_TASKID").to_owned();
    let database = lab.path("state/taskwatcher/taskwatcher.db");
    assert_eq!(
        text(environment, "TASKWATCHER_DB"),
        database.to_str().expect("a plain name")
    );
    let expected = lab.path(&format!("state/taskwatcher/feedback/feedback_{task}.log"));
    assert_eq!(file, expected.to_str().expect("a plain name"));
    assert!(!text(environment, "TASKWATCHER_RUN").is_empty());
    assert_eq!(text(environment, "SOMETHING"), "else");
    assert_eq!(report["directory"], json!(lab.folder()));
    puppet.say("[a]b");
    assert_eq!(
        fs::read_to_string(&file).expect("the file").lines().last(),
        Some("[a]b")
    );
    puppet.exit(0);
    let _ = launcher.wait().success();
    assert!(
        !fs::exists(&file).expect("an answer"),
        "the file is left behind"
    );
}

#[test]
fn every_run_has_its_own_mark() {
    let lab = lab();
    let show = ["launch", "--", "sh", "-c", "echo $TASKWATCHER_RUN"];
    let (first, second) = (lab.run(show).success(), lab.run(show).success());
    assert!(first.len() > 8 && first != second, "{first:?} {second:?}");
}

#[test]
fn the_program_leads_a_group_of_its_own() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&[], "p", &[]);
    let report = puppet.report();
    assert_eq!(report["pgrp"], report["pid"]);
    assert_eq!(report["ppid"], json!(launcher.pid()));
}

/// A shell on a terminal.
fn shell(lab: &Lab, terminal: &Terminal) -> (Running, Puppet) {
    let line = lab.puppet("shell", &["--terminal", terminal.path()]);
    let mut command = lab.program(&line[0]);
    command.args(&line[1..]);
    let running = lab.start(command);
    (running, lab.stage().expect("shell"))
}

/// The line that has a shell launch a puppet.
fn launch_words(lab: &Lab, options: &[&str]) -> String {
    let mut words = vec![lab.taskwatcher().to_owned()];
    words.extend(lab.launch_line(options, "task", &[]));
    words.join(SEPARATOR)
}

#[track_caller]
fn assert_in_foreground(puppet: &mut Puppet) {
    let groups = puppet.tell("foreground");
    let (own, front) = groups.split_once(' ').expect("two groups");
    assert_eq!(own, front, "own group and the terminal's foreground");
}

#[test]
fn a_job_in_the_foreground_owns_the_terminal() {
    let lab = lab();
    let mut terminal = Terminal::open(80);
    let (_running, mut shell) = shell(&lab, &terminal);
    shell.tell(&format!("job {}", launch_words(&lab, &[])));
    let mut task = lab.stage().expect("task");
    let report = task.report();
    assert_eq!(
        report["foreground"], report["pgrp"],
        "from its first instruction on"
    );
    assert_in_foreground(&mut task);
    terminal.type_bytes(b"typed\n\x04");
    assert_eq!(task.tell("read"), "74797065640a");
    terminal.type_bytes(b"\x03");
    task.wait_for_end();
    assert_eq!(shell.tell("await"), "130");
    assert_in_foreground(&mut shell);
    let record = lab.only_record();
    assert_eq!(
        (text(&record, "outcome"), text(&record, "termsignal")),
        ("signalled", "SIGINT")
    );
}

#[test]
fn a_job_can_be_suspended_and_resumed() {
    let lab = lab();
    let mut terminal = Terminal::open(80);
    let (_running, mut shell) = shell(&lab, &terminal);
    shell.tell(&format!("job {}", launch_words(&lab, &[])));
    let mut task = lab.stage().expect("task");
    terminal.type_bytes(b"\x1a");
    assert_eq!(shell.tell("await"), "stopped SIGTSTP");
    assert_in_foreground(&mut shell);
    assert_eq!(
        status_field(task.pid(), "State").as_deref(),
        Some("T (stopped)")
    );
    assert_eq!(text(&lab.only_task(), "status"), "RUNNING");
    shell.tell("fg");
    assert_in_foreground(&mut task);
    terminal.type_bytes(b"on\n\x04");
    assert_eq!(task.tell("read"), "6f6e0a");
    task.exit(4);
    assert_eq!(shell.tell("await"), "4");
    assert_in_foreground(&mut shell);
}

#[test]
fn a_script_gets_its_terminal_back() {
    let lab = lab();
    let terminal = Terminal::open(80);
    let (_running, mut shell) = shell(&lab, &terminal);
    // Without job control the launcher stands in its caller's group.
    shell.tell(&format!("start {}", launch_words(&lab, &[])));
    let mut task = lab.stage().expect("task");
    assert_in_foreground(&mut task);
    task.exit(7);
    assert_eq!(shell.tell("await"), "7");
    assert_in_foreground(&mut shell);
}

#[test]
fn a_job_in_the_background_leaves_the_terminal_alone() {
    let lab = lab();
    let terminal = Terminal::open(80);
    let (_running, mut shell) = shell(&lab, &terminal);
    shell.tell(&format!("background {}", launch_words(&lab, &[])));
    let task = lab.stage().expect("task");
    assert_in_foreground(&mut shell);
    task.exit(0);
    assert_eq!(shell.tell("await"), "0");
    assert_in_foreground(&mut shell);
}

#[test]
fn detach_prints_the_id_and_lets_go_of_its_caller() {
    let lab = lab();
    let pipe = lab.path("held");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a pipe");
    let words = lab.launch_line(&["--detach", "--feedback"], "p", &[]);
    let mut command = lab.program("sh");
    // The substitution ends only when nobody holds its pipe, and the reader of `held` likewise.
    let script = r#"exec 9>held; id=$("$@"); echo "id=$id""#;
    command
        .args(["-c", script, "sh", lab.taskwatcher()])
        .args(words);
    // Opened first and without waiting: its end shows once a writer has come and all are gone.
    let held = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(&pipe)
        .expect("the reading end");
    let shell = lab.start(command);
    assert!(
        readable(held.as_fd(), Deadline::new()),
        "a descriptor of the caller is held"
    );
    let mut puppet = lab.stage().expect("p");
    let printed = shell.wait().success();
    let task = lab.only_task();
    assert_eq!(printed, format!("id={}\n", id(&task)));
    let report = puppet.report();
    let descriptors = report["descriptors"].as_object().expect("a map");
    assert_eq!(
        descriptors.keys().collect::<Vec<_>>(),
        ["0", "1", "2"],
        "{descriptors:?}"
    );
    assert_eq!(descriptors["0"], "/dev/null");
    puppet.say("[a]1");
    puppet.exit(4);
    let rows = lab.wait_for_history(1);
    assert_eq!(
        (&rows[0]["exitcode"], &rows[0]["outcome"]),
        (&json!(4), &json!("failed"))
    );
    // The launcher itself ends right after its last transaction.
    for process in lab.processes() {
        process.wait_for_end();
    }
    lab.assert_nothing_left();
}

#[test]
fn detach_outlives_its_callers_session() {
    let lab = lab();
    let terminal = Terminal::open(80);
    let (running, mut shell) = shell(&lab, &terminal);
    shell.tell(&format!("start {}", launch_words(&lab, &["--detach"])));
    let task = lab.stage().expect("task");
    assert_eq!(shell.tell("await"), "0");
    // The end of the session's leader hangs up its terminal.
    shell.exit(0);
    let _ = running.wait();
    drop(terminal);
    assert_eq!(text(&lab.only_task(), "status"), "RUNNING");
    task.exit(0);
    assert_eq!(lab.wait_for_history(1)[0]["outcome"], json!("succeeded"));
}

#[test]
fn detach_with_output_and_both_streams() {
    let lab = lab();
    let line = [
        "launch",
        "--detach",
        "--output",
        "log",
        "--",
        "sh",
        "-c",
        "echo a; echo b >&2",
    ];
    let printed = lab.run(line).success();
    let rows = lab.wait_for_history(1);
    assert_eq!(printed, format!("{}\n", rows[0]["taskid"]));
    assert_eq!(
        fs::read_to_string(lab.path("log")).expect("the file"),
        "a\nb\n"
    );
}

#[test]
fn detach_fails_when_the_command_cannot_start() {
    let lab = lab();
    fs::write(lab.path("data"), "").expect("a file");
    let _ = lab
        .run(["launch", "--detach", "--", "no-such-command"])
        .failure(127);
    let _ = lab.run(["launch", "--detach", "--", "./data"]).failure(126);
    let _ = lab
        .run(["launch", "--detach", "--taskid", "9", "--", "true"])
        .failure(125);
    for record in lab.history(&[]) {
        assert_eq!(record["outcome"], json!("not_started"));
    }
    assert_eq!(lab.history(&[]).len(), 2);
    assert_eq!(lab.list(), Vec::<Value>::new());
    for process in lab.processes() {
        process.wait_for_end();
    }
}

#[test]
fn a_signal_for_the_program_reaches_it_through_the_launcher() {
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&[], "p", &[]);
    let signals = [
        (Signal::USR1, "SIGUSR1"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::WINCH, "SIGWINCH"),
    ];
    puppet.tell(&format!("hold {}", signals.map(|(_, name)| name).join(" ")));
    for (signal, name) in signals {
        launcher.signal(signal);
        assert_eq!(puppet.next_signal(), name);
    }
    puppet.exit(5);
    assert_eq!(launcher.wait().code(), 5);
    assert_eq!(text(&lab.only_record(), "outcome"), "failed");
}

#[test]
fn a_limit_for_the_size_of_files_is_an_error_of_the_launcher_and_the_end_of_the_program() {
    let lab = lab();
    lab.initialize();
    let limited = |limit: &str, line: &[&str]| {
        let mut command = lab.program("sh");
        command.args(["-c", &format!(r#"ulimit -f {limit}; exec "$@""#), "sh"]);
        command.arg(lab.taskwatcher()).args(line);
        lab.start(command).wait()
    };
    let failed = limited("0", &["launch", "--", "true"]);
    assert_eq!(failed.code(), 125, "{failed:?}");
    assert_eq!(limited("0", &["reserve"]).code(), 4);
    // The program has the default, as it would without a launcher.
    let big = "exec dd if=/dev/zero of=big bs=1024 count=2000 status=none";
    let ended = limited("1000", &["launch", "--", "sh", "-c", big]);
    assert_eq!(ended.code(), 128 + 25, "{ended:?}");
    assert_eq!(text(&lab.only_record(), "termsignal"), "SIGXFSZ");
}

#[test]
fn output_into_a_pipe_that_nobody_reads_is_refused_at_once() {
    let lab = lab();
    nix::unistd::mkfifo(&lab.path("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let error = lab
        .run(["launch", "--output", "pipe", "--", "true"])
        .failure(125);
    assert!(error.contains("nobody reads from this pipe"), "{error}");
    assert!(!lab.database_file().exists(), "nothing was begun");
}
