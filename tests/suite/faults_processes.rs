//! Processes that are not what they seem: numbers given out again, pidfds refused, children that do
//! not listen, do not stay and do not let go.

use nix::errno::Errno;
use taskwatcher_tests::apart::{in_own_processes, next_process_is, without_pidfds};
use taskwatcher_tests::process::stat_fields;
use taskwatcher_tests::{Lab, Process, Puppet, Running, Signal, rows};

use crate::{end, id, lab, launcher_of, number, orphaned, skipped, text};

/// A process of its own that is no part of any task, and gets the number of one that has ended.
struct Stranger {
    running: Running,
    puppet: Puppet,
    start: String,
}

impl Stranger {
    /// `leads`: in a session of its own, so that the number is a session's and a group's too.
    fn with_number(lab: &Lab, pid: i32, name: &str, leads: bool) -> Self {
        let line = lab.puppet(name, if leads { &["--setsid"] } else { &[] });
        let mut command = lab.program(&line[0]);
        command.args(&line[1..]);
        next_process_is(pid);
        let running = lab.start(command);
        assert_eq!(running.pid(), pid, "the kernel gives the number again");
        let puppet = lab.stage().expect(name);
        Self {
            running,
            puppet,
            start: start_of(pid),
        }
    }

    #[track_caller]
    fn assert_unharmed(&mut self) {
        assert!(!self.running.has_ended(), "a stranger was ended");
        self.puppet.tell("print unharmed");
        assert_eq!(start_of(self.running.pid()), self.start);
    }
}

/// When the process with this number was started, in ticks since boot.
fn start_of(pid: i32) -> String {
    stat_fields(pid).expect("a process")[22 - 3].clone()
}

/// Every command that might signal somebody.
fn run_all_commands(lab: &Lab, task: i64) {
    let task = task.to_string();
    for line in [
        &["list"][..],
        &["update"],
        &["kill", &task],
        &["killall", "puppet"],
        &["launch", "--", "true"],
    ] {
        let _ = lab.run(line);
    }
}

#[test]
fn a_number_that_was_given_again_is_nobodys_task() {
    match in_own_processes("faults_processes::a_number_that_was_given_again_is_nobodys_task") {
        Ok(true) => {}
        Ok(false) => return,
        Err(why) => return skipped(&why),
    }
    let lab = lab();
    let (launcher, puppet) = lab.launch(&["--grace", "0"], "p", &[]);
    let task = id(&lab.only_task());
    let (launcher_pid, pid) = (launcher.pid(), puppet.pid());
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    end(puppet, 0);
    let mut one = Stranger::with_number(&lab, pid, "one", true);
    let mut two = Stranger::with_number(&lab, launcher_pid, "two", true);
    let mut child = two.puppet.child(lab.stage(), "child", "");
    run_all_commands(&lab, task);
    one.assert_unharmed();
    two.assert_unharmed();
    child.tell("print unharmed");
    assert_eq!(lab.history(&["--outcome", "lost"]).len(), 1);
}

#[test]
fn the_number_of_a_dead_launcher_is_nobodys_session() {
    match in_own_processes("faults_processes::the_number_of_a_dead_launcher_is_nobodys_session") {
        Ok(true) => {}
        Ok(false) => return,
        Err(why) => return skipped(&why),
    }
    let lab = lab();
    let (launcher, mut puppet) = lab.launch(&["--grace", "0.1"], "p", &[]);
    let task = id(&lab.only_task());
    let number = launcher.pid();
    launcher.signal(Signal::KILL);
    let _ = launcher.wait();
    // Somebody else's session has that number, and processes younger than the command.
    let mut stranger = Stranger::with_number(&lab, number, "stranger", true);
    let mut theirs = stranger.puppet.child(lab.stage(), "theirs", "");
    let ours = puppet.child(lab.stage(), "ours", "setsid orphan");
    let ours = Process::open(ours.pid()).expect("it lives");
    let program = Process::open(puppet.pid()).expect("it lives");
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    assert!(program.has_ended() && ours.has_ended());
    stranger.assert_unharmed();
    theirs.tell("print unharmed");
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
}

