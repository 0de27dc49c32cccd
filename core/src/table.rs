//! The live pairs of a log while it is read.
//!
//! A key has a slot for as long as the table remembers it. Clearing leaves the slot as a tombstone,
//! so that setting and clearing cost the same however many keys there are; the place of a key in the
//! order is the number of its first set, and sorting waits until somebody asks for the values. A
//! value is first only a span of the block of lines that is being read, and is copied once, when the
//! block ends, however often it was set in it.
//!
//! Guarantees: limits hold after every call; a known key allocates nothing until the block ends;
//! memory stays in proportion to the limits, also where keys come and go for ever; keys chosen to
//! collide cost no more than a lookup in the standard library's map. The table knows nothing of lines.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::diagnostic::DiagnosticKind;
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
    /// Slots of short keys by the hash of their head; a power of two in size, 0 where free.
    index: Vec<u32>,
    /// Slot 0 belongs to no key; its head equals that of no line.
    slots: Vec<Slot>,
    texts: Vec<Text>,
    /// Slots of keys that are long or found no place near their hash.
    elsewhere: HashMap<Box<str>, u32>,
    /// Slots whose span waits to be copied.
    changed: Vec<u32>,
    /// The number of the latest first set.
    latest: u64,
    /// What was first set up to this number, `[]` has cleared.
    cleared: u64,
    live: usize,
    /// Bytes of live keys and values.
    data: usize,
    /// Bytes that keys and values take in memory, tombstones included.
    held: usize,
}

/// What a lookup touches, in one cache line.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Slot {
    head: Head,
    /// The number of the first set, 0 after a clear.
    order: u64,
    text_len: usize,
    from: u32,
    /// 0 unless a span waits: no value is empty.
    len: u32,
}

#[derive(Debug, Clone)]
struct Text {
    key: Box<str>,
    value: String,
}

