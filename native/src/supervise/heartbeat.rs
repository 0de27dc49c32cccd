//! Looking for heartbeats: any change of the feedback file's inode, size or time, seen by its path.
//!
//! The file's own time says when a beat came, but it is on the wall clock, which may be stepped, and
//! a program may set it to anything. So it only ever dates a beat between the last look and now; one
//! that disagrees with that by more than a clock's own error says nothing, and the beat counts from
//! now; so it does if the wall clock was stepped since the last look, or the machine slept: no task is
//! ended because two clocks differ.

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
    /// The wall clock at that look.
    looked_wall: Duration,
    last: Option<Duration>,
    watch: Option<FileWatch>,
    awaited: bool,
}

impl Heartbeat {
    /// `before` is the version that stood there at launch, which was at `launched` on the monotonic
    /// clock: it is no beat of this task.
    pub fn new(path: PathBuf, before: Option<Version>, launched: Duration) -> Self {
        let since_launch = clock::monotonic().saturating_sub(launched);
        Self {
            path,
            seen: before,
            looked: launched,
            looked_wall: clock::wall().saturating_sub(since_launch),
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
        let looked_wall = self.looked_wall;
        (self.looked, self.looked_wall) = (now, wall);
        // A file that went away says nothing; its next version does.
        let present = present?;
        if self.seen == Some(present) {
            return None;
        }
        self.seen = Some(present);
        let age = age(present.modified, wall, looked_wall, since_look);
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
            (self.looked, self.looked_wall) = (clock::monotonic(), clock::wall());
        }
    }

    /// When to look again without an event: only if a beat is awaited and nothing watches.
    pub fn next_look(&self) -> Option<Duration> {
        (self.awaited && self.watch.is_none()).then(|| self.looked + FALLBACK)
    }
}

/// How long ago a file was modified that was looked at `since_look` ago: its own time and the one of
/// the last look are on the wall clock.
fn age(
    modified: Duration,
    wall: Duration,
    looked_wall: Duration,
    since_look: Duration,
) -> Duration {
    let stepped = wall.abs_diff(looked_wall + since_look) > ROUNDED;
    match wall.saturating_sub(modified) {
        age if stepped || age > since_look + ROUNDED => Duration::ZERO,
        age => age.min(since_look),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_as_old_as_its_file_where_the_clocks_agree() {
        let minute = |minutes: u64| Duration::from_secs(1_000_000 + 60 * minutes);
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let age_at = |modified, wall| age(modified, wall, minute(0), minutes(15));
        assert_eq!(age_at(minute(14), minute(15)), minutes(1));
        // Set by the program: before the last look, and in the future.
        assert_eq!(age_at(Duration::ZERO, minute(15)), Duration::ZERO);
        assert_eq!(age_at(minute(99), minute(15)), Duration::ZERO);
        // The wall clock was set on by ten minutes after the beat, or the machine slept; or set back.
        assert_eq!(age_at(minute(14), minute(25)), Duration::ZERO);
        assert_eq!(age_at(minute(4), minute(5)), Duration::ZERO);
    }
}
