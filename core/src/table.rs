//! The live pairs of a log while it is read.
//!
//! A key has a slot for as long as the table remembers it. Clearing leaves the slot as a tombstone,
//! so that setting and clearing cost the same however many keys there are; the place of a key in the
//! order is the number of its first set, and sorting waits until somebody asks for the values. A
//! value is first only a span of the block of lines that is being read, and is copied once, when the
//! block ends, however often it was set in it; values stand one behind the other in one piece of
//! memory, which is packed anew when most of it is out of use.
//!
//! Guarantees: limits hold after every call; a known key allocates nothing until the block ends;
//! memory stays in proportion to the limits, also where keys come and go for ever; keys chosen to
//! collide cost no more than a lookup in the standard library's map. The table knows nothing of lines.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::Utf8Chunk;

use crate::diagnostic::DiagnosticKind;
use crate::line::is_key;
use crate::reader::{MAX_DATA, MAX_KEYS};
use crate::values::Values;
use crate::window::Head;

/// Names the slot of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotId(u32);

/// A value to be: a piece of the block, and how many bytes it has once it is text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: usize,
    pub(crate) len: usize,
    pub(crate) text_len: usize,
}

/// The pairs.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Slots of short keys, each at most [`REACH`] behind the place that its hash names; 0 where free.
    index: Vec<u32>,
    /// What takes a hash to a place in the index.
    shift: u32,
    /// Slot 0 belongs to no key; its head is that of no line.
    slots: Vec<Slot>,
    /// The keys of the slots.
    keys: Vec<Box<str>>,
    /// Slots of keys that are long or found no place near their hash.
    elsewhere: HashMap<Box<str>, u32>,
    /// The values of the slots as they were read, and what is left of earlier ones.
    values: Vec<u8>,
    /// Where the values are packed: kept for its memory, since new memory costs more than the packing.
    spare: Vec<u8>,
    /// The slots whose value is a span of the block: the first `in_block` of these.
    changed: Vec<u32>,
    in_block: usize,
    /// There are so many keys that a block may not set each of them.
    many: bool,
    /// The number of the latest first set.
    latest: u64,
    /// What was first set up to this number, `[]` has cleared.
    cleared: u64,
    live: usize,
    /// Bytes of live keys and values, as text.
    data: usize,
    /// Bytes of all keys, tombstones included.
    key_data: usize,
}

/// All that a set touches, in one cache line.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Slot {
    head: Head,
    /// The number of the first set, 0 after a clear.
    order: u64,
    key_len: u32,
    /// The value as text, where bytes that are not UTF-8 count as U+FFFD.
    text_len: u32,
    /// Where the value stands, in the block or in the values.
    from: u32,
    len: u32,
    /// The sink's own; see [`Set`](crate::diagnostic::Set).
    mark: u32,
    in_block: bool,
}