/// How far from its hash a key may be.
const REACH: usize = 8;
/// The index has room for this many times the slots.
const ROOM: usize = 4;
const SMALLEST_INDEX: usize = 64;
/// Tombstones and spare capacity below this are not worth a tidy-up.
const SLACK: usize = 4 << 20;

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            index: vec![0; SMALLEST_INDEX],
            slots: vec![Slot::new(Head::default())],
            texts: vec![Text::new("")],
            elsewhere: HashMap::new(),
            changed: Vec::new(),
            latest: 0,
            cleared: 0,
            live: 0,
            data: 0,
            held: 0,
        }
    }

    /// Starts from stored values, which may be over the limits.
    pub(crate) fn from_values(values: Values) -> Self {
        let mut table = Self::new();
        for (key, value) in values {
            let SlotId(id) = table.slot_of(&key);
            table.latest += 1;
            table.live += 1;
            table.data += key.len() + value.len();
            table.held += value.capacity();
            let slot = &mut table.slots[id as usize];
            slot.order = table.latest;
            slot.text_len = value.len();
            table.texts[id as usize].value = value;
        }
        table
    }

    /// The slot whose key has this head.
    #[inline]
    pub(crate) fn find(&self, head: &Head) -> Option<SlotId> {
        let mask = self.index.len() - 1;
        let home = head.hash();
        for step in 0..REACH {
            let id = self.index[(home + step) & mask];
            if self.slots[id as usize].head == *head {
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
    pub(crate) fn set_key(&mut self, key: &str, span: Span) -> Result<(), DiagnosticKind> {
        if let Some(id) = self.find_key(key) {
            return self.set(id, span);
        }
        self.admit(key.len() + span.text_len)?;
        let id = self.slot_of(key);
        self.set(id, span)
    }

    /// Sets the key of a slot, or refuses and leaves what was there.
    #[inline]
    pub(crate) fn set(&mut self, SlotId(id): SlotId, span: Span) -> Result<(), DiagnosticKind> {
        let cleared = self.cleared;
        let slot = &mut self.slots[id as usize];
        if slot.order > cleared {
            let data = self.data - slot.text_len + span.text_len;
            if data > MAX_DATA {
                return Err(DiagnosticKind::TooMuchData);
            }
            self.data = data;
        } else {
            let more = self.texts[id as usize].key.len() + span.text_len;
            self.admit(more)?;
            self.live += 1;
            self.data += more;
            self.latest += 1;
            self.slots[id as usize].order = self.latest;
        }
        let slot = &mut self.slots[id as usize];
        if slot.len == 0 {
            self.changed.push(id);
        }
        slot.text_len = span.text_len;
        slot.from = narrow(span.from);
        slot.len = narrow(span.len);
        Ok(())
    }

    /// Clears the key of a slot.
    pub(crate) fn clear(&mut self, SlotId(id): SlotId) {
        let slot = &mut self.slots[id as usize];
        if slot.order > self.cleared {
            self.live -= 1;
            self.data -= self.texts[id as usize].key.len() + slot.text_len;
        }
        slot.order = 0;
    }

    /// Clears every key.
    pub(crate) fn clear_all(&mut self) {
        self.cleared = self.latest;
        self.live = 0;
        self.data = 0;
    }

    /// Copies the values that still are spans of `block`.
    pub(crate) fn end_block(&mut self, block: &[u8]) {
        for &id in &self.changed {
            let slot = &mut self.slots[id as usize];
            let (from, len) = (slot.from as usize, slot.len as usize);
            slot.len = 0;
            if slot.order > self.cleared {
                let value = &mut self.texts[id as usize].value;
                self.held -= value.capacity();
                copy_text(&block[from..from + len], value);
                self.held += value.capacity();
            }
        }
        self.changed.clear();
        let tombstones = self.texts.len() - 1 - self.live;
        if tombstones > MAX_KEYS || self.held > 4 * self.data + SLACK {
            self.tidy();
        }
    }

    /// The live pairs in order.
    pub(crate) fn values(&self) -> Values {
        self.in_order()
            .into_iter()
            .map(|id| {
                let text = &self.texts[id as usize];
                (text.key.to_string(), text.value.clone())
            })
            .collect()
    }

    /// The live pairs in order, without a copy.
    pub(crate) fn into_values(mut self) -> Values {
        self.in_order()
            .into_iter()
            .map(|id| {
                let text = std::mem::replace(&mut self.texts[id as usize], Text::new(""));
                (text.key.into_string(), text.value)
            })
            .collect()
    }

    fn in_order(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = (1..narrow(self.slots.len()))
            .filter(|&id| self.slots[id as usize].order > self.cleared)
            .collect();
        ids.sort_unstable_by_key(|&id| self.slots[id as usize].order);
        ids
    }

    fn admit(&self, more: usize) -> Result<(), DiagnosticKind> {
        if self.live >= MAX_KEYS {
            Err(DiagnosticKind::TooManyKeys)
        } else if self.data + more > MAX_DATA {
            Err(DiagnosticKind::TooMuchData)
        } else {
            Ok(())
        }
    }

    /// A slot for a key that has none.
    fn slot_of(&mut self, key: &str) -> SlotId {
        let head = Head::of_key(key);
        let id = narrow(self.slots.len());
        self.slots.push(Slot::new(head.unwrap_or_default()));
        self.texts.push(Text::new(key));
        self.held += key.len();
        if self.slots.len() * ROOM > self.index.len() {
            self.build_index(self.index.len() * ROOM);
        } else {
            self.enter(id);
        }
        SlotId(id)
    }

    fn enter(&mut self, id: u32) {
        let head = &self.slots[id as usize].head;
        if *head != Head::default() {
            let mask = self.index.len() - 1;
            let home = head.hash();
            for step in 0..REACH {
                let place = &mut self.index[(home + step) & mask];
                if *place == 0 {
                    *place = id;
                    return;
                }
            }
        }
        let key = self.texts[id as usize].key.clone();
        self.elsewhere.insert(key, id);
    }

    fn build_index(&mut self, size: usize) {
        self.index = vec![0; size];
        self.elsewhere = HashMap::new();
        for id in 1..narrow(self.slots.len()) {
            self.enter(id);
        }
    }

    /// Forgets tombstones and gives back what their values, and shrunken ones, still hold.
    fn tidy(&mut self) {
        let cleared = self.cleared;
        let mut live = self.slots.iter().map(|slot| slot.order > cleared);
        // Slot 0 stays, though it is never live.
        live.next();
        let live: Vec<bool> = std::iter::once(true).chain(live).collect();
        let mut kept = live.iter();
        self.slots.retain(|_| kept.next().is_some_and(|&live| live));
        let mut kept = live.iter();
        self.texts.retain(|_| kept.next().is_some_and(|&live| live));
        self.slots.shrink_to_fit();
        self.texts.shrink_to_fit();
        for text in &mut self.texts {
            text.value.shrink_to_fit();
        }
        self.held = self.data;
        let size = (self.slots.len() * ROOM).next_power_of_two();
        self.build_index(size.max(SMALLEST_INDEX));
    }
}

impl Slot {
    fn new(head: Head) -> Self {
        Self {
            head,
            order: 0,
            text_len: 0,
            from: 0,
            len: 0,
        }
    }
}

impl Text {
    fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            value: String::new(),
        }
    }
}

/// Numbers of slots and places in a block are far below 2³²: tidying and the limits see to it.
#[expect(clippy::cast_possible_truncation)]
fn narrow(n: usize) -> u32 {
    n as u32
}

fn copy_text(bytes: &[u8], value: &mut String) {
    // The room of a value that was much longer is given back.
    if value.capacity() > 2 * bytes.len() + 64 {
        *value = String::new();
    }
    value.clear();
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => value.push_str(text),
        Cow::Owned(text) => value.push_str(&text),
    }
}
