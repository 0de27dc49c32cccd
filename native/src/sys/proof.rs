//! What a launcher shows of itself: which run it serves, and of which database.
//!
//! A row of a database that others can write may name any process as a launcher. So a launcher holds
//! a file in memory whose name says what it serves, and which everybody sees who may look into the
//! process: the same user and root. No other process can give it one.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::identity::Process;
use super::process;

/// Held by a launcher for as long as it serves a run.
#[derive(Debug)]
pub struct Proof {
    _file: OwnedFd,
}

impl Proof {
    /// This process serves this run of this database from now on.
    pub fn show(run: &str, database: &Path) -> io::Result<Self> {
        let name = name(run, database)?;
        let file = memfd_create(name.as_str(), MFdFlags::MFD_CLOEXEC)?;
        Ok(Self { _file: file })
    }
}

/// Whether a process of this user shows that it is the launcher of this run of this database.
pub fn is_launcher_of(launcher: Process, run: &str, database: &Path) -> bool {
    let Ok(name) = name(run, database) else {
        return false;
    };
    let shown = format!("/memfd:{name} (deleted)");
    let Ok(descriptors) = fs::read_dir(format!("/proc/{}/fd", launcher.pid)) else {
        return false;
    };
    let is_shown = descriptors
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == &*shown));
    is_shown && process::has_our_ids(launcher.pid) && launcher.is_alive()
}

/// Whether a process of this user carries in its environment that it belongs to this run of this
/// database, and that this is its feedback file.
pub fn is_process_of(pid: i32, run: &str, database: &Path, feedback: Option<&Path>) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let has = |name: &str, value: &[u8]| {
        let entries = environment.split(|&byte| byte == 0);
        entries
            .filter_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
            .eq([value])
    };
    has("TASKWATCHER_RUN", run.as_bytes())
        && has("TASKWATCHER_DB", database.as_os_str().as_bytes())
        && feedback.is_none_or(|path| has("TASKWATCHER_FEEDBACK", path.as_os_str().as_bytes()))
        && process::has_our_ids(pid)
}

/// A database is told by its device and inode: its path may be given to another one.
fn name(run: &str, database: &Path) -> io::Result<String> {
    let data = fs::metadata(database)?;
    Ok(format!("taskwatcher {run} {}:{}", data.dev(), data.ino()))
}
