//! Looking for heartbeats: any change of the feedback file's inode, size or time, seen by its path.
//!
//! The file's own time says when a beat came, but it is on the wall clock, which may be stepped, and
//! a program may set it to anything. So it only ever dates a beat between the last look and now; one
//! that disagrees with that by more than a clock's own error says nothing, and the beat counts from
//! now: no task is ended because two clocks differ.

use std::path::PathBuf;
use std::time::Duration;

use crate::sys::clock;
use crate::sys::file::Version;
use crate::sys::watch::FileWatch;

/// How often a silent task's file is looked at where the kernel has no watch left to give.
const FALLBACK: Duration = Duration::from_millis(200);

/// How far the time of a file may be off where clocks agree: file systems round.
const ROUNDED: Duration = Duration::from_secs(1);

/// The heartbeat of one task.
#[derive(Debug)]
pub struct Heartbeat {
    path: PathBuf,
    seen: Option<Version>,
    looked: Duration,
    last: Option<Duration>,
    watch: Option<FileWatch>,
    awaited: bool,
}

impl Heartbeat {
    /// `before` is the version that stood there at launch, which was at `launched` on the monotonic
    /// clock: it is no beat of this task.
    pub fn new(path: PathBuf, before: Option<Version>, launched: Duration) -> Self {
        Self {
            path,
            seen: before,
            looked: launched,
            last: None,
            watch: None,
            awaited: false,
        }
    }

    /// The wall clock at the last beat, unix seconds.
    pub fn last(&self) -> Option<i64> {
        self.last
            .map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
    }

    /// When the last beat came, on the monotonic clock, if there was one since the last look.
    pub fn look(&mut self) -> Option<Duration> {
        let present = Version::of(&self.path);
        let (now, wall) = (clock::monotonic(), clock::wall());
        let since_look = now.saturating_sub(self.looked);
        self.looked = now;
        // A file that went away says nothing; its next version does.
        let present = present?;
        if self.seen == Some(present) {
            return None;
        }
        self.seen = Some(present);
        let age = match wall.saturating_sub(present.modified) {
            age if age > since_look + ROUNDED => Duration::ZERO,
            age => age.min(since_look),
        };
        self.last = Some(wall.saturating_sub(age));
        Some(now.saturating_sub(age))
    }

    /// From now on a beat has to be noticed at once, or need not be.
    pub fn await_beat(&mut self, awaited: bool) {
        if awaited != self.awaited {
            self.awaited = awaited;
            self.watch = if awaited {
                FileWatch::new(&self.path).ok()
            } else {
                None
            };
        }
    }

    /// What to wait on.
    pub fn watch(&self) -> Option<&FileWatch> {
        self.watch.as_ref()
    }

    /// Takes the events that have come: what changed, changed just now.
    pub fn drain(&mut self) {
        if let Some(watch) = &self.watch {
            watch.drain(&self.path);
            self.looked = clock::monotonic();
        }
    }

    /// When to look again without an event: only if a beat is awaited and nothing watches.
    pub fn next_look(&self) -> Option<Duration> {
        (self.awaited && self.watch.is_none()).then(|| self.looked + FALLBACK)
    }
}