#[test]
fn the_session_of_an_adopted_task_is_nobodys_once_it_is_empty() {
    match in_own_processes(
        "faults_processes::the_session_of_an_adopted_task_is_nobodys_once_it_is_empty",
    ) {
        Ok(true) => {}
        Ok(false) => return,
        Err(why) => return skipped(&why),
    }
    let lab = lab();
    let options = ["--detach", "--leftovers", "wait", "--grace", "0.1"];
    lab.run(lab.launch_line(&options, "p", &[])).done();
    let mut puppet = lab.stage().expect("p");
    let task = id(&lab.only_task());
    let first = launcher_of(&lab, task);
    first.signal(Signal::KILL);
    first.reap();
    let daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    end(puppet, 0);
    lab.wait_for_database("the command's end", |database| {
        let rows = rows(database, "SELECT options FROM tasks");
        let options = rows[0]["options"].as_str()?;
        (!options.contains(r#""command_end":null"#)).then_some(())
    });
    // Another session has that number, and its leader has ended too.
    let mut stranger = Stranger::with_number(&lab, first.pid(), "stranger", true);
    next_process_is(launcher.pid() + 100);
    let mut theirs = stranger.puppet.child(lab.stage(), "theirs", "");
    stranger.puppet.exit(0);
    assert_eq!(stranger.running.wait().code(), 0);
    let daemon = Process::open(daemon.pid()).expect("it lives");
    assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
    launcher.reap();
    assert!(daemon.has_ended());
    theirs.tell("print unharmed");
}

#[test]
fn the_number_of_a_command_is_given_again_while_its_adopter_looks_on() {
    let name =
        "faults_processes::the_number_of_a_command_is_given_again_while_its_adopter_looks_on";
    match in_own_processes(name) {
        Ok(true) => {}
        Ok(false) => return,
        Err(why) => return skipped(&why),
    }
    let lab = lab();
    let (task, mut puppet) = orphaned(&lab, &["--grace", "0.1"]);
    let mut daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
    let _ = lab.only_task();
    let launcher = launcher_of(&lab, task);
    // What the command leaves is being ended when its number is somebody else's.
    daemon.tell("hold SIGTERM");
    launcher.signal(Signal::STOP);
    let pid = puppet.pid();
    end(puppet, 3);
    let mut stranger = Stranger::with_number(&lab, pid, "stranger", true);
    let mut theirs = stranger.puppet.child(lab.stage(), "theirs", "");
    launcher.signal(Signal::CONT);
    launcher.reap();
    daemon.wait_for_end();
    stranger.assert_unharmed();
    theirs.tell("print unharmed");
    let record = lab.only_record();
    assert_eq!(
        (number(&record, "exitcode"), number(&record, "leftovers")),
        (3, 1)
    );
}

/// The command under test where the kernel refuses pidfds.
fn refused(lab: &Lab, error: Errno, line: &[String]) -> Running {
    let words = without_pidfds(error);
    let mut command = lab.program(&words[0]);
    command.args(&words[1..]).arg(lab.taskwatcher()).args(line);
    lab.start(command)
}

#[test]
fn without_pidfds_everything_works_by_looking() {
    for error in [Errno::ENOSYS, Errno::EPERM] {
        let lab = lab();
        // Nothing else can be opened either: the filter is there.
        let words = without_pidfds(error);
        let mut probe = lab.program(&words[0]);
        let script = "import os; os.pidfd_open(os.getpid())";
        probe.args(&words[1..]).args(["python3", "-c", script]);
        assert!(!lab.start(probe).wait().status.success());

        let line = lab.launch_line(&["--grace", "0.2"], "p", &[]);
        let launcher = refused(&lab, error, &line);
        let mut puppet = lab.stage().expect("p");
        let mut daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
        daemon.tell("hold SIGTERM");
        let daemon = Process::open(daemon.pid()).expect("it lives");
        let task = id(&lab.only_task()).to_string();
        let killer = refused(&lab, error, &["kill".to_owned(), task]);
        assert_eq!(killer.wait().code(), 0);
        assert_eq!(launcher.wait().code(), 143);
        assert!(daemon.has_ended());
        assert_eq!(text(&lab.only_record(), "outcome"), "killed");
        lab.assert_nothing_left();

        let (task, mut puppet) = orphaned(&lab, &["--grace", "0.2"]);
        let daemon = puppet.child(lab.stage(), "daemon", "setsid orphan");
        let daemon = Process::open(daemon.pid()).expect("it lives");
        let line = ["kill".to_owned(), task.to_string()];
        assert_eq!(refused(&lab, error, &line).wait().code(), 0);
        assert!(daemon.has_ended());
        assert_eq!(lab.history(&["--outcome", "killed"]).len(), 2);
        lab.assert_nothing_left();
    }
}

#[test]
fn a_stopped_task_keeps_its_deadlines() {
    let lab = lab();
    let options = ["--feedback", "--timeout", "5", "--grace", "0.2"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    let mut child = puppet.child(lab.stage(), "child", "setsid orphan");
    child.tell("hold SIGTERM");
    child.send("stop");
    puppet.tell("hold SIGTERM");
    puppet.send("stop");
    assert_eq!(launcher.wait().code(), 124);
    assert_eq!(text(&lab.only_record(), "termsignal"), "SIGKILL");
    lab.assert_nothing_left();
}

#[test]
fn a_launcher_that_was_stopped_is_woken_to_end_its_task() {
    let lab = lab();
    let (launcher, _puppet) = lab.launch(&[], "p", &[]);
    let task = id(&lab.only_task()).to_string();
    launcher.signal(Signal::STOP);
    assert_eq!(lab.run(["kill", &task]).code(), 0);
    assert_eq!(launcher.wait().code(), 143);
    assert_eq!(text(&lab.only_record(), "outcome"), "killed");
}

/// A command that ends at once and leaves a process behind that holds its output.
fn leaves_a_holder(lab: &Lab, mode: &str, pipe: &str) -> Running {
    let mut shell = lab.program("sh");
    let script = r#"held=$("$0" launch --grace 0.2 --leftovers "$1" -- sh -c "read -r _ <$2 & exit 5"); echo "got $?""#;
    shell.args(["-c", script, lab.taskwatcher(), mode, pipe]);
    lab.start(shell)
}

#[test]
fn a_process_that_holds_the_output_is_ended_waited_for_or_left() {
    for mode in ["kill", "wait", "leave"] {
        let lab = lab();
        let pipe = lab.path("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let caller = leaves_a_holder(&lab, mode, pipe.to_str().expect("plain"));
        if mode != "kill" {
            // Opening waits until the other one reads: it lives.
            if mode == "leave" {
                crate::record_when_it_comes(&lab);
            }
            let gate = std::fs::File::options()
                .write(true)
                .open(&pipe)
                .expect("a reader");
            assert!(!caller.has_ended(), "the output is held as without us");
            if mode == "wait" {
                assert_eq!(lab.list().len(), 1, "the row stays while it runs");
            }
            drop(gate);
        }
        assert_eq!(caller.wait().success(), "got 5\n", "{mode}");
        let record = lab.only_record();
        assert_eq!(number(&record, "exitcode"), 5, "{mode}");
        // While it is waited for, it may end before the launcher has seen the command's end.
        if mode != "wait" {
            assert_eq!(number(&record, "leftovers"), 1, "{mode}");
        }
        lab.assert_nothing_left();
    }
}

#[test]
fn hundreds_of_deaf_daemons_end_with_their_task() {
    let lab = lab();
    let pipe = lab.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let script = "trap '' TERM HUP INT; i=0
        while [ $i -lt 200 ]; do i=$((i+1)); setsid sh -c 'read -r _ <pipe' & done
        echo >ready; read -r _ <pipe";
    let launcher = lab.spawn(["launch", "--grace", "0.2", "--", "sh", "-c", script]);
    lab.wait_for_file("all of them", || lab.path("ready").exists().then_some(()));
    let task = id(&lab.only_task()).to_string();
    assert_eq!(lab.run(["kill", &task]).code(), 0);
    assert_eq!(launcher.wait().code(), 137);
    lab.assert_nothing_left();
}

#[test]
fn processes_that_fork_on_and_on_end_in_bounded_time() {
    // Each link starts the next and exits; nobody could list them fast enough.
    const FOR_EVER: &str = "hop 1000000";
    for adopted in [false, true] {
        let lab = lab();
        let options = ["--grace", "0.2"];
        let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
        let task = id(&lab.only_task());
        puppet.tell(FOR_EVER);
        puppet.tell(FOR_EVER);
        if adopted {
            launcher.signal(Signal::KILL);
            launcher.wait_unreaped();
        }
        assert_eq!(lab.run(["kill", &task.to_string()]).code(), 0);
        assert_eq!(text(&lab.only_record(), "outcome"), "killed");
        assert!(!lab.stage().has_appeared("hopped"));
        lab.assert_no_process();
    }
}

#[test]
fn a_chain_that_outlives_its_command_is_waited_for_with_a_limit() {
    let lab = lab();
    let options = ["--leftovers", "wait", "--max-time", "3", "--grace", "0.2"];
    let (launcher, mut puppet) = lab.launch(&options, "p", &[]);
    puppet.tell("hop 1000000");
    puppet.exit(0);
    assert_eq!(launcher.wait().code(), 124);
    assert_eq!(text(&lab.only_record(), "outcome"), "timeout");
    lab.assert_nothing_left();
}