/// How far from its hash a key may be.
const REACH: usize = 8;
/// The index has room for this many times the slots.
const ROOM: usize = 4;
const SMALLEST_INDEX: usize = 256;
/// Up to so many slots, nearly every line sets a key that was set in the same block before.
const FEW: usize = 256;
/// Values up to this length are copied in one go.
const SHORT: usize = 16;
/// Memory out of use below this is not worth a tidy-up.
const SLACK: usize = 256 << 10;

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            index: vec![0; SMALLEST_INDEX + REACH],
            shift: u64::BITS - SMALLEST_INDEX.trailing_zeros(),
            slots: vec![Slot::new(Head::NONE, 0)],
            keys: vec![Box::default()],
            elsewhere: HashMap::new(),
            values: Vec::new(),
            spare: Vec::new(),
            changed: Vec::new(),
            in_block: 0,
            many: false,
            latest: 0,
            cleared: 0,
            live: 0,
            data: 0,
            key_data: 0,
        }
    }

    /// Starts from stored values. Pairs over the limits are left out.
    pub(crate) fn from_values(values: Values) -> Self {
        let table = Self::from_pairs(values.iter().map(|(key, value)| (key, value, 0)));
        drop(values);
        table
    }

    /// Starts from distinct keys with their values and marks. Pairs over the limits are left out.
    pub(crate) fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str, u32)>) -> Self {
        let mut table = Self::new();
        for (key, value, mark) in pairs {
            let span = Span {
                from: 0,
                len: value.len(),
                text_len: value.len(),
            };
            if let Ok(SlotId(id)) = table.set_key(key, span) {
                table.end_block(value.as_bytes());
                table.slots[id as usize].mark = mark;
            }
        }
        table
    }

    /// The slot whose key has this head.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call for every line costs a tenth of all reading"
    )]
    pub(crate) fn find(&self, head: &Head) -> Option<SlotId> {
        let home = self.home(head);
        for &id in &self.index[home..home + REACH] {
            if self.slots[id as usize].head.same(head) {
                return Some(SlotId(id));
            }
            if id == 0 {
                return None;
            }
        }
        None
    }

    /// The slot of a key that was set before.
    pub(crate) fn find_key(&self, key: &str) -> Option<SlotId> {
        Head::of_key(key)
            .and_then(|head| self.find(&head))
            .or_else(|| self.elsewhere.get(key).copied().map(SlotId))
    }

    /// Sets a key that may be new.
    pub(crate) fn set_key(&mut self, key: &str, span: Span) -> Result<SlotId, DiagnosticKind> {
        let id = if let Some(id) = self.find_key(key) {
            id
        } else {
            admit(self.live, self.data + key.len() + span.text_len)?;
            self.slot_of(key)
        };
        self.set(id, span).map(|()| id)
    }

    /// The key of a slot, and what a sink has written there. Nothing of it is looked up where nobody
    /// looks at it.
    #[inline]
    pub(crate) fn key_and_mark(&mut self, SlotId(id): SlotId) -> (&str, &mut u32) {
        let key = self.keys.get(id as usize).map_or("", |key| &**key);
        (key, &mut self.slots[id as usize].mark)
    }

    /// Sets the key of a slot, or refuses and leaves what was there.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call for every line costs a tenth of all reading"
    )]
    pub(crate) fn set(&mut self, SlotId(id): SlotId, span: Span) -> Result<(), DiagnosticKind> {
        let slot = &mut self.slots[id as usize];
        if slot.order <= self.cleared {
            return self.set_anew(SlotId(id), span);
        }
        let data = self.data - slot.text_len as usize + span.text_len;
        if data > MAX_DATA {
            return Err(DiagnosticKind::TooMuchData);
        }
        self.data = data;
        if self.in_block >= self.changed.len() {
            grow(&mut self.changed, self.in_block);
        }
        // Where there are many keys it is a toss-up whether this one was set in the block before, and a
        // branch on it would cost more than all the rest.
        if self.many || !slot.in_block {
            self.changed[self.in_block] = id;
            self.in_block += usize::from(!slot.in_block);
            slot.in_block = true;
        }
        slot.text_len = narrow(span.text_len);
        slot.from = narrow(span.from);
        slot.len = narrow(span.len);
        Ok(())
    }

    /// Sets the key of a slot that is a tombstone.
    #[cold]
    fn set_anew(&mut self, SlotId(id): SlotId, span: Span) -> Result<(), DiagnosticKind> {
        let slot = &mut self.slots[id as usize];
        admit(self.live, self.data + slot.key_len as usize + span.text_len)?;
        self.live += 1;
        self.data += slot.key_len as usize;
        self.latest += 1;
        slot.order = self.latest;
        slot.text_len = 0;
        self.set(SlotId(id), span)
    }

    /// Clears the key of a slot.
    pub(crate) fn clear(&mut self, SlotId(id): SlotId) {
        let slot = &mut self.slots[id as usize];
        if slot.order > self.cleared {
            self.live -= 1;
            self.data -= (slot.key_len + slot.text_len) as usize;
        }
        slot.order = 0;
    }

    /// Clears every key.
    pub(crate) fn clear_all(&mut self) {
        self.cleared = self.latest;
        self.live = 0;
        self.data = 0;
    }

    /// True if no block of this length can take the values over their limit, whatever stands in it.
    pub(crate) fn has_room_for(&self, block_len: usize) -> bool {
        self.data + block_len * char::REPLACEMENT_CHARACTER.len_utf8() <= MAX_DATA
    }

    /// Copies the values that still are spans of `block`. Where these were taken for UTF-8 without a
    /// look, what they take as text is put right.
    pub(crate) fn end_block(&mut self, block: &[u8]) {
        let before = self.values.len();
        for &id in &self.changed[..self.in_block] {
            let slot = &mut self.slots[id as usize];
            slot.in_block = false;
            if slot.order > self.cleared {
                let value = slot.value(block);
                let from = self.values.len();
                // A copy of fixed length needs no call, which for a few bytes costs more than they do.
                match block[slot.from as usize..].first_chunk::<SHORT>() {
                    Some(more) if value.len() <= SHORT => {
                        self.values.extend_from_slice(more);
                        self.values.truncate(from + value.len());
                    }
                    _ => self.values.extend_from_slice(value),
                }
                slot.from = narrow(from);
            }
        }
        if !self.values[before..].is_ascii() {
            for &id in &self.changed[..self.in_block] {
                let slot = &mut self.slots[id as usize];
                if slot.order > self.cleared {
                    let text_len = text_len(slot.value(&self.values));
                    self.data = self.data - slot.text_len as usize + text_len;
                    slot.text_len = narrow(text_len);
                }
            }
        }
        self.in_block = 0;
        self.many = self.slots.len() > FEW;
        if self.values.len() > 2 * self.data + SLACK {
            self.pack_values();
        }
        let tombstones = self.keys.len() - 1 - self.live;
        if tombstones > MAX_KEYS || self.key_data > 2 * self.data + SLACK {
            self.forget_tombstones();
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The value of a key that is live.
    pub(crate) fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        let SlotId(id) = self.find_key(key)?;
        let slot = &self.slots[id as usize];
        (slot.order > self.cleared).then(|| String::from_utf8_lossy(slot.value(&self.values)))
    }

    /// The live pairs in order.
    pub(crate) fn values(&self) -> Values {
        let pairs = self.pairs();
        Values::of_distinct(pairs.map(|(key, value, _)| (key.to_owned(), value.into_owned())))
    }

    /// The live pairs in order, with the marks of their keys.
    pub(crate) fn pairs(&self) -> impl ExactSizeIterator<Item = (&str, Cow<'_, str>, u32)> {
        let mut live: Vec<(&Slot, &str)> = self
            .slots
            .iter()
            .zip(self.keys.iter().map(|key| &**key))
            .filter(|(slot, _)| slot.order > self.cleared)
            .collect();
        live.sort_unstable_by_key(|(slot, _)| slot.order);
        live.into_iter().map(|(slot, key)| {
            let value = slot.value(&self.values);
            // Lossy decoding goes byte by byte, which nearly all values can be spared.
            let value = str::from_utf8(value)
                .map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
            (key, value, slot.mark)
        })
    }

    /// A slot for a key that has none.
    fn slot_of(&mut self, key: &str) -> SlotId {
        // Stored values may have keys that no line can have: they must not be found by a head.
        let head = if is_key(key) { Head::of_key(key) } else { None };
        let head = head.unwrap_or(Head::NONE);
        let id = narrow(self.slots.len());
        self.slots.push(Slot::new(head, narrow(key.len())));
        self.keys.push(key.into());
        self.key_data += key.len();
        if self.slots.len() * ROOM > self.index.len() {
            self.build_index();
        } else {
            self.enter(id);
        }
        SlotId(id)
    }

    fn enter(&mut self, id: u32) {
        let head = &self.slots[id as usize].head;
        if !head.same(&Head::NONE) {
            let home = self.home(head);
            for place in &mut self.index[home..home + REACH] {
                if *place == 0 {
                    *place = id;
                    return;
                }
            }
        }
        let key = self.keys[id as usize].clone();
        self.elsewhere.insert(key, id);
    }

    fn build_index(&mut self) {
        let homes = (2 * ROOM * self.slots.len()).next_power_of_two();
        let homes = homes.max(SMALLEST_INDEX);
        self.shift = u64::BITS - homes.trailing_zeros();
        self.index = vec![0; homes + REACH];
        self.elsewhere = HashMap::new();
        for id in 1..narrow(self.slots.len()) {
            self.enter(id);
        }
    }

    #[inline]
    fn home(&self, head: &Head) -> usize {
        // What is left after the shift is smaller than the index.
        #[expect(clippy::cast_possible_truncation)]
        let home = (head.hash() >> self.shift) as usize;
        home
    }

    fn pack_values(&mut self) {
        self.spare.clear();
        for slot in &mut self.slots {
            if slot.order > self.cleared {
                let from = narrow(self.spare.len());
                self.spare.extend_from_slice(slot.value(&self.values));
                slot.from = from;
            }
        }
        std::mem::swap(&mut self.values, &mut self.spare);
        if self.spare.capacity() > 4 * SLACK {
            self.spare = Vec::new();
        }
    }

    fn forget_tombstones(&mut self) {
        let live: Vec<bool> = self
            .slots
            .iter()
            .map(|slot| slot.order > self.cleared)
            .collect();
        // Slot 0 stays, though it is never live.
        let stays = || std::iter::once(true).chain(live[1..].iter().copied());
        let mut slots = stays();
        self.slots.retain(|_| slots.next().unwrap_or(true));
        let mut keys = stays();
        self.keys.retain(|_| keys.next().unwrap_or(true));
        self.slots.shrink_to_fit();
        self.keys.shrink_to_fit();
        self.key_data = self.keys.iter().map(|key| key.len()).sum();
        self.build_index();
    }
}

