//! Between Rust's numbers and texts and those of JavaScript.
//!
//! Guarantees: nothing panics; a number that JavaScript cannot hold exactly is above 2⁵³, which no file
//! reaches. JSON is written here by hand for one reason: the tables with which libraries write and read
//! fractions would be a third of the log module.

use std::fmt::Write;

use taskwatcher_core::values::write_string;

/// An offset or a number of lines for JavaScript.
#[must_use]
pub(crate) fn from_count(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss)]
    let number = count as f64;
    number
}

/// A line or a number of things from JavaScript; what is none is 0.
#[must_use]
pub(crate) fn to_count(number: f64) -> u64 {
    // The cast saturates, and takes NaN to 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = number as u64;
    count
}

/// A place in a list or a width from JavaScript.
#[must_use]
pub(crate) fn to_len(number: f64) -> usize {
    usize::try_from(to_count(number)).unwrap_or(usize::MAX)
}

/// The start of a text, and whether something is missing.
#[must_use]
pub(crate) fn start(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((at, _)) => (&text[..at], true),
        None => (text, false),
    }
}

/// How long a text is for JavaScript.
#[must_use]
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Something that can be written as JSON.
pub(crate) trait Json {
    /// Writes itself behind what is there.
    fn write(&self, json: &mut String);
}

impl Json for u64 {
    fn write(&self, json: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(json, "{self}");
    }
}

impl Json for usize {
    fn write(&self, json: &mut String) {
        (*self as u64).write(json);
    }
}

impl Json for bool {
    fn write(&self, json: &mut String) {
        json.push_str(if *self { "true" } else { "false" });
    }
}

impl Json for str {
    fn write(&self, json: &mut String) {
        write_string(json, self);
    }
}

/// Fifteen digits, which is all that a person wants to see and what a decimal number keeps.
impl Json for f64 {
    fn write(&self, json: &mut String) {
        if !self.is_finite() {
            json.push_str("null");
            return;
        }
        if *self < 0.0 {
            json.push('-');
        }
        let mut number = self.abs();
        let mut exponent = 0_i32;
        while number >= 1e15 {
            number /= 10.0;
            exponent += 1;
        }
        // A whole number is written as it is.
        if number.fract() > 0.0 {
            while number < 1e14 && exponent > -340 {
                number *= 10.0;
                exponent -= 1;
            }
        }
        let mut whole = to_count(number.round());
        while exponent < 0 && whole.is_multiple_of(10) {
            whole /= 10;
            exponent += 1;
        }
        whole.write(json);
        if exponent != 0 {
            let _ = write!(json, "e{exponent}");
        }
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn write(&self, json: &mut String) {
        (**self).write(json);
    }
}

/// Absent is null.
impl<T: Json> Json for Option<T> {
    fn write(&self, json: &mut String) {
        match self {
            Some(value) => value.write(json),
            None => json.push_str("null"),
        }
    }
}

impl Json for [usize; 2] {
    fn write(&self, json: &mut String) {
        array(json, self, |json, number| number.write(json));
    }
}

/// Writes an array.
pub(crate) fn array<T>(
    json: &mut String,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    json.push('[');
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            json.push(',');
        }
        write(json, item);
    }
    json.push(']');
}

/// Writes an object; the names of its members need no escapes.
pub(crate) fn object(json: &mut String, members: &[(&str, &dyn Json)]) {
    Object(members).write(json);
}

/// An object inside another.
pub(crate) struct Object<'a>(pub(crate) &'a [(&'a str, &'a dyn Json)]);

impl Json for Object<'_> {
    fn write(&self, json: &mut String) {
        json.push('{');
        for (n, (name, value)) in self.0.iter().enumerate() {
            json.push_str(if n > 0 { ",\"" } else { "\"" });
            json.push_str(name);
            json.push_str("\":");
            value.write(json);
        }
        json.push('}');
    }
}

/// JSON that has been written already.
pub(crate) struct Written(pub(crate) String);

impl Json for Written {
    fn write(&self, json: &mut String) {
        json.push_str(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(number: f64) -> String {
        let mut json = String::new();
        number.write(&mut json);
        json
    }

    #[test]
    fn numbers_are_written_as_a_person_would() {
        for (number, wanted) in [
            (0.0, "0"),
            (-12.0, "-12"),
            (0.5, "5e-1"),
            (12.3, "123e-1"),
            (1e15, "100000000000000e1"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(written(number), wanted);
        }
    }

    #[test]
    fn what_javascript_gives_is_taken_for_a_count() {
        assert_eq!(to_count(f64::NAN), 0);
        assert_eq!(to_count(-1.0), 0);
        assert_eq!(to_count(7.9), 7);
        assert_eq!(start("aé🙂b", 3), ("aé🙂", true));
        assert_eq!(units("aé🙂"), 4);
    }

    proptest! {
        #[test]
        fn numbers_come_back_to_the_fifteenth_digit(number: f64) {
            prop_assume!(number.is_normal());
            let back: f64 = written(number).parse().unwrap();
            prop_assert!((back / number - 1.0).abs() < 1e-13, "{} {}", number, back);
        }

        #[test]
        fn decimal_numbers_come_back_exactly(whole in -999_999_999_i64..1_000_000_000, digits in 0..6_i32) {
            #[expect(clippy::cast_precision_loss)]
            let number = whole as f64 / 10_f64.powi(digits);
            prop_assert_eq!(written(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
