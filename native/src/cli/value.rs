//! Values of options, as people write them. What is wrong with one is said in words that are
//! shown behind the value and the name of its option.

use std::time::Duration;

use jiff::Timestamp;

/// Reads `30`, `1.5`, `30s`, `5m`, `2h` or `7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
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
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be more than 0".to_owned()),
        length => Ok(length),
    }
}

/// Reads unix seconds or RFC 3339; unix seconds come out.
pub fn time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_second).map_err(|_| {
        "write unix seconds, or a time with its zone like 2026-11-24T13:05:00Z".to_owned()
    })
}

/// Reads a whole number that is not negative.
pub fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write a whole number, 0 or more".to_owned());
    }
    let number = text.parse::<u64>().ok();
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| "the number is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_units() {
        let seconds = |text: &str| duration(text).map(|length| length.as_secs_f64());
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
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn times_are_unix_seconds_or_rfc_3339() {
        assert_eq!(time("1700000000"), Ok(1_700_000_000));
        assert_eq!(time("2023-11-14T22:13:20Z"), Ok(1_700_000_000));
        assert_eq!(time("2023-11-15T00:13:20+02:00"), Ok(1_700_000_000));
        assert!(time("2023-11-14").is_err());
    }
}
