//! Waiting for events, never for time to pass.
//!
//! Everything here ends in one `poll` whose timeout is what is left of the test's [`PATIENCE`], so
//! a condition that never comes true is a failed test with a message, not one that hangs. There is
//! no interval after which a condition is looked at again: an event that nobody reports is a bug in
//! the program or in the test.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// How long a test waits for one thing before it fails. Far above anything a healthy machine needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The moment at which a wait gives up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// [`PATIENCE`] from now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a moment is not a default")]
    pub fn new() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    /// This moment: a look without waiting.
    #[must_use]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn has_passed(self) -> bool {
        Instant::now() > self.0
    }

    fn remaining(self) -> PollTimeout {
        let left = self.0.saturating_duration_since(Instant::now());
        // Rounded up, so that the last wait does not become a spin.
        let milliseconds = left.as_micros().div_ceil(1000);
        PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
    }
}

/// Waits until a descriptor can be read or its other end is closed; false when the deadline comes
/// first.
#[must_use]
pub fn readable(descriptor: BorrowedFd<'_>, deadline: Deadline) -> bool {
    first_readable(&[descriptor], deadline).is_some()
}

/// Waits until one of several descriptors can be read; gives back which, nothing when the deadline
/// comes first.
#[must_use]
pub(crate) fn first_readable(descriptors: &[BorrowedFd<'_>], deadline: Deadline) -> Option<usize> {
    loop {
        let mut wanted: Vec<PollFd<'_>> = descriptors
            .iter()
            .map(|it| PollFd::new(*it, PollFlags::POLLIN))
            .collect();
        match poll(&mut wanted, deadline.remaining()) {
            Ok(0) => return None,
            Ok(_) => return wanted.iter().position(|it| it.any().unwrap_or(false)),
            Err(Errno::EINTR) => {}
            Err(error) => panic!("cannot wait for a descriptor: {error}"),
        }
    }
}

/// Watches folders for every change of the files in them, also folders that come into being later.
pub struct FolderWatch {
    events: Inotify,
    missing: Vec<PathBuf>,
}

impl FolderWatch {
    /// Starts watching. A folder that is not there yet has to appear in one of the others.
    #[must_use]
    pub fn new(folders: &[&Path]) -> Self {
        let events = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .expect("an inotify instance");
        let missing = folders.iter().map(|folder| folder.to_path_buf()).collect();
        let mut watch = Self { events, missing };
        watch.add_missing();
        watch
    }

    /// Waits for the next change; false when the deadline comes first.
    #[must_use]
    pub fn next(&mut self, deadline: Deadline) -> bool {
        if !readable(self.events.as_fd(), deadline) {
            return false;
        }
        // Several events are one reason to look again.
        while matches!(self.events.read_events(), Ok(events) if !events.is_empty()) {}
        self.add_missing();
        true
    }

    fn add_missing(&mut self) {
        // A commit to a write-ahead log becomes visible through shared memory, which no event
        // reports: the writer's closing of the file comes after it.
        let changes = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_CLOSE_WRITE;
        let events = &self.events;
        self.missing
            .retain(|folder| events.add_watch(folder, changes).is_err());
    }
}
