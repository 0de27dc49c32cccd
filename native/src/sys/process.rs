//! Looking at processes in /proc and signalling them without ever hitting another one.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use taskwatcher_core::outcome::Exit;

use super::clock;
use super::identity::Process;
use super::pidfd::PidFd;
use super::signal::Signal;
use super::wait::exit_of_status;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Process id.
    pub pid: i32,
    /// One letter; `Z` is a zombie.
    pub state: u8,
    /// The parent's id.
    pub parent: i32,
    /// Process group.
    pub group: i32,
    /// Session.
    pub session: i32,
    /// The kernel's flags of the process.
    flags: u32,
    /// How many threads it has; 0 in a zombie that is wholly dead.
    pub threads: i64,
    /// Start time in clock ticks since boot.
    pub start: u64,
}

/// `PF_FORKNOEXEC` of linux/sched.h.
const FORKED_ONLY: u32 = 0x40;

impl Stat {
    /// The process itself.
    pub fn process(&self) -> Process {
        Process {
            pid: self.pid,
            start: self.start,
        }
    }

    /// Whether it was forked and has not executed any program since.
    pub fn is_forked_only(&self) -> bool {
        self.flags & FORKED_ONLY != 0
    }

    /// Whether any of it still runs. A process whose first thread has ended shows as a zombie
    /// while others run on.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, b'X' | b'x') && (self.state != b'Z' || self.threads > 1)
    }
}

/// Reads `/proc/PID/stat`; `None` if there is no such process.
pub fn stat(pid: i32) -> Option<Stat> {
    parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(pid: i32, line: &[u8]) -> Option<Stat> {
    let fields = fields(line)?;
    // proc_pid_stat(5) counts from 1; the first one here is field 3.
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Stat {
        pid,
        state: *field(3)?.as_bytes().first()?,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        flags: field(9)?.parse().ok()?,
        threads: field(20)?.parse().ok()?,
        start: field(22)?.parse().ok()?,
    })
}

/// Whether a process was stopped, by a signal or by a debugger.
pub fn is_stopped(process: Process) -> bool {
    stat(process.pid)
        .is_some_and(|stat| stat.process() == process && matches!(stat.state, b'T' | b't'))
}

/// How a process has ended that nobody has reaped yet, if it ever executed a program; told to those
/// who may trace it. Others are told zero by the kernel, which is taken for nothing said.
pub fn exit_of_zombie(process: Process) -> Option<Exit> {
    let line = fs::read(format!("/proc/{}/stat", process.pid)).ok()?;
    let stat = parse(process.pid, &line)?;
    let is_it = stat.process() == process && stat.state == b'Z' && !stat.is_forked_only();
    // Field 52 is its wait status.
    let status = fields(&line)?.get(52 - 3)?.parse().ok()?;
    (is_it && (status != 0 || has_our_ids(process.pid))).then(|| exit_of_status(status))
}

/// Whether all user and group ids of a process are those of this one. One of them differs in a
/// program with the set-user-id bit.
pub fn has_our_ids(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let all_are = |field: &str, own: u32| {
        let ids = status.lines().find_map(|line| line.strip_prefix(field));
        ids.is_some_and(|ids| ids.split_ascii_whitespace().all(|id| id.parse() == Ok(own)))
    };
    all_are("Uid:", nix::unistd::geteuid().as_raw())
        && all_are("Gid:", nix::unistd::getegid().as_raw())
}

/// The fields of a stat line from the third on. The name of a command, the second one, may hold
/// spaces and brackets, so they begin after the last `)`.
fn fields(line: &[u8]) -> Option<Vec<&str>> {
    let end_of_name = line.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(&line[end_of_name + 1..]).ok()?;
    Some(fields.split_ascii_whitespace().collect())
}

/// Whether a process was started with this variable in its environment, as far as it can be seen.
pub fn has_in_environment(pid: i32, variable: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|&byte| byte == 0)
        .any(|entry| entry == variable.as_bytes())
}

