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
    /// `/proc/sys/kernel/random/boot_id`: another one means that every process is gone. Empty where it
    /// cannot be read.
    pub boot: String,
    /// Effective user id.
    pub uid: u32,
    /// Inode of the pid namespace; 0 where it cannot be read.
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
        self.is_ours_seen_from(Self::here())
    }

    fn is_ours_seen_from(&self, here: &Self) -> bool {
        let same_numbers =
            self.pidns != 0 && (self.pidns, self.timens) == (here.pidns, here.timens);
        (&self.machine, self.uid) == (&here.machine, here.uid)
            && (same_numbers || self.is_of_a_boot_before(here))
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

    /// Whether the machine was booted since. Where either boot is unknown (a sandbox without
    /// `/proc/sys`), that is not known either.
    pub fn is_of_an_earlier_boot(&self) -> bool {
        self.is_of_a_boot_before(Self::here())
    }

    fn is_of_a_boot_before(&self, here: &Self) -> bool {
        !self.boot.is_empty() && !here.boot.is_empty() && self.boot != here.boot
    }

    /// Whether that place is a container of this boot whose last process has ended. It is known only
    /// outside of all containers, where every process can be seen, and of this user's own rows or by
    /// root, who can look into them.
    pub fn is_empty_container(&self) -> bool {
        let here = Self::here();
        here.pidns == INITIAL_PID_NAMESPACE
            && self.pidns != 0
            && self.pidns != here.pidns
            && !self.boot.is_empty()
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

    /// Whether it has certainly ended. A process that /proc does not show may run all the same: it is
    /// hidden from this user (`hidepid`), or /proc cannot be read just now.
    pub fn is_gone(self) -> bool {
        match process::stat(self.pid) {
            Some(stat) => stat.start != self.start || !stat.is_alive(),
            None => !process::exists(self.pid),
        }
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

/// The groups of a user, by number; none if nobody knows the user.
pub fn groups_of(uid: u32) -> Vec<u32> {
    let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
    let groups = user.and_then(|user| {
        let name = std::ffi::CString::new(user.name).ok()?;
        nix::unistd::getgrouplist(&name, user.gid).ok()
    });
    groups
        .unwrap_or_default()
        .into_iter()
        .map(nix::unistd::Gid::as_raw)
        .collect()
}

/// A new random mark: 122 bits as a UUID of version 4 (RFC 9562). From the system call, since a
/// sandbox may have no `/proc/sys`.
pub fn random_mark() -> io::Result<String> {
    let mut bytes = [0; 16];
    // So few bytes come whole, once the kernel's generator is ready.
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    Ok(parts.join("-"))
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn namespace(kind: &str) -> u64 {
    fs::metadata(format!("/proc/self/ns/{kind}")).map_or(0, |namespace| namespace.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(boot: &str, pidns: u64) -> Place {
        Place {
            machine: "m".to_owned(),
            boot: boot.to_owned(),
            uid: 7,
            pidns,
            timens: 3,
        }
    }

    #[test]
    fn an_unknown_boot_is_no_other_boot() {
        let here = place("b", 1);
        assert!(place("a", 2).is_of_a_boot_before(&here) && place("a", 2).is_ours_seen_from(&here));
        for (row, here) in [("", "b"), ("b", ""), ("", "")] {
            let (row, here) = (place(row, 1), place(here, 1));
            assert!(!row.is_of_a_boot_before(&here));
            assert!(
                row.is_ours_seen_from(&here),
                "its processes can be looked at"
            );
            assert!(!place(&row.boot, 2).is_ours_seen_from(&here));
        }
        // Without /proc, numbers of processes mean nothing.
        assert!(!place("b", 0).is_ours_seen_from(&place("b", 0)));
    }

    #[test]
    fn a_mark_is_a_random_uuid() {
        let [one, other] = [(); 2].map(|()| random_mark().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
