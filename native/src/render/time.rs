//! Times and durations, as people write and read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A duration from the command line.
pub type Length = Duration;

/// Reads `30`, `1.5`, `30s`, `5m`, `2h` or `7d`.
pub fn parse_length(text: &str) -> Result<Length, String> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((place, 's')) => (&text[..place], 1.0),
        Some((place, 'm')) => (&text[..place], 60.0),
        Some((place, 'h')) => (&text[..place], 3_600.0),
        Some((place, 'd')) => (&text[..place], 86_400.0),
        _ => (text, 1.0),
    };
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds = number.parse::<f64>().ok().filter(|_| is_number);
    let seconds = seconds.ok_or("write seconds as 30 or 1.5, or 30s, 5m, 2h, 7d")? * unit;
    if seconds > MAX_SECONDS {
        return Err("it can be 36500d at most".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A hundred years: more is a slip, and less than any clock's range.
const MAX_SECONDS: f64 = 100.0 * 365.0 * 86_400.0;

/// The same, for what makes no sense at zero.
pub fn parse_positive_length(text: &str) -> Result<Length, String> {
    match parse_length(text)? {
        Duration::ZERO => Err("it must be more than 0".to_owned()),
        length => Ok(length),
    }
}

/// Reads unix seconds or RFC 3339; unix seconds come out.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_second).map_err(|_| {
        "write unix seconds, or a time with its zone like 2026-11-24T13:05:00Z".to_owned()
    })
}

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
    fn lengths_take_units() {
        let seconds = |text: &str| parse_length(text).map(|length| length.as_secs_f64());
        assert_eq!(seconds("30"), Ok(30.0));
        assert_eq!(seconds("1.5"), Ok(1.5));
        assert_eq!(seconds("30s"), Ok(30.0));
        assert_eq!(seconds("5m"), Ok(300.0));
        assert_eq!(seconds("2h"), Ok(7_200.0));
        assert_eq!(seconds("7d"), Ok(604_800.0));
        assert_eq!(seconds("0"), Ok(0.0));
        for wrong in [
            "",
            "s",
            "-1",
            "+1",
            "1e3",
            "inf",
            "nan",
            "1w",
            "5 m",
            "1.2.3",
            "99999999999d",
            "é",
        ] {
            assert!(parse_length(wrong).is_err(), "{wrong}");
        }
        assert!(parse_positive_length("0s").is_err());
    }

    #[test]
    fn times_are_unix_seconds_or_rfc_3339() {
        assert_eq!(parse_time("1700000000"), Ok(1_700_000_000));
        assert_eq!(parse_time("2023-11-14T22:13:20Z"), Ok(1_700_000_000));
        assert_eq!(parse_time("2023-11-15T00:13:20+02:00"), Ok(1_700_000_000));
        assert!(parse_time("2023-11-14").is_err());
    }

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
