//! Times and durations, as people read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time in the local zone: `13:05:07` today, `Nov 23 13:05` this year, else `2025-11-23`.
pub fn local_time(unix_seconds: i64, now: i64, zone: &TimeZone) -> String {
    let in_zone =
        |seconds| Timestamp::from_second(seconds).map(|time| time.to_zoned_datetime(zone.clone()));
    let (Ok(time), Ok(now)) = (in_zone(unix_seconds), in_zone(now)) else {
        return unix_seconds.to_string();
    };
    let format = if time.date() == now.date() {
        "%H:%M:%S"
    } else if time.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    time.strftime(format).to_string()
}

/// Whole seconds in at most two units: `8s`, `1m05s`, `1h02m`, `3d04h`.
pub fn short_duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{days}d{:02}h", hours % 24)
    } else if hours > 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

/// A duration as it was asked for: `8s`, `1.5s`, `5m`, `1h02m`.
pub fn duration_words(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        return format!("{seconds}s");
    }
    let words = short_duration(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    let whole = ["00s", "00m", "00h"]
        .iter()
        .find_map(|rest| words.strip_suffix(rest));
    whole.map_or(words.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_short_as_they_can_be() {
        let now = 1_700_000_000; // 2023-11-14T22:13:20Z
        let shown = |time| local_time(time, now, &TimeZone::UTC);
        assert_eq!(shown(now - 3_600), "21:13:20");
        assert_eq!(shown(now - 86_400), "Nov 13 22:13");
        assert_eq!(shown(1_600_000_000), "2020-09-13");
        assert_eq!(shown(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn durations_are_short() {
        let shown = [0, 59, 65, 3_720, 273_600, -5].map(short_duration);
        assert_eq!(shown, ["0s", "59s", "1m05s", "1h02m", "3d04h", "0s"]);
        assert_eq!(duration_words(Duration::from_millis(1_500)), "1.5s");
        assert_eq!(duration_words(Duration::from_secs(3_720)), "1h02m");
        assert_eq!(duration_words(Duration::from_secs(300)), "5m");
        assert_eq!(duration_words(Duration::from_secs(604_800)), "7d");
    }
}
