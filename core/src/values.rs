//! Pairs in order, and their JSON.
//!
//! Guarantees: order is kept both ways; what [`Values::to_json`] wrote, [`Values::from_json`] reads
//! back equal; the JSON is one line without control characters, so that it can neither break a table
//! nor drive a terminal. Keys are any text here: which keys a log can hold is the grammar's matter.

use std::collections::HashMap;
use std::fmt::{self, Write};

use serde::de::{Deserializer, MapAccess, Visitor};

/// Pairs of key and value, each key once, in the order of their first set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    pairs: Vec<(String, String)>,
}

impl Values {
    /// Pairs whose keys all differ.
    pub(crate) fn of_distinct(pairs: impl Iterator<Item = (String, String)>) -> Self {
        Self {
            pairs: pairs.collect(),
        }
    }

    /// The pairs in order.
    #[must_use = "an iterator does nothing by itself"]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + DoubleEndedIterator {
        let pairs = self.pairs.iter();
        pairs.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key. Looks at one pair after the other.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(k, value)| (k == key).then_some(value))
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// One JSON object on one line, all values strings, in order. Every control character is escaped,
    /// DEL and C1 included.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text: usize = self
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        let mut json = String::with_capacity(text + 6 * self.len() + 2);
        json.push('{');
        for (n, (key, value)) in self.iter().enumerate() {
            if n > 0 {
                json.push(',');
            }
            write_string(&mut json, key);
            json.push(':');
            write_string(&mut json, value);
        }
        json.push('}');
        json
    }

    /// Reads an object of strings in order. Of a key that comes twice, the last value counts, in the
    /// place of the first.
    pub fn from_json(text: &str) -> Result<Self, ValuesError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let values = json.deserialize_map(ObjectOfStrings);
        let values = values.and_then(|values| json.end().map(|()| values));
        values.map_err(ValuesError)
    }
}

/// Of a key that comes twice, the last value counts, in the place of the first.
impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Values {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let mut values = Self::default();
        let mut places = HashMap::new();
        for (key, value) in pairs {
            let (key, value) = (key.into(), value.into());
            if let Some(&place) = places.get(&key) {
                let pair: &mut (String, String) = &mut values.pairs[place];
                pair.1 = value;
            } else {
                places.insert(key.clone(), values.pairs.len());
                values.pairs.push((key, value));
            }
        }
        values
    }
}

impl IntoIterator for Values {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}

/// The text is not a JSON object of strings.
#[derive(Debug)]
pub struct ValuesError(serde_json::Error);

impl fmt::Display for ValuesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "feedback is not a JSON object of strings: {}", self.0)
    }
}

impl std::error::Error for ValuesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// `serde_json`'s own map would sort the keys.
struct ObjectOfStrings;

impl<'de> Visitor<'de> for ObjectOfStrings {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
        std::iter::from_fn(|| map.next_entry::<String, String>().transpose()).collect()
    }
}

/// Writes a text as JSON on one line: every control character is escaped, DEL and C1 included.
pub fn write_string(json: &mut String, text: &str) {
    json.push('"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escape = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ if c.is_control() => "",
            _ => continue,
        };
        json.push_str(&text[plain..at]);
        json.push_str(escape);
        if escape.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(json, "\\u{:04X}", u32::from(c));
        }
        plain = at + c.len_utf8();
    }
    json.push_str(&text[plain..]);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<const N: usize>(pairs: [(&str, &str); N]) -> Values {
        pairs.into_iter().collect()
    }

    #[test]
    fn json_is_one_object_in_order() {
        assert_eq!(Values::default().to_json(), "{}");
        let values = values([("b", "1"), ("a", "two \"words\"\\")]);
        assert_eq!(values.to_json(), r#"{"b":"1","a":"two \"words\"\\"}"#);
    }

    #[test]
    fn every_control_character_is_escaped() {
        let wild = "\n\r\t\0\u{8}\u{1B}[31m\u{7F}\u{80}\u{9F}\u{A0}é";
        let json = values([(wild, wild)]).to_json();
        let escaped = r#""\n\r\t\u0000\u0008\u001B[31m\u007F\u0080\u009F "#.to_owned() + "é\"";
        assert_eq!(
            json,
            format!("{{{escaped}:{escaped}}}").replace(' ', "\u{A0}")
        );
        assert_eq!(Values::from_json(&json).unwrap(), values([(wild, wild)]));
    }

    #[test]
    fn of_equal_keys_the_last_value_counts_in_the_first_place() {
        let read = Values::from_json(r#" {"a":"1", "b":"2", "\u0061":"3"} "#).unwrap();
        assert_eq!(read, values([("a", "3"), ("b", "2")]));
        assert_eq!((read.len(), read.is_empty()), (2, false));
        assert_eq!((read.get("a"), read.get("c")), (Some("3"), None));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        let others = [
            "",
            "null",
            "[]",
            "\"a\"",
            "1",
            "{",
            "{}x",
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":"b"}{}"#,
            "{\"a\":\"\n\"}",
        ];
        for other in others {
            let error = Values::from_json(other).unwrap_err();
            let reason = error.to_string();
            assert!(
                reason.starts_with("feedback is not a JSON object of strings: "),
                "{reason}"
            );
            assert!(std::error::Error::source(&error).is_some());
        }
    }
}
