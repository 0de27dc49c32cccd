//! Which values are numbers, for charts.
//!
//! Guarantees: what is taken for a number is written as people and programs write one: `12`, `-0.5`,
//! `+3`, `1e6`, `45%`; the result is the nearest `f64`. Words that some parsers take (`inf`, `nan`) are
//! text. Never allocates.

/// The longest text that is looked at: longer ones are data, not measurements.
const LONGEST: usize = 64;

/// The number that a value is, without a percent sign behind it.
#[must_use]
pub fn number(value: &[u8]) -> Option<f64> {
    if value.len() > LONGEST {
        return None;
    }
    let digits = value.strip_suffix(b"%").unwrap_or(value);
    plain(digits).or_else(|| any(digits))
}

/// Digits with at most one point, so few that the result is exact: nearly all numbers of real logs.
#[inline]
fn plain(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Fifteen digits fit into the 53 bits of an f64; one more byte may be the point.
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mut whole: u64 = 0;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = 10 * whole + u64::from(byte - b'0'),
            b'.' if point.is_none() && at > 0 && at + 1 < digits.len() => point = Some(at),
            _ => return None,
        }
    }
    let behind_point = point.map_or(0, |at| digits.len() - 1 - at);
    // Below 2⁵³: see the check of the length.
    #[expect(clippy::cast_precision_loss)]
    let whole = whole as f64;
    // Both are exact, so the quotient is the nearest one.
    let number = whole / POWERS[behind_point];
    Some(if negative { -number } else { number })
}

const POWERS: [f64; 15] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
];

/// Any other way to write a number.
#[cold]
fn any(text: &[u8]) -> Option<f64> {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E');
    if !text.iter().all(is_part) {
        return None;
    }
    let number: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_what_only_looks_like_one() {
        for (text, wanted) in [
            ("0", 0.0),
            ("45%", 45.0),
            ("-0.5", -0.5),
            ("+3", 3.0),
            ("1e6", 1e6),
            (".5", 0.5),
            ("5.", 5.0),
            ("123456789.123456789", 123_456_789.123_456_79),
            ("18446744073709551615", 18_446_744_073_709_551_615.0),
        ] {
            assert_eq!(number(text.as_bytes()), Some(wanted), "{text}");
        }
        for text in [
            "", "%", "-", ".", "e", "inf", "NaN", "1e999", "12 %", "1,5", "0x10", "1.2.3", "--1",
            "٣",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number("9".repeat(65).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_standard_library_gives(text in "-?[0-9]{1,15}(\\.[0-9]{1,9})?") {
            prop_assert_eq!(number(text.as_bytes()), text.parse().ok());
        }
    }
}
