//! Which lines hold a text.
//!
//! Guarantees: every line with the needle comes once, rising; a needle is bytes, never a pattern. It
//! looks at no line feed: a needle with one in it is nowhere.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memmem};

/// Whether capitals are told from small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They are.
    Exact,
    /// A–Z are taken for a–z. Other letters are told apart.
    Folded,
}

/// The lines that hold the needle; `bytes` begin with line `first_line`.
#[must_use]
pub fn search(bytes: &[u8], first_line: u64, needle: &str, case: Case) -> Vec<u64> {
    if needle.is_empty() || needle.contains('\n') {
        return Vec::new();
    }
    let fold = |text| match case {
        Case::Exact => Cow::Borrowed(text),
        Case::Folded => Cow::Owned(<[u8]>::to_ascii_lowercase(text)),
    };
    let (bytes, needle) = (fold(bytes), fold(needle.as_bytes()));
    let finder = memmem::Finder::new(&*needle);
    let mut found = Vec::new();
    let mut rest = &*bytes;
    let mut line = first_line;
    while let Some(at) = finder.find(rest) {
        line += memchr_iter(b'\n', &rest[..at]).count() as u64;
        found.push(line);
        let Some(end) = memchr(b'\n', &rest[at..]) else {
            break;
        };
        rest = &rest[at + end + 1..];
        line += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_comes_once() {
        let bytes = b"[a]Error error\n\n[b]fine\n[c]ERROR";
        assert_eq!(search(bytes, 7, "error", Case::Exact), [7]);
        assert_eq!(search(bytes, 7, "error", Case::Folded), [7, 10]);
        assert_eq!(search(bytes, 7, "[b]", Case::Exact), [9]);
        assert!(search(bytes, 7, "", Case::Folded).is_empty());
        assert!(search(bytes, 7, "fine\n[c]", Case::Exact).is_empty());
    }
}
