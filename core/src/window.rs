//! The first bytes of a line, looked at all at once.
//!
//! Most lines of a real log are short and set a key that is known: for them it is enough to find the
//! first `]` and the line feed among 32 bytes, and to compare `[key]` with what is stored. This module
//! only looks; it knows nothing of the grammar beyond the brackets.

/// How many bytes are looked at.
pub(crate) const WINDOW: usize = 32;

/// The longest key whose `[key]` fits into a [`Head`].
pub(crate) const SHORT_KEY: usize = WINDOW - 2;

/// `[key]` with zeros behind it. No key holds a zero byte or `]`, so two heads are equal exactly when
/// their keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head([u64; WINDOW / 8]);

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

    /// The head that a line starts with, if its first `]` stands at `close`.
    pub(crate) fn of_line(line: &[u8; WINDOW], close: usize) -> Self {
        let mut head = words(line);
        for (word, kept) in head.iter_mut().zip(&KEPT[close % WINDOW]) {
            *word &= kept;
        }
        Self(head)
    }

    /// A hash over every byte. It is no secret: a table must stay quick where hashes collide.
    pub(crate) fn hash(&self) -> usize {
        let [a, b, c, d] = self.0;
        let left = fold(a ^ 0x9E37_79B9_7F4A_7C15, b ^ 0xD1B5_4A32_D192_ED03);
        let right = fold(c ^ 0x8CB9_2BA7_2F3D_8DD7, d ^ 0xAAAA_AAAA_AAAA_AAAB);
        left ^ right
    }
}

/// The places of the first `]` and of the first line feed.
pub(crate) fn first_close_and_line_feed(line: &[u8; WINDOW]) -> (Option<usize>, Option<usize>) {
    let (close, line_feed) = masks(line);
    (first(close), first(line_feed))
}

fn first(mask: u32) -> Option<usize> {
    (mask != 0).then_some(mask.trailing_zeros() as usize)
}

/// For each place of `]`, the bits of a head that belong to it.
static KEPT: [[u64; WINDOW / 8]; WINDOW] = kept();

const fn kept() -> [[u64; WINDOW / 8]; WINDOW] {
    let mut all = [[0; WINDOW / 8]; WINDOW];
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

fn words(bytes: &[u8; WINDOW]) -> [u64; WINDOW / 8] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|n| u64::from_le_bytes(words[n]))
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
fn fold(a: u64, b: u64) -> usize {
    let product = u128::from(a) * u128::from(b);
    (product as u64 ^ (product >> 64) as u64) as usize
}

/// Bit n stands for byte n; of each mask only the lowest bit is sure to be exact.
fn masks(line: &[u8; WINDOW]) -> (u32, u32) {
    let words = words(line);
    let mut close = 0;
    let mut line_feed = 0;
    for (n, word) in words.into_iter().enumerate() {
        close |= matches(word, b']') << (8 * n);
        line_feed |= matches(word, b'\n') << (8 * n);
    }
    (close, line_feed)
}

/// Which bytes of a word are `byte`, as eight bits; a borrow can only spoil bits above the first.
fn matches(word: u64, byte: u8) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let zero_where_equal = word ^ (ONES * u64::from(byte));
    let tops = zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & TOPS;
    // The multiplication gathers the eight top bits, in order, in the highest byte.
    ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}
