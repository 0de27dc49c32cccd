//! Which values are numbers, for charts.
//!
//! Guarantees: what is taken for a number is written as people and programs write one: `12`, `-0.5`,
//! `+3`, `1e6`, `45%`; with up to fifteen digits and no exponent the result is the nearest `f64`, else
//! it is as good as a chart needs. Words that some parsers take (`inf`, `nan`) are text. Never allocates;
//! the standard library's parser is not used, because its tables are a sixth of what a browser loads.

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
    let (negative, text) = sign(text);
    let exponent_at = text.iter().position(|&byte| matches!(byte, b'e' | b'E'));
    let (digits, exponent) = match exponent_at {
        Some(at) => (&text[..at], exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let mut whole: u64 = 0;
    let mut shift = exponent;
    let mut behind_point = false;
    let mut any = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                any = true;
                // More digits than an f64 can tell apart are only counted.
                let full = whole >= u64::MAX / 10 - 1;
                if !full {
                    whole = 10 * whole + u64::from(byte - b'0');
                }
                shift += i32::from(full) - i32::from(behind_point);
            }
            b'.' if !behind_point => behind_point = true,
            _ => return None,
        }
    }
    #[expect(clippy::cast_precision_loss)]
    let whole = whole as f64;
    let number = if (-22..0).contains(&shift) {
        // This power is exact, its inverse would not be.
        whole / 10_f64.powi(-shift)
    } else {
        // Two steps, so that small numbers do not vanish between them.
        let half = shift / 2;
        whole * 10_f64.powi(half) * 10_f64.powi(shift - half)
    };
    let number = if negative { -number } else { number };
    (any && number.is_finite()).then_some(number)
}

fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let exponent = digits
        .iter()
        .fold(0, |sum, &digit| 10 * sum + i32::from(digit - b'0'));
    Some(if negative { -exponent } else { exponent })
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text.strip_prefix(b"+").unwrap_or(text)),
    }
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
            ("1.5E-3", 0.0015),
            ("0000000000000000000007", 7.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("123456789.123456", 123_456_789.123_456),
            ("18446744073709551615", 18_446_744_073_709_551_615.0),
        ] {
            assert_eq!(number(text.as_bytes()), Some(wanted), "{text}");
        }
        for text in [
            "", "%", "-", ".", "e", "inf", "NaN", "1e999", "12 %", "1,5", "0x10", "1.2.3", "--1",
            "+-1", "1e", "1e+", "1e1.5", "e5", "1e10000", "٣",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number("9".repeat(65).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_standard_library_gives(text in "-?[0-9]{1,9}(\\.[0-9]{1,6})?") {
            prop_assert_eq!(number(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn any_number_is_nearly_what_the_standard_library_gives(wanted: f64) {
            prop_assume!(wanted.is_normal());
            for text in [format!("{wanted:e}"), format!("{wanted}")] {
                let Some(got) = number(text.as_bytes()) else {
                    prop_assert!(text.len() > LONGEST || wanted.abs() > 1e300, "{}", text);
                    continue;
                };
                prop_assert!((got / wanted - 1.0).abs() < 1e-13, "{} {}", text, got);
            }
        }
    }
}
