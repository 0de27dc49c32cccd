//! The clocks. Deadlines run on the monotonic one, durations on the one that also counts suspend,
//! and only dates come from the wall clock, which may be stepped at any time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// Time since an arbitrary start. Never steps; stands still while the machine is suspended.
pub fn monotonic() -> Duration {
    jumped("monotonic", read(ClockId::CLOCK_MONOTONIC))
}

/// Time since boot. Never steps; runs on while the machine is suspended.
pub fn since_boot() -> Duration {
    jumped("boot", read(ClockId::CLOCK_BOOTTIME))
}

/// Time since 1970, as the wall clock has it now.
pub fn wall() -> Duration {
    jumped("wall", since_epoch(SystemTime::now()))
}

/// The wall clock in whole seconds, as the database stores times.
pub fn unix_seconds() -> i64 {
    i64::try_from(wall().as_secs()).unwrap_or(i64::MAX)
}

/// A date as time since 1970; dates before it count as 1970.
pub fn since_epoch(date: SystemTime) -> Duration {
    date.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(feature = "faults")]
fn jumped(clock: &str, time: Duration) -> Duration {
    let (forward, backward) = super::fault::jump(clock);
    (time + forward).saturating_sub(backward)
}

#[cfg(not(feature = "faults"))]
fn jumped(_: &str, time: Duration) -> Duration {
    time
}

fn read(clock: ClockId) -> Duration {
    // Both clocks exist on every kernel that this program runs on, and neither can fail.
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}