fn admit(live: usize, data: usize) -> Result<(), DiagnosticKind> {
    if live >= MAX_KEYS {
        Err(DiagnosticKind::TooManyKeys)
    } else if data > MAX_DATA {
        Err(DiagnosticKind::TooMuchData)
    } else {
        Ok(())
    }
}

impl Slot {
    fn new(head: Head, key_len: u32) -> Self {
        Self {
            head,
            order: 0,
            key_len,
            text_len: 0,
            from: 0,
            len: 0,
            mark: 0,
            in_block: false,
        }
    }

    fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.from as usize..][..self.len as usize]
    }
}

/// How long a value is once each run of bad bytes is one U+FFFD.
pub(crate) fn text_len(value: &[u8]) -> usize {
    if str::from_utf8(value).is_ok() {
        return value.len();
    }
    let chunk_len = |chunk: Utf8Chunk<'_>| {
        let replaced = !chunk.invalid().is_empty();
        chunk.valid().len() + usize::from(replaced) * char::REPLACEMENT_CHARACTER.len_utf8()
    };
    value.utf8_chunks().map(chunk_len).sum()
}

/// Kept out of the way of sets.
#[cold]
#[inline(never)]
fn grow(changed: &mut Vec<u32>, used: usize) {
    changed.resize(2 * used + 16, 0);
}

/// Counts of slots and places in a block or in the values: the limits keep all far below 2³².
#[expect(clippy::cast_possible_truncation)]
fn narrow(n: usize) -> u32 {
    n as u32
}

#[cfg(test)]
mod tests;
