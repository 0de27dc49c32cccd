//! The reader's whole state at some lines, packed.
//!
//! Guarantees: what was packed comes back in the same order; together the snapshots keep to a budget
//! of bytes, but at least two stay however large they are, so that memory is bounded by the reader's
//! own limits. Which ones stay depends on the log alone. They know no grammar: state between two of
//! them is the reader's work.

use std::borrow::Cow;

/// The snapshots of one log, rising.
#[derive(Debug, Clone)]
pub(super) struct Snapshots {
    kept: Vec<Snapshot>,
    /// At least so many bytes of the log are between two of them.
    stride: u64,
    bytes: usize,
    budget: usize,
}

/// The state behind some line.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// Where the next line begins.
    pub(super) offset: u64,
    /// The last line that is in it.
    pub(super) line: u64,
    packed: Box<[u8]>,
}

/// One pair, and the line that set it last; 0 if that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) line: u64,
}

impl Snapshots {
    pub(super) fn new(budget: usize, stride: u64) -> Self {
        Self {
            kept: Vec::new(),
            stride,
            bytes: 0,
            budget,
        }
    }

    /// True if the state at `offset` should be kept.
    pub(super) fn wants(&self, offset: u64) -> bool {
        let last = self.kept.last().map_or(0, |last| last.offset);
        offset - last >= self.stride
    }

    /// Keeps the state behind `line`: keys in order, with their values and the lines that set them last.
    pub(super) fn add<'a>(
        &mut self,
        offset: u64,
        line: u64,
        pairs: impl Iterator<Item = (&'a str, Cow<'a, str>, u64)>,
    ) {
        let packed = pack(pairs);
        self.bytes += packed.len();
        self.kept.push(Snapshot {
            offset,
            line,
            packed,
        });
        while self.bytes > self.budget && self.kept.len() > 2 {
            self.stride *= 2;
            self.thin();
        }
    }

    /// The last state that is not behind `line`.
    pub(super) fn before(&self, line: u64) -> Option<&Snapshot> {
        let upto = self.kept.partition_point(|snapshot| snapshot.line <= line);
        self.kept[..upto].last()
    }

    fn thin(&mut self) {
        let mut last = 0;
        let stride = self.stride;
        self.kept.retain(|snapshot| {
            let stays = snapshot.offset - last >= stride;
            if stays {
                last = snapshot.offset;
            }
            stays
        });
        self.bytes = self.kept.iter().map(|snapshot| snapshot.packed.len()).sum();
    }
}

impl Snapshot {
    /// The pairs in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        let mut rest = &*self.packed;
        std::iter::from_fn(move || unpack(&mut rest))
    }
}

fn pack<'a>(pairs: impl Iterator<Item = (&'a str, Cow<'a, str>, u64)>) -> Box<[u8]> {
    let mut packed = Vec::new();
    for (key, value, line) in pairs {
        for number in [key.len() as u64, value.len() as u64, line] {
            pack_number(&mut packed, number);
        }
        packed.extend_from_slice(key.as_bytes());
        packed.extend_from_slice(value.as_bytes());
    }
    packed.into()
}

fn unpack<'a>(rest: &mut &'a [u8]) -> Option<Pair<'a>> {
    let [key, value, line] = [(); 3].map(|()| unpack_number(rest));
    let mut text = |len: Option<u64>| {
        let (text, after) = rest.split_at_checked(usize::try_from(len?).ok()?)?;
        *rest = after;
        str::from_utf8(text).ok()
    };
    Some(Pair {
        key: text(key)?,
        value: text(value)?,
        line: line?,
    })
}

/// Seven bits a byte, the lowest first; all bytes but the last have the top bit.
fn pack_number(packed: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            packed.push(low & 0x7F);
            return;
        }
        packed.push(low | 0x80);
    }
}

fn unpack_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(n: u64, line: u64) -> impl Iterator<Item = (&'static str, Cow<'static, str>, u64)> {
        let values = [("number", n.to_string()), ("text", "x".repeat(90))];
        let pairs = values.into_iter();
        pairs.map(move |(key, value)| (key, Cow::Owned(value), line))
    }

    #[test]
    fn over_the_budget_every_other_one_goes() {
        let mut snapshots = Snapshots::new(1000, 10);
        for n in 1..=100 {
            let offset = 10 * n;
            if snapshots.wants(offset) {
                snapshots.add(offset, n, pairs(n, n));
            }
            assert!(snapshots.bytes <= 1000);
            let nearest = snapshots.before(n).map_or(0, |snapshot| snapshot.line);
            assert!(n - nearest <= 2 * snapshots.stride / 10);
        }
        assert_eq!(snapshots.stride, 160);
        let first = snapshots.before(20).unwrap();
        let pairs: Vec<_> = first.pairs().collect();
        assert_eq!((first.line, first.offset), (16, 160));
        assert_eq!(pairs[0].value, "16");
        assert_eq!(pairs[1].line, 16);
        assert!(snapshots.before(15).is_none());
    }

    #[test]
    fn two_stay_however_large() {
        let mut snapshots = Snapshots::new(10, 1);
        for n in 1..=9 {
            if snapshots.wants(n) {
                snapshots.add(n, n, pairs(n, 0));
            }
            assert!(n < 2 || snapshots.before(n).is_some());
            assert!(snapshots.kept.len() <= 2);
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(
            pairs in prop::collection::vec(("\\PC{0,9}", "\\PC{0,200}", any::<u64>()), 0..9)
        ) {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value, line)| Pair { key, value, line: *line })
                .collect();
            let given = pairs.iter().map(|pair| (pair.key, Cow::Borrowed(pair.value), pair.line));
            let packed = pack(given);
            let snapshot = Snapshot { offset: 0, line: 0, packed };
            prop_assert_eq!(snapshot.pairs().collect::<Vec<_>>(), pairs);
        }
    }
}
