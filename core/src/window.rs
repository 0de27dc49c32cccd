//! The first bytes of a line, looked at all at once.
//!
//! Most lines of a real log are short and set a key that is known: for them it is enough to find the
//! first `]` and the line feed among 32 bytes, and to compare `[key]` with what is stored. This module
//! only looks; it knows nothing of the grammar beyond the brackets.

use crate::lanes::{LANES, equal};

/// How many bytes at the start of a line are looked at.
pub(crate) const WINDOW: usize = 2 * LANES;

/// The longest key whose `[key]` fits into a [`Head`].
const SHORT_KEY: usize = WINDOW - "[]".len();

const WORDS: usize = WINDOW / size_of::<u64>();

/// `[key]` with zeros behind it. No key holds a zero byte or `]`, so two heads are the same exactly
/// when their keys are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head([u64; WORDS]);

impl Head {
    /// The head of a key, if it is short enough.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        if key.len() > SHORT_KEY {
            return None;
        }
        let mut bytes = [0; WINDOW];
        bytes[0] = b'[';
        bytes[1..=key.len()].copy_from_slice(key.as_bytes());
        bytes[key.len() + 1] = b']';
        Some(Self(words(&bytes)))
    }

    /// The head of no line.
    pub(crate) const NONE: Self = Self([u64::MAX; WORDS]);

    /// The head that a line starts with whose first `]` stands at `close`; where that is outside the
    /// window, it is like that of no key.
    #[inline]
    pub(crate) fn of_line(line: &[u8; WINDOW], close: usize) -> Self {
        let line = words(line);
        let kept = &KEPT[close % WINDOW];
        Self(std::array::from_fn(|n| line[n] & kept[n]))
    }

    /// True if both are of the same key. The words of a line are in registers: a comparison of arrays
    /// would send them through memory.
    #[inline]
    pub(crate) fn same(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }

    /// A hash over every byte, best at its top. It is no secret: a table must stay quick where hashes
    /// collide.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let [a, b, c, d] = self.0;
        let mixed = a ^ b.rotate_left(23) ^ c.rotate_left(41) ^ d.rotate_left(59);
        mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// What the first bytes of a line show at once.
pub(crate) struct Opening<'a> {
    pub(crate) bytes: &'a [u8; WINDOW],
    /// Where the line feed stands; [`WINDOW`] if further on.
    pub(crate) end: usize,
    /// Where the first `]` stands, be it in a later line; [`WINDOW`] if further on.
    pub(crate) close: usize,
    /// False if the line has no bracket, or is malformed: its key begins with a digit, or white space
    /// or the line's end comes before the `]`.
    pub(crate) has_key: bool,
}

impl<'a> Opening<'a> {
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
    pub(crate) fn of(bytes: &'a [u8; WINDOW]) -> Self {
        let ends = places(bytes, b'\n');
        let close = first(places(bytes, b']'));
        let key_ends = first(ends | places(bytes, b' '));
        Self {
            bytes,
            end: first(ends),
            close,
            has_key: (bytes[0] == b'[') & !bytes[1].is_ascii_digit() & (key_ends >= close),
        }
    }

    /// The head that the line starts with; where the `]` is not seen, it is like that of no key.
    #[inline]
    pub(crate) fn head(&self) -> Head {
        Head::of_line(self.bytes, self.close)
    }
}

/// Where a byte stands: bit n for place n. The bit behind the last place is always set, so that a
/// first place can be had without a branch.
#[inline]
fn places(line: &[u8; WINDOW], byte: u8) -> u64 {
    let (lanes, _) = line.as_chunks();
    let mask = equal(&lanes[0], byte) | equal(&lanes[1], byte) << LANES;
    u64::from(mask) | 1 << WINDOW
}

#[inline]
fn first(places: u64) -> usize {
    places.trailing_zeros() as usize
}

/// For each place of `]`, the bits of a head that belong to it.
static KEPT: [[u64; WORDS]; WINDOW] = kept();

const fn kept() -> [[u64; WORDS]; WINDOW] {
    let mut all = [[0; WORDS]; WINDOW];
    let mut close = 0;
    while close < WINDOW {
        let mut byte = 0;
        while byte <= close {
            all[close][byte / 8] |= 0xFF << (8 * (byte % 8));
            byte += 1;
        }
        close += 1;
    }
    all
}

#[inline]
fn words(bytes: &[u8; WINDOW]) -> [u64; WORDS] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|n| u64::from_le_bytes(words[n]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(line: &[u8]) -> [u8; WINDOW] {
        let mut bytes = [b'\n'; WINDOW];
        bytes[..line.len()].copy_from_slice(line);
        bytes
    }

    #[test]
    fn a_line_has_the_head_of_its_key() {
        for len in 1..=SHORT_KEY {
            let key = "k".repeat(len);
            let line = window(format!("[{key}]").as_bytes());
            let head = Head::of_line(&line, first(places(&line, b']')));
            assert!(Head::of_key(&key).is_some_and(|known| known.same(&head)));
            assert_eq!(
                Head::of_key(&key).map(|known| known.hash()),
                Some(head.hash())
            );
        }
        assert!(Head::of_key(&"k".repeat(SHORT_KEY + 1)).is_none());
    }

    #[test]
    fn no_line_has_the_head_of_no_key() {
        let lines = [[0; WINDOW], [0xFF; WINDOW], [b']'; WINDOW], [b'['; WINDOW]];
        for line in lines {
            for close in 0..=WINDOW {
                let honest = close == WINDOW || line[close] == b']';
                let close = if honest { close } else { WINDOW };
                assert!(!Head::of_line(&line, close).same(&Head::NONE));
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_place_is_found(line: [u8; WINDOW], byte: u8, at in 0..WINDOW) {
            let mut line = line;
            line[at] = byte;
            prop_assert_eq!(Some(first(places(&line, byte))), line.iter().position(|&b| b == byte));
        }

        #[test]
        fn heads_are_the_same_only_for_the_same_key(a in "[a-c]{1,30}", b in "[a-c]{1,30}") {
            let heads = [&a, &b].map(|key| Head::of_key(key).unwrap());
            prop_assert_eq!(heads[0].same(&heads[1]), a == b);
            prop_assert!(heads[0].same(&heads[0]));
        }
    }
}
