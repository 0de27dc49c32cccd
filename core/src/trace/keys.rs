//! What is known of every key that a log ever set: where, how often, and the course of its numbers.
//!
//! Guarantees: numbers of lines and sets are exact; memory is bounded by [`MAX_TRACED`], by
//! [`MAX_NAMES`] and by [`MAX_POINTS`] however many keys come and go. It holds no values: these are the
//! reader's.

use std::collections::HashMap;

use super::number::number;
use super::series::Series;
use crate::diagnostic::Set;

/// Keys beyond this many are only counted.
pub const MAX_TRACED: usize = 65_536;
/// Keys that together are longer than this, in bytes, are only counted.
pub const MAX_NAMES: usize = 8 << 20;
/// All courses together have at most this many points, of 32 bytes each.
pub const MAX_POINTS: usize = 256 << 10;
/// One course has at most this many.
const MOST_POINTS: usize = 4096;

/// One key. All that a set changes is in one cache line: with many keys, that is what a set costs.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct KeyTrace {
    last: u64,
    sets: u64,
    numbers: u64,
    series: Series,
    name: Box<str>,
    first: u64,
}

/// Every key in the order of first appearance.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    list: Vec<KeyTrace>,
    by_name: HashMap<Box<str>, u32>,
    names: usize,
    untraced: u64,
    /// The marks of keys that may have a number now.
    holding: Vec<u32>,
    points: usize,
    most_points: usize,
}

/// The mark of a key that is only counted.
const UNTRACED: u32 = u32::MAX;

impl KeyTrace {
    /// The key itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first line that set it.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The last line that set it.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many lines set it.
    #[must_use]
    pub fn sets(&self) -> u64 {
        self.sets
    }

    /// How many of those set it to a number.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        self.numbers
    }

    /// True if a chart of this key tells something: half of its values are numbers.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.numbers > 0 && self.numbers >= self.sets - self.numbers
    }

    /// The least and the greatest of its numbers.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        self.series.range()
    }

    /// The course of its numbers.
    #[must_use]
    pub fn series(&self) -> &Series {
        &self.series
    }
}

impl Keys {
    pub(super) fn new() -> Self {
        Self {
            list: Vec::new(),
            by_name: HashMap::new(),
            names: 0,
            untraced: 0,
            holding: Vec::new(),
            points: 0,
            most_points: MOST_POINTS,
        }
    }

    pub(super) fn list(&self) -> &[KeyTrace] {
        &self.list
    }

    /// How many sets there were of keys that are only counted.
    pub(super) fn untraced(&self) -> u64 {
        self.untraced
    }

    /// The last line that set the key with this mark; 0 if the key is only counted.
    pub(super) fn last_set(&self, mark: u32) -> u64 {
        let key = self.list.get((mark as usize).wrapping_sub(1));
        key.map_or(0, |key| key.last)
    }

    #[inline]
    pub(super) fn set(&mut self, set: &mut Set<'_>) {
        if *set.mark == 0 {
            *set.mark = self.meet(set.key);
        }
        // A mark is a place in the list, counted from 1.
        let Some(key) = self.list.get_mut(*set.mark as usize - 1) else {
            self.untraced += 1;
            return;
        };
        if key.sets == 0 {
            key.first = set.line;
        }
        key.last = set.line;
        key.sets += 1;
        let more = if let Some(number) = number(set.value) {
            key.numbers += 1;
            if !key.series.holds {
                key.series.holds = true;
                self.holding.push(*set.mark);
            }
            key.series.add(set.line, number)
        } else {
            key.series.end(set.line)
        };
        if more {
            self.grew(*set.mark);
        }
    }

    /// A line cleared the key with this mark, or every key.
    pub(super) fn clear(&mut self, line: u64, mark: Option<u32>) {
        let Some(mark) = mark else {
            // Each was put there by a set, so that many clears of many keys cost no more than these.
            for mark in std::mem::take(&mut self.holding) {
                self.list[mark as usize - 1].series.holds = false;
                self.end(line, mark);
            }
            return;
        };
        self.end(line, mark);
    }

    fn end(&mut self, line: u64, mark: u32) {
        let key = self.list.get_mut((mark as usize).wrapping_sub(1));
        if key.is_some_and(|key| key.series.end(line)) {
            self.grew(mark);
        }
    }

    /// The key with this mark has one more point.
    #[inline]
    fn grew(&mut self, mark: u32) {
        let series = &mut self.list[mark as usize - 1].series;
        self.points += 1;
        if series.len() > self.most_points {
            self.points -= series.coarsen(self.most_points * 3 / 4);
        } else if self.points > MAX_POINTS {
            self.coarsen();
        }
    }

    /// The mark of a key whose slot has none.
    #[cold]
    fn meet(&mut self, name: &str) -> u32 {
        if let Some(id) = self.by_name.get(name) {
            return id + 1;
        }
        let names = self.names + name.len();
        if self.list.len() >= MAX_TRACED || names > MAX_NAMES {
            return UNTRACED;
        }
        self.names = names;
        self.list.push(KeyTrace {
            name: name.into(),
            first: 0,
            last: 0,
            sets: 0,
            numbers: 0,
            series: Series::default(),
        });
        // There are fewer than 2³².
        #[expect(clippy::cast_possible_truncation)]
        let mark = self.list.len() as u32;
        self.by_name.insert(name.into(), mark - 1);
        mark
    }

    /// Takes points from the longest courses until a quarter of the room is free.
    #[cold]
    fn coarsen(&mut self) {
        while self.points > MAX_POINTS / 4 * 3 && self.most_points > 2 {
            self.most_points /= 2;
            for key in &mut self.list {
                if key.series.len() > self.most_points {
                    self.points -= key.series.coarsen(self.most_points);
                    key.series.shrink();
                }
            }
        }
    }
}
