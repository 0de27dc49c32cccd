//! Who runs a task and where: enough to tell, later and from another process, whether a process
//! is still the one that was meant.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::process;

/// A place where process ids mean the same: one machine, one boot, one pid and time namespace, and
/// one user, since another user's processes can neither be judged nor signalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `/etc/machine-id`, or the host name where there is none.
    pub machine: String,
    /// `/proc/sys/kernel/random/boot_id`: another one means that every process is gone.
    pub boot: String,
    /// Effective user id.
    pub uid: u32,
    /// Inode of the pid namespace.
    pub pidns: u64,
    /// Inode of the time namespace; start times are counted in it.
    pub timens: u64,
}

/// Why the processes of a place are not ours to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// They run on another machine.
    Machine,
    /// They belong to another user, of this name.
    User(String),
    /// They run in another container of this machine.
    Container,
}

impl Place {
    /// The place of this process.
    pub fn here() -> &'static Self {
        static HERE: OnceLock<Place> = OnceLock::new();
        HERE.get_or_init(|| Self {
            machine: first_line("/etc/machine-id").unwrap_or_else(host),
            boot: first_line("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
            uid: nix::unistd::geteuid().as_raw(),
            pidns: namespace("pid"),
            timens: namespace("time"),
        })
    }

    /// Whether this process may judge the processes of that place, which may be of an earlier boot.
    pub fn is_ours(&self) -> bool {
        let here = Self::here();
        Self {
            boot: here.boot.clone(),
            ..self.clone()
        } == *here
            || (self.boot != here.boot && self.machine == here.machine && self.uid == here.uid)
    }

    /// What keeps this process from judging the processes of a place that is not ours.
    pub fn beyond(&self) -> Beyond {
        let here = Self::here();
        if self.machine != here.machine {
            Beyond::Machine
        } else if self.uid != here.uid {
            Beyond::User(user_name(self.uid))
        } else {
            Beyond::Container
        }
    }

    /// Whether paths and clocks mean the same there, whoever the user is.
    pub fn is_on_this_system(&self) -> bool {
        let here = Self::here();
        self.machine == here.machine && self.pidns == here.pidns
    }

    /// Whether the machine was booted since.
    pub fn is_of_an_earlier_boot(&self) -> bool {
        self.boot != Self::here().boot
    }

    /// Whether that place is a container of this boot whose last process has ended. It is known only
    /// outside of all containers, where every process can be seen, and of this user's own rows or by
    /// root, who can look into them.
    pub fn is_empty_container(&self) -> bool {
        let here = Self::here();
        here.pidns == INITIAL_PID_NAMESPACE
            && self.pidns != here.pidns
            && self.boot == here.boot
            && (self.uid == here.uid || here.uid == 0)
            && !may_have_process(self.pidns, here.uid)
    }
}

/// The pid namespace that holds all others: `PROC_PID_INIT_INO` of `linux/proc_ns.h`.
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Whether a process is in this pid namespace, or one of this user's cannot be looked into.
fn may_have_process(namespace: u64, user: u32) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else {
        return true;
    };
    entries.flatten().any(|entry| {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            return false;
        };
        let may_be_there = match fs::metadata(entry.path().join("ns/pid")) {
            Ok(found) => found.ino() == namespace,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let owner = entry.metadata().map(|data| data.uid());
                is_nested(pid) && (user == 0 || owner.is_ok_and(|owner| owner == user))
            }
            // It has ended.
            Err(_) => false,
        };
        may_be_there && process::stat(pid).is_some_and(|stat| stat.is_alive())
    })
}

/// Whether a process has another number in a namespace below this one.
fn is_nested(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_none_or(|numbers| numbers.split_ascii_whitespace().count() != 1)
}

/// A process that cannot be mistaken for a later one with the same id (within one [`Place`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub start: u64,
}

impl Process {
    /// The process with this id now.
    pub fn of(pid: i32) -> Option<Self> {
        process::stat(pid).map(|stat| Self {
            pid,
            start: stat.start,
        })
    }

    /// This process.
    pub fn own() -> Self {
        let pid = nix::unistd::getpid().as_raw();
        Self::of(pid).unwrap_or(Self { pid, start: 0 })
    }

    /// When it was started, as time since boot. The kernel shows 100 ticks a second on every machine.
    pub fn started(self) -> Duration {
        Duration::from_millis(self.start.saturating_mul(10))
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_alive(self) -> bool {
        process::stat(self.pid).is_some_and(|stat| stat.start == self.start && stat.is_alive())
    }
}

/// The identity column of a running task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Where the two processes live.
    #[serde(flatten)]
    pub place: Place,
    /// The supervisor.
    pub launcher: Process,
    /// The command.
    pub child: Process,
    /// Random mark of this run; descendants carry it in their environment as `TASKWATCHER_RUN`.
    pub run: String,
}

/// The name of this machine.
pub fn host() -> String {
    nix::unistd::gethostname().map_or_else(
        |_| "localhost".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The name of the user this process acts for, else the number.
pub fn user() -> String {
    user_name(nix::unistd::geteuid().as_raw())
}

/// The name of a user, else the number.
pub fn user_name(uid: u32) -> String {
    nix::unistd::User::from_uid(uid.into())
        .ok()
        .flatten()
        .map_or_else(|| format!("user {uid}"), |user| user.name)
}

/// A new random mark: 128 bits as a UUID.
pub fn random_mark() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/uuid")?
        .trim()
        .to_owned())
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn namespace(kind: &str) -> u64 {
    fs::metadata(format!("/proc/self/ns/{kind}")).map_or(0, |namespace| namespace.ino())
}
