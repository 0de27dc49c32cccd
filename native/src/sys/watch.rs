//! Waiting: for signals, and for changes to one file, whether or not it exists yet.
//!
//! The watch of a file is used only while a task is silent: an instance of inotify is scarce (128 a
//! user by default), and a busy program would wake its launcher at every line.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::time::TimeSpec;

use super::pidfd::PidFd;
use super::signal::Signals;

/// Readable when something happened to the file or a file appeared in its folder.
#[derive(Debug)]
pub struct FileWatch(Inotify);

impl FileWatch {
    /// Watches the file, if it is there, and its folder for a file that appears or is moved there.
    pub fn new(path: &Path) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        if let Some(folder) = path.parent() {
            let appears =
                AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ONLYDIR;
            inotify.add_watch(folder, appears)?;
        }
        let watch = Self(inotify);
        watch.watch_file(path)?;
        Ok(watch)
    }

    /// Takes the events that have come. The file may be another one now, so it is watched anew.
    pub fn drain(&self, path: &Path) {
        while self.0.read_events().is_ok_and(|events| !events.is_empty()) {}
        // A file that cannot be watched any more is seen at the next deadline, by its path.
        let _ = self.watch_file(path);
    }

    fn watch_file(&self, path: &Path) -> io::Result<()> {
        let changes =
            AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ATTRIB | AddWatchFlags::IN_DONT_FOLLOW;
        match self.0.add_watch(path, changes) {
            Ok(_) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for FileWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a wait was ended by, besides signals and time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// The file had an event.
    pub by_file: bool,
    /// The process has ended.
    pub by_process: bool,
}

/// Waits for a signal, an event of the file, the end of a process that is no child, or the end of
/// the time.
pub fn wait(
    signals: &Signals,
    file: Option<&FileWatch>,
    process: Option<&PidFd>,
    limit: Option<Duration>,
) -> Woken {
    let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
    let mut waited = vec![readable(signals.as_fd())];
    waited.extend(file.map(|file| readable(file.as_fd())));
    waited.extend(process.map(|process| readable(process.as_fd())));
    // Interrupted or failed is like woken for nothing: the caller looks at everything anyway.
    let _ = ppoll(&mut waited, limit.map(TimeSpec::from), None);
    let mut events = waited
        .iter()
        .skip(1)
        .map(|entry| entry.any().unwrap_or(false));
    Woken {
        by_file: file.is_some() && events.next().unwrap_or(false),
        by_process: process.is_some() && events.next().unwrap_or(false),
    }
}
