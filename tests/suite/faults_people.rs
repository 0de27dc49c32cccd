//! People at terminals and curious eyes: the keys do what they do to the bare command, and nothing
//! private is stored or shown to a terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use taskwatcher_tests::process::{effort, status_field, wait_until, waits_for_child};
use taskwatcher_tests::{Lab, Puppet, Running, Signal, Terminal};

use crate::{id, lab, launcher_of, number, text};

/// Separates the words that a puppet is told to start.
const SEPARATOR: &str = "\u{1f}";

/// A session leader on a terminal, as a login makes it.
fn login(lab: &Lab, terminal: &Terminal) -> (Running, Puppet) {
    let line = lab.puppet("login", &["--terminal", terminal.path()]);
    // These tests may run behind a shell or nohup, which leave keys ignored.
    let mut command = lab.program("env");
    command.arg("--default-signal=HUP,INT,QUIT,TSTP").args(line);
    let running = lab.start(command);
    (running, lab.stage().expect("login"))
}

/// A line for a shell.
fn quoted(words: &[String]) -> String {
    let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// A puppet as a shell would start it: bare, or as a task.
fn task_line(lab: &Lab, launched: bool) -> String {
    if !launched {
        return quoted(&lab.puppet("task", &[]));
    }
    let mut words = vec![lab.taskwatcher().to_owned()];
    words.extend(lab.launch_line(&[], "task", &[]));
    quoted(&words)
}

/// What a script saw of a key: its own end, and whether it went on.
#[derive(Debug, PartialEq)]
struct Seen {
    end: String,
    went_on: bool,
}

/// A script with a program in it, in the foreground of a terminal; somebody types a key, and the
/// program dies of it, or catches it and exits with 0.
fn at_a_key(shell: &str, launched: bool, form: &str, key: &[u8], catches: bool) -> Seen {
    let lab = lab();
    let mut terminal = Terminal::open(80);
    let (_running, mut login) = login(&lab, &terminal);
    let task = task_line(&lab, launched);
    let script = form.replace("TASK", &task);
    login.tell(&format!(
        "job {shell}{SEPARATOR}-c{SEPARATOR}ulimit -c 0; {script}"
    ));
    let mut task = lab.stage().expect("task");
    if form.contains("piped") {
        lab.wait_for_file("the pipeline", || lab.path("piped").exists().then_some(()));
    }
    if catches {
        task.tell("hold SIGINT SIGQUIT");
    }
    // A shell that has not come to wait for its program takes the key as meant for itself.
    let started = if launched {
        launcher_of(&lab, 1).pid()
    } else {
        task.pid()
    };
    let parent = status_field(started, "PPid").and_then(|it| it.parse().ok());
    wait_until(parent.expect("a shell"), waits_for_child);
    terminal.type_bytes(key);
    if catches {
        let _ = task.next_signal();
        task.exit(0);
    } else {
        task.wait_for_end();
    }
    let end = login.tell("await");
    if launched {
        // A shell that dies of the key waits for nobody.
        let _ = lab.wait_for_history(1);
        let record = lab.only_record();
        let expected = if catches { "succeeded" } else { "signalled" };
        assert_eq!(text(&record, "outcome"), expected);
    }
    Seen {
        end,
        went_on: lab.path("next").exists(),
    }
}

#[test]
fn a_key_stops_a_script_or_lets_it_go_on_as_without_taskwatcher() {
    for shell in ["bash", "dash"] {
        for form in [
            "TASK; echo >next",
            "TASK | cat >piped; echo >next",
            "TASK >piped; echo >next",
        ] {
            for (key, signal) in [(b"\x03", 130), (b"\x1c", 131)] {
                let bare = at_a_key(shell, false, form, key, false);
                let launched = at_a_key(shell, true, form, key, false);
                assert_eq!(launched, bare, "{shell}: {form}, {signal}");
            }
        }
    }
    // It caught the key and has decided to succeed: bash goes on, and so it does here.
    let bare = at_a_key("bash", false, "TASK; echo >next", b"\x03", true);
    assert!(bare.went_on);
    let launched = at_a_key("bash", true, "TASK; echo >next", b"\x03", true);
    assert_eq!(launched, bare);
}

#[test]
fn a_pager_beside_a_task_has_the_terminal_until_the_task_wants_it() {
    let lab = lab();
    let (_running, mut login, mut terminal) = shell(&lab);
    let pager = quoted(&lab.puppet("pager", &[]));
    let line = format!("{} | {pager}; echo ended=$?\n", task_line(&lab, true));
    terminal.type_bytes(line.as_bytes());
    let mut task = lab.stage().expect("task");
    let mut pager = lab.stage().expect("pager");
    let groups = task.tell("foreground");
    let (_, front) = groups.split_once(' ').expect("two groups");
    assert_eq!(pager.report()["pgrp"].to_string(), front);
    // It reads, and gets what it needs for that.
    terminal.type_bytes(b"typed\n\x04");
    assert_eq!(task.tell("read"), "74797065640a");
    let groups = task.tell("foreground");
    let (own, front) = groups.split_once(' ').expect("two groups");
    assert_eq!(own, front);
    task.exit(0);
    pager.exit(0);
    terminal.wait_for("ended=0");
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
    terminal.type_bytes(b"exit\n");
    assert_eq!(login.tell("await"), "0");
}

#[test]
fn a_job_that_was_brought_to_the_front_may_read() {
    let lab = lab();
    let mut terminal = Terminal::open(80);
    let (_running, mut login) = login(&lab, &terminal);
    login.tell(&format!(
        "background sh{SEPARATOR}-c{SEPARATOR}exec {}",
        task_line(&lab, true)
    ));
    let mut task = lab.stage().expect("task");
    login.tell("fg");
    terminal.type_bytes(b"typed\n\x04");
    assert_eq!(task.tell("read"), "74797065640a");
    task.exit(3);
    assert_eq!(login.tell("await"), "3");
}

#[test]
fn a_reader_that_no_shell_can_bring_to_the_front_waits_quietly() {
    let lab = lab();
    let terminal = Terminal::open(80);
    let (_running, mut login) = login(&lab, &terminal);
    let mut line = vec![lab.taskwatcher().to_owned()];
    line.extend(["launch", "--", "cat", "/dev/tty"].map(str::to_owned));
    // The shell is gone at once, and with it whoever could continue the job.
    login.tell(&format!(
        "background bash{SEPARATOR}-c{SEPARATOR}{} &",
        quoted(&line)
    ));
    assert_eq!(login.tell("await"), "0");
    lab.wait_for_status("RUNNING");
    let task = id(&lab.only_task());
    let launcher = launcher_of(&lab, task);
    let before = effort(launcher.pid()).voluntary_switches;
    login.tell("nap 300");
    let switches = effort(launcher.pid()).voluntary_switches - before;
    assert!(switches < 100, "it asks again and again: {switches}");
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    launcher.reap();
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
}

/// A real shell with job control on a terminal.
fn shell(lab: &Lab) -> (Running, Puppet, Terminal) {
    let mut terminal = Terminal::open(200);
    let (running, mut login) = login(lab, &terminal);
    login.tell(&format!(
        "start env{SEPARATOR}PS1=ready> {SEPARATOR}bash{SEPARATOR}--norc{SEPARATOR}--noediting{SEPARATOR}-i"
    ));
    terminal.wait_for("ready> ");
    (running, login, terminal)
}

#[test]
fn a_job_is_stopped_and_goes_on_in_front_or_behind() {
    let lab = lab();
    let (_running, mut login, mut terminal) = shell(&lab);
    terminal.type_bytes(format!("{}; echo ended=$?\n", task_line(&lab, true)).as_bytes());
    let mut task = lab.stage().expect("task");
    terminal.type_bytes(b"\x1a");
    terminal.wait_for("Stopped");
    assert_eq!(state(task.pid()), 'T');
    assert_eq!(text(&lab.only_task(), "status"), "RUNNING");
    terminal.type_bytes(b"fg\n");
    let groups = task.tell("foreground");
    let (own, front) = groups.split_once(' ').expect("two groups");
    assert_eq!(own, front, "in front again");
    terminal.type_bytes(b"\x1aecho again\n");
    terminal.wait_for("ready> again");
    assert_eq!(state(task.pid()), 'T');
    terminal.type_bytes(b"bg\n");
    let groups = task.tell("foreground");
    let (own, front) = groups.split_once(' ').expect("two groups");
    assert_ne!(own, front, "behind");
    task.exit(0);
    let record = crate::record_when_it_comes(&lab);
    assert_eq!(number(&record, "exitcode"), 0);
    terminal.type_bytes(b"exit\n");
    assert_eq!(login.tell("await"), "0");
}

fn state(pid: i32) -> char {
    let fields = taskwatcher_tests::process::stat_fields(pid).expect("a process");
    fields[0].chars().next().expect("a letter")
}

#[test]
fn a_stop_and_a_go_on_without_a_terminal_reach_the_command() {
    let lab = lab();
    let mut command = lab.program("setsid");
    command
        .args(["--wait", lab.taskwatcher()])
        .args(lab.launch_line(&[], "p", &[]));
    let running = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    puppet.tell("hold SIGTSTP SIGCONT");
    let launcher = launcher_of(&lab, id(&lab.only_task()));
    launcher.signal(Signal::TSTP);
    assert_eq!(puppet.next_signal(), "SIGTSTP");
    launcher.signal(Signal::CONT);
    assert_eq!(puppet.next_signal(), "SIGCONT");
    // Its successor does the same.
    launcher.signal(Signal::KILL);
    let _ = running.wait();
    let launcher = launcher_of(&lab, id(&lab.only_task()));
    launcher.signal(Signal::TSTP);
    assert_eq!(puppet.next_signal(), "SIGTSTP");
    launcher.signal(Signal::CONT);
    assert_eq!(puppet.next_signal(), "SIGCONT");
    puppet.exit(0);
    launcher.reap();
    assert_eq!(text(&lab.only_record(), "outcome"), "succeeded");
}

#[test]
fn beside_a_pipe_a_new_size_of_the_terminal_reaches_the_whole_group() {
    for launched in [false, true] {
        let lab = lab();
        let (_running, mut login, mut terminal) = shell(&lab);
        terminal.type_bytes(format!("{} | cat\n", task_line(&lab, launched)).as_bytes());
        let mut task = lab.stage().expect("task");
        let mut child = task.child(lab.stage(), "child", "");
        for puppet in [&mut task, &mut child] {
            puppet.tell("hold SIGWINCH");
        }
        terminal.resize(100);
        for puppet in [&mut task, &mut child] {
            assert_eq!(puppet.next_signal(), "SIGWINCH", "launched: {launched}");
        }
        child.exit(0);
        task.exit(0);
        terminal.type_bytes(b"exit\n");
        assert_eq!(login.tell("await"), "0");
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_task_in_front_and_not_the_detached_one() {
    let lab = lab();
    let (running, login, mut terminal) = shell(&lab);
    let mut detached = vec![lab.taskwatcher().to_owned()];
    detached.extend(lab.launch_line(&["--detach", "--name", "detached"], "detached", &[]));
    terminal.type_bytes(format!("{}\n", quoted(&detached)).as_bytes());
    let mut survivor = lab.stage().expect("detached");
    terminal.type_bytes(format!("{}\n", task_line(&lab, true)).as_bytes());
    let mut task = lab.stage().expect("task");
    drop(terminal);
    task.wait_for_end();
    drop((running, login));
    lab.wait_for_history(1);
    let record = lab.only_record();
    assert_eq!(record["termsignal"], json!("SIGHUP"), "{record}");
    survivor.tell("print still here");
    assert_eq!(text(&lab.only_task(), "name"), "detached");
    let launcher = launcher_of(&lab, id(&lab.only_task()));
    survivor.exit(0);
    launcher.reap();
    assert_eq!(lab.history(&["--outcome", "succeeded"]).len(), 1);
}

#[test]
fn what_is_written_is_for_one_user_whatever_the_umask() {
    let lab = lab();
    let line = lab.launch_line(&["--feedback", "--output", "log"], "p", &[]);
    let mut shell = lab.program("sh");
    shell
        .args(["-c", r#"umask 000; exec "$@""#, "sh", lab.taskwatcher()])
        .args(line);
    let launcher = lab.start(shell);
    let puppet = lab.stage().expect("p");
    for (name, mode) in [
        ("tasks.db", 0o600),
        ("tasks.db-wal", 0o600),
        ("tasks.db-shm", 0o600),
        ("log", 0o600),
        ("feedback", 0o700),
    ] {
        let data = fs::metadata(lab.path(name)).expect(name);
        assert_eq!(data.permissions().mode() & 0o777, mode, "{name}");
    }
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
}

#[test]
fn the_environment_is_stored_nowhere() {
    let lab = lab();
    let secret = "correct-horse-battery-staple";
    let mut command = lab.command(lab.launch_line(&["--feedback"], "p", &[]));
    command.env("PASSWORD", secret);
    let launcher = lab.start(command);
    let mut puppet = lab.stage().expect("p");
    assert_eq!(puppet.report()["environment"]["PASSWORD"], json!(secret));
    let assert_nowhere = || {
        for entry in fs::read_dir(lab.folder()).expect("the folder").flatten() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "in {:?}", entry.path());
        }
    };
    assert_nowhere();
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    let _ = lab.only_record();
    assert_nowhere();
}

#[test]
fn no_text_of_others_drives_the_terminal() {
    let lab = lab();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    let labels = [
        "--name", evil, "--info1", evil, "--info2", evil, "--info3", evil,
    ];
    let mut options = vec!["--feedback"];
    options.extend(labels);
    let (launcher, mut puppet) = lab.launch(&options, "p", &[evil]);
    puppet.say(&format!("[progress]{evil}"));
    let task = id(&lab.only_task());
    let number = task.to_string();
    lab.edit(&format!("UPDATE tasks SET host = '{evil}'"));
    let mut lines = vec![
        vec!["list"],
        vec!["list", "--json"],
        vec!["feedback", &number],
        vec!["export"],
        vec!["reserve", "--unique", "--name", evil],
        vec!["killall", "\u{1b}[2J"],
        vec!["--db", "\u{1b}[2J/x", "list"],
        vec!["launch", "--taskid", &number, "--", "true"],
        vec!["launch", "--", "\u{1b}[2J"],
        vec!["parse", "\u{1b}[2J"],
    ];
    let check = |lines: &[Vec<&str>]| {
        for line in lines {
            let output = lab.run(line);
            let said = format!("{}{}", output.stdout, output.stderr);
            assert!(!said.is_empty(), "{line:?}");
            let obeyed: Vec<char> = said
                .chars()
                .filter(|c| c.is_control() && *c != '\n')
                .collect();
            assert!(obeyed.is_empty(), "{line:?}: {obeyed:?}");
        }
    };
    check(&lines);
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 0);
    lines.truncate(4);
    lines.extend([
        vec!["history"],
        vec!["history", "--json"],
        vec!["kill", &number],
    ]);
    lines.retain(|line| line[0] != "list");
    check(&lines);
}
