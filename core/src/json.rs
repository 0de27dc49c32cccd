//! JSON that is stored as text in a column and printed as it stands, its order kept.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The kind of JSON text a column is documented to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// A valid JSON text. Kept as text, because the order of an object's keys is part of a record.
#[derive(Clone, Debug)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Takes `text` if it is valid JSON of this kind. A column may hold anything, so that other
    /// text is `None` and no error.
    #[must_use]
    pub fn parse(text: &str, kind: Kind) -> Option<Self> {
        let value: &RawValue = serde_json::from_str(text).ok()?;
        let first = match kind {
            Kind::Array => '[',
            Kind::Object => '{',
        };
        value
            .get()
            .starts_with(first)
            .then(|| Self(value.to_owned()))
    }

    /// Writes a value of ours.
    ///
    /// # Panics
    /// If the value cannot be JSON at all (a map whose keys are no strings): a bug in its type.
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Self {
        Self(serde_json::value::to_raw_value(value).expect("the records' types are JSON"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the text as a type of ours.
    #[must_use]
    pub fn to<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.as_str()).ok()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

/// Escapes what JSON allows as it is and a terminal may obey: DEL, the C1 control characters, and the
/// marks that change the direction of writing (UAX #9). In valid JSON they stand only inside strings, so the meaning stays.
#[must_use]
pub fn harmless(json: String) -> String {
    if !json.contains(is_raw_control) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_raw_control(c) {
            write!(safe, "\\u{:04x}", u32::from(c)).expect("a string takes all");
        } else {
            safe.push(c);
        }
    }
    safe
}

fn is_raw_control(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_kind_is_taken() {
        assert_eq!(
            Json::parse("{\"b\":\"1\",\"a\":\"2\"}", Kind::Object)
                .unwrap()
                .as_str(),
            "{\"b\":\"1\",\"a\":\"2\"}"
        );
        assert_eq!(Json::parse("to be implemented", Kind::Object), None);
        assert_eq!(Json::parse("[1]", Kind::Object), None);
        assert_eq!(
            Json::parse("[1]", Kind::Array).unwrap().to::<Vec<i64>>(),
            Some(vec![1])
        );
        assert_eq!(Json::parse("[1", Kind::Array), None);
    }

    #[test]
    fn a_value_of_ours_becomes_text_and_comes_back() {
        let json = Json::of(&[("b", 1), ("a", 2)]);
        assert_eq!(json.as_str(), r#"[["b",1],["a",2]]"#);
        assert_eq!(
            json.to::<Vec<(String, i64)>>().map(|pairs| pairs.len()),
            Some(2)
        );
        assert_eq!(json.to::<i64>(), None);
        let read: Json = serde_json::from_str(r#"{"z":1,"a":2}"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"z":1,"a":2}"#);
        assert_ne!(read, json);
    }

    #[test]
    fn control_characters_are_escaped_and_still_mean_the_same() {
        let json = "{\"a\":\"\u{9b}2J\u{7f}é\u{202e}\u{2066}\"}".to_owned();
        let safe = harmless(json.clone());
        assert_eq!(safe, "{\"a\":\"\\u009b2J\\u007fé\\u202e\\u2066\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&safe), value(&json));
        assert_eq!(harmless("[1]".to_owned()), "[1]");
    }
}