/// The values that an environment variable has in all the processes that can be seen, this one left
/// out, each with the start time of the youngest process that has it.
pub fn values_in_environments(variable: &str) -> HashMap<Vec<u8>, u64> {
    let own = std::process::id().cast_signed();
    let mut values = HashMap::new();
    for stat in all() {
        if stat.pid == own || !stat.is_alive() {
            continue;
        }
        let environment = fs::read(format!("/proc/{}/environ", stat.pid)).unwrap_or_default();
        let entries = environment.split(|&byte| byte == 0);
        let found =
            entries.filter_map(|entry| entry.strip_prefix(variable.as_bytes())?.strip_prefix(b"="));
        for value in found {
            let youngest = values.entry(value.to_vec()).or_insert(stat.start);
            *youngest = stat.start.max(*youngest);
        }
    }
    values
}

/// Whether there is a process with this number, also one that /proc does not show to this user.
pub fn exists(pid: i32) -> bool {
    // Numbers below 1 mean groups.
    pid > 0 && takes_signals(pid)
}

fn takes_signals(pid: i32) -> bool {
    match nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) {
        Ok(()) | Err(Errno::EPERM) => true,
        Err(_) => false,
    }
}

/// The children of a process, in no order; those of all its threads. Zombies are among them.
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        if let Ok(list) = fs::read_to_string(thread.path().join("children")) {
            children.extend(
                list.split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            );
        }
    }
    children
}

/// The children of this process, whose one thread has them all.
pub fn own_children() -> Vec<i32> {
    let list = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    list.split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Every process that this one can see.
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Whether the kernel lists children; without it [`all`] has to be searched by parent.
pub fn lists_children() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

/// Signals exactly this process. `Ok(false)` if it has ended, or if its id now belongs to another.
///
/// Where the kernel refuses pidfds the identity is verified right before the signal, which leaves
/// a window of microseconds.
pub fn signal(process: Process, signal: Signal) -> io::Result<bool> {
    let descriptor = PidFd::open(process.pid);
    if !process.is_alive() {
        return Ok(false);
    }
    let sent = match descriptor {
        Ok(descriptor) => descriptor.signal(signal),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(false),
        Err(_) => kill(process.pid, signal),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Waits until a process has ended, at most so long; whether it has.
pub fn wait_for_end(process: Process, limit: Duration) -> bool {
    let deadline = clock::monotonic() + limit;
    let descriptor = PidFd::open(process.pid);
    while process.is_alive() {
        let left = deadline.saturating_sub(clock::monotonic());
        if left.is_zero() {
            return false;
        }
        match &descriptor {
            Ok(descriptor) => {
                let mut waited = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
                let _ = ppoll(&mut waited, Some(left.into()), None);
            }
            // Without pidfds a process that is no child sends no event.
            Err(_) => drop(ppoll(&mut [], Some(left.min(NO_EVENT).into()), None)),
        }
    }
    true
}

/// How often a process is looked at where the kernel refuses pidfds.
const NO_EVENT: Duration = Duration::from_millis(50);

/// Signals a whole process group. The caller holds its leader unreaped, so that the id cannot
/// belong to another group.
pub fn signal_group(leader: i32, signal: Signal) -> io::Result<()> {
    kill(-leader, signal)
}

/// Signals every process of this process's own group, itself included.
pub fn signal_own_group(signal: Signal) -> io::Result<()> {
    kill(0, signal)
}

/// Signals this process itself.
pub fn signal_self(signal: Signal) -> io::Result<()> {
    kill(std::process::id().cast_signed(), signal)
}

/// Whether a process group has any member.
pub fn group_exists(leader: i32) -> bool {
    takes_signals(-leader)
}

/// From now on descendants whose parents end become children of this process.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

#[allow(unsafe_code)]
fn kill(pid: i32, signal: Signal) -> io::Result<()> {
    // SAFETY: kill takes two integers.
    Errno::result(unsafe { libc::kill(pid, signal.number()) })
        .map(drop)
        .map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_may_hold_anything() {
        let line = b"12 (a) R 1 (b) ) S 7 12 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 4711 0 0\n";
        let stat = parse(12, line).unwrap();
        assert_eq!(
            (stat.state, stat.parent, stat.group, stat.session),
            (b'S', 7, 12, 9)
        );
        assert_eq!((stat.threads, stat.start), (3, 4711));
        assert!(stat.is_alive());
        assert_eq!(parse(12, b"12 (cut"), None);
    }

    #[test]
    fn this_process_is_alive_and_a_later_one_is_another() {
        let own = Process::own();
        assert!(own.is_alive());
        let later = Process {
            start: own.start + 1,
            ..own
        };
        assert!(!later.is_alive());
        assert!(!signal(later, Signal::KILL).unwrap());
    }
}
