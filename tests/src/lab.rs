//! One test's world: a folder, a database, a stage for puppets, and every process that the test
//! started.
//!
//! The environment is the machine's less everything that could lead to somebody's real database.
//! Each process carries the lab's mark in its environment, so what is left over is found wherever
//! it hides; dropping the lab ends it.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::database::{Row, rows};
use crate::process::{Process, describe};
use crate::running::{Output, Running};
use crate::stage::{Puppet, Stage};
use crate::wait::{Deadline, FolderWatch};

/// Environment variable that marks every process of a lab.
const MARK: &str = "LAB_MARK";

/// Tests that measure time or load the machine run alone; all others share it.
static MACHINE: RwLock<()> = RwLock::new(());

#[expect(dead_code, reason = "held, never read")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// The programs of this package, as Cargo names them to a test.
#[derive(Clone, Copy, Debug)]
pub struct Programs {
    /// The command under test.
    pub taskwatcher: &'static str,
    /// The program that does what a test tells it.
    pub puppet: &'static str,
}

/// One test's world.
pub struct Lab {
    programs: Programs,
    mark: String,
    stage: Stage,
    count: Cell<u32>,
    folder: TempDir,
    _turn: Turn,
}

impl Lab {
    /// An empty lab, beside those of other tests.
    #[must_use]
    pub fn new(programs: Programs) -> Self {
        let turn = Turn::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner));
        Self::open(programs, turn)
    }

    /// An empty lab while no other test runs, for what is measured in time or loads the machine.
    #[must_use]
    pub fn alone(programs: Programs) -> Self {
        let turn = Turn::Alone(MACHINE.write().unwrap_or_else(PoisonError::into_inner));
        Self::open(programs, turn)
    }

    fn open(programs: Programs, turn: Turn) -> Self {
        // Orphans fall to this program, which reaps those that matter, rather than to an init that
        // may not exist.
        nix::sys::prctl::set_child_subreaper(true).expect("the role of a subreaper");
        let folder = tempfile::Builder::new()
            .prefix("lab-")
            .tempdir()
            .expect("a temporary folder");
        let mark = folder.path().display().to_string();
        let stage = Stage::open(folder.path());
        Self {
            programs,
            mark,
            stage,
            count: Cell::new(0),
            folder,
            _turn: turn,
        }
    }

    /// The lab's own folder; programs start in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the lab's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The database file.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.path("tasks.db")
    }

    /// Where feedback files are expected unless the test says otherwise.
    #[must_use]
    pub fn feedback_file(&self, taskid: i64) -> PathBuf {
        self.path("feedback").join(format!("feedback_{taskid}.log"))
    }

    /// Where this lab's puppets appear.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The path of the puppets' program.
    #[must_use]
    pub fn puppet_program(&self) -> &'static str {
        self.programs.puppet
    }

    /// The path of the command under test.
    #[must_use]
    pub fn taskwatcher(&self) -> &'static str {
        self.programs.taskwatcher
    }

    /// Any program, in this lab's folder and environment, with an empty standard input.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("TASKWATCHER_") || text.starts_with("XDG_") {
                command.env_remove(&name);
            }
        }
        command
            .env("TASKWATCHER_DB", self.database_file())
            .env("HOME", self.folder())
            .env("TZ", "UTC")
            .env(MARK, &self.mark)
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }

    /// The command under test with these arguments.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.program(self.programs.taskwatcher);
        command.args(arguments);
        command
    }

    /// Starts a program of this lab.
    #[must_use]
    pub fn start(&self, command: Command) -> Running {
        let number = self.count.get();
        self.count.set(number + 1);
        Running::start(
            command,
            self.path(&format!("stdout-{number}")),
            self.path(&format!("stderr-{number}")),
        )
    }

    /// Starts the command under test.
    #[must_use]
    pub fn spawn<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Running {
        self.start(self.command(arguments))
    }

    /// Runs the command under test to its end.
    #[must_use]
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.spawn(arguments).wait()
    }

    /// Makes the database, as the first command that puts something into it would.
    #[track_caller]
    pub fn initialize(&self) {
        self.run(["initialize"]).done();
    }

    /// Lets every user of the machine into this lab's folder and onto its stage.
    pub fn share(&self) {
        for path in [self.folder(), Path::new(self.stage.path())] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("a mode");
        }
    }

    /// Copies a program into this lab's folder, for users who may not reach it where it is.
    #[must_use]
    pub fn copy_of(&self, program: &str) -> String {
        let name = Path::new(program).file_name().expect("a program");
        let path = self.path(&name.to_string_lossy());
        let mut command = self.program("cp");
        command.arg(program).arg(&path);
        self.start(command).wait().done();
        path.display().to_string()
    }

    /// Makes a file with this mode, so that it can be executed at once.
    ///
    /// Another process writes it: one that this program had open could be held open by a program
    /// that another test is just starting, and the kernel executes no file that is open for
    /// writing.
    pub fn make_program(&self, name: &str, content: &str, mode: &str) {
        let mut command = self.program("sh");
        let script = r#"printf %s "$2" >"$1" && chmod "$3" "$1""#;
        command.args(["-c", script, "sh", name, content, mode]);
        self.start(command).wait().done();
    }

    /// The command line of a puppet of this name, with further arguments.
    #[must_use]
    pub fn puppet(&self, name: &str, arguments: &[&str]) -> Vec<String> {
        let fixed = [
            self.programs.puppet,
            "--stage",
            self.stage.path(),
            "--name",
            name,
        ];
        fixed
            .iter()
            .chain(arguments)
            .map(|&it| it.to_owned())
            .collect()
    }

    /// Launches a puppet under supervision and waits until it is on the stage.
    #[must_use]
    pub fn launch(&self, options: &[&str], name: &str, arguments: &[&str]) -> (Running, Puppet) {
        let launcher = self.spawn(self.launch_line(options, name, arguments));
        (launcher, self.stage.expect(name))
    }

    /// The arguments that launch a puppet.
    #[must_use]
    pub fn launch_line(&self, options: &[&str], name: &str, arguments: &[&str]) -> Vec<String> {
        let mut line = vec!["launch".to_owned()];
        line.extend(options.iter().map(|&option| option.to_owned()));
        line.push("--".to_owned());
        line.extend(self.puppet(name, arguments));
        line
    }

    /// Reserves a task and gives back its id.
    #[must_use]
    #[track_caller]
    pub fn reserve(&self, options: &[&str]) -> i64 {
        let line = ["reserve"].iter().chain(options);
        let printed = self.run(line).success();
        printed
            .strip_suffix('\n')
            .and_then(|id| id.parse().ok())
            .unwrap_or_else(|| panic!("reserve printed {printed:?} instead of an id"))
    }

    /// The tasks of `list --json`.
    #[must_use]
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        records(&self.run(["list", "--json"]).success(), "tasks")
    }

    /// The only task of `list --json`.
    #[must_use]
    #[track_caller]
    pub fn only_task(&self) -> Value {
        only(self.list())
    }

    /// The records of `history --json` with further options.
    #[must_use]
    #[track_caller]
    pub fn history(&self, options: &[&str]) -> Vec<Value> {
        let line = ["history", "--json"];
        records(&self.run(line.iter().chain(options)).success(), "history")
    }

    /// The only record of the history.
    #[must_use]
    #[track_caller]
    pub fn only_record(&self) -> Value {
        only(self.history(&[]))
    }

    /// The values that `feedback ID` prints.
    #[must_use]
    #[track_caller]
    pub fn feedback(&self, taskid: i64) -> Value {
        let printed = self.run(["feedback", &taskid.to_string()]).success();
        serde_json::from_str(&printed)
            .unwrap_or_else(|error| panic!("feedback printed {printed:?}: {error}"))
    }

    /// The database as it stands, for reading.
    #[must_use]
    #[track_caller]
    pub fn database(&self) -> Connection {
        Connection::open_with_flags(self.database_file(), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("the lab's database")
    }

    /// Changes the database behind the program's back.
    pub fn edit(&self, statements: &str) {
        let database = Connection::open(self.database_file()).expect("the lab's database");
        database
            .busy_timeout(crate::PATIENCE)
            .expect("a busy timeout");
        database.execute_batch(statements).expect(statements);
    }

    /// The rows of a table, in order of their ids.
    #[must_use]
    #[track_caller]
    pub fn rows(&self, table: &str) -> Vec<Row> {
        rows(
            &self.database(),
            &format!("SELECT * FROM {table} ORDER BY id"),
        )
    }

    /// Waits until the database shows what is wanted.
    #[track_caller]
    pub fn wait_for_database<T>(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Connection) -> Option<T>,
    ) -> T {
        let deadline = Deadline::new();
        let mut watch = FolderWatch::new(&[self.folder()]);
        // One connection for all looks: opening and closing one is itself a change of the folder.
        let mut database = None;
        loop {
            if database.is_none() && self.database_file().exists() {
                database = Some(self.database());
            }
            if let Some(found) = database.as_ref().and_then(&mut wanted) {
                return found;
            }
            assert!(
                watch.next(deadline),
                "{what} never came\ntasks: {:#?}\nhistory: {:#?}",
                self.rows("tasks"),
                self.rows("history")
            );
        }
    }

    /// Waits until the only task has this status, and gives back its row.
    #[track_caller]
    pub fn wait_for_status(&self, status: &str) -> Row {
        self.wait_for_database(&format!("status {status}"), |database| {
            rows(database, "SELECT * FROM tasks")
                .into_iter()
                .find(|row| row["status"] == status)
        })
    }

    /// Waits until the history has this many records, and gives back their rows.
    #[track_caller]
    pub fn wait_for_history(&self, count: usize) -> Vec<Row> {
        self.wait_for_database(&format!("{count} records of history"), |database| {
            let found = rows(database, "SELECT * FROM history ORDER BY id");
            (found.len() >= count).then_some(found)
        })
    }

    /// Waits until something holds that a change in the lab's folder or the feedback folder brings
    /// about.
    #[track_caller]
    pub fn wait_for_file<T>(&self, what: &str, mut wanted: impl FnMut() -> Option<T>) -> T {
        let deadline = Deadline::new();
        let mut watch = FolderWatch::new(&[self.folder(), &self.path("feedback")]);
        loop {
            if let Some(found) = wanted() {
                return found;
            }
            assert!(watch.next(deadline), "{what} never came");
        }
    }

    /// The live processes of this lab, however they were started and wherever they hide.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let mark = format!("{MARK}={}", self.mark);
        let carries_mark = |pid: i32| {
            // A zombie has no environment any more.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == mark.as_bytes())
        };
        let entries = fs::read_dir("/proc").expect("the list of processes");
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| carries_mark(*pid))
            .filter_map(Process::open)
            // Looked at again through the held descriptor's number, which cannot change hands while
            // it is held alive.
            .filter(|process| carries_mark(process.pid()) && !process.has_ended())
            .collect()
    }

    /// Asserts that no process of this lab lives.
    #[track_caller]
    pub fn assert_no_process(&self) {
        let alive: Vec<String> = self
            .processes()
            .iter()
            .map(|it| describe(it.pid()))
            .collect();
        assert!(alive.is_empty(), "left alive: {alive:#?}");
    }

    /// Asserts that no task, no feedback and no process is left behind.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        self.assert_no_process();
        assert_eq!(self.rows("tasks"), Vec::<Row>::new(), "tasks left behind");
        assert_eq!(
            self.rows("feedbacks"),
            Vec::<Row>::new(),
            "feedbacks left behind"
        );
        if let Ok(files) = fs::read_dir(self.path("feedback")) {
            let files: Vec<_> = files.flatten().map(|entry| entry.file_name()).collect();
            assert!(files.is_empty(), "feedback files left behind: {files:?}");
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Again and again, because a process may fork while it is being ended.
        loop {
            let alive = self.processes();
            if alive.is_empty() {
                break;
            }
            for process in &alive {
                process.signal(Signal::KILL);
            }
            for process in &alive {
                process.reap();
            }
        }
    }
}

#[track_caller]
fn records(printed: &str, kind: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(printed)
        .unwrap_or_else(|error| panic!("no JSON ({error}): {printed:?}"));
    assert_eq!(document["format"], "taskwatcher/1");
    document[kind]
        .as_array()
        .unwrap_or_else(|| panic!("no {kind} in {printed}"))
        .clone()
}

#[track_caller]
fn only(mut found: Vec<Value>) -> Value {
    assert_eq!(found.len(), 1, "expected one record: {found:#?}");
    found.remove(0)
}
