//! Lowering all counters and dropping those that reach zero.
//!
//! Counters are stored as heights above a common floor, so raising the floor lowers them all. The sweep
//! then finds the heights that the floor has reached. It reads heights and does not write them.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::mem;

use super::counters::{Counters, Entry, Slot};
use super::tags::{BUCKET, Places, Tags};
use super::weight::Weight;

/// The counters above a cut.
pub(super) struct Above {
    /// The tags of each bucket; only counters above the cut have one.
    tags: Vec<Tags>,
    /// The number of counters.
    pub(super) len: usize,
}

/// Entries that cannot stay where they are when some counters are dropped: their slots, with the hashes of
/// their keys.
struct Displaced(Vec<(usize, u32)>);

/// Keys dropped earlier that had to leave their slots. Dropping them may panic, so their owner first completes
/// what it began.
#[must_use]
pub(super) struct Remains<K, W: Weight> {
    _slots: Vec<Slot<K, W>>,
}

impl Above {
    fn new(tags: Vec<Tags>) -> Self {
        let len = Tags::count_taken(&tags);
        Self { tags, len }
    }
}

impl<K, W: Weight, S> Counters<K, W, S> {
    /// The counters above `cut`.
    pub(super) fn above(&self, cut: W) -> Above {
        let level = self.floor.saturating_add(cut);
        let buckets = self.buckets();
        let tags = buckets.map(|(tags, bucket)| tags.only(places_above(bucket, level)));
        Above::new(tags.collect())
    }
}

/// The places of a bucket with a height above this level, including remains in vacant places. No branch
/// depends on a counter.
#[inline]
fn places_above<K, W: Weight>(bucket: &[Slot<K, W>; BUCKET], level: W) -> Places {
    level.places_above(|place| {
        let height = |entry: &Entry<K, W::Positive>| W::of(entry.height);
        bucket[place].as_ref().map_or(W::ZERO, height)
    })
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// Subtracts `cut` from all counters and drops those that are not positive (Agarwal et al. 2013).
    /// O(size of the table).
    pub(super) fn subtract(&mut self, cut: W) -> Remains<K, W> {
        self.subtract_from(cut, &self.above(cut))
    }

    /// Subtracts `cut` from all counters, given those that are [above](Self::above) it.
    pub(super) fn subtract_from(&mut self, cut: W, above: &Above) -> Remains<K, W> {
        let displaced = self.displaced(above);
        let remains = self.keep(above, displaced);
        self.raise_floor(self.floor.saturating_add(cut));
        remains
    }

    /// Raises the floor to this level. Every height held is above it.
    fn raise_floor(&mut self, level: W) {
        self.floor = level;
        if level.is_high() {
            self.reset_floor();
        }
    }

    /// Subtracts the floor from all heights, and sets it to zero.
    fn reset_floor(&mut self) {
        let floor = mem::replace(&mut self.floor, W::ZERO);
        for entry in self.slots.iter_mut().flatten() {
            let lowered = W::of(entry.height).saturating_minus(floor).positive();
            entry.height = lowered.unwrap_or(entry.height);
        }
    }

    /// Multiplies all counters, and drops those that become zero.
    pub(super) fn scale(&mut self, factor: W) -> Remains<K, W>
    where
        W: core::ops::Mul<Output = W>,
    {
        self.reset_floor();
        let scaled = |slot: &Slot<K, W>| {
            let height = slot.as_ref().map(|entry| W::of(entry.height));
            height.and_then(|height| (height * factor).positive())
        };
        let left = self.buckets().map(|(tags, bucket)| {
            let places = bucket.iter().enumerate();
            let left = places.map(|(place, slot)| u32::from(scaled(slot).is_some()) << place);
            tags.only(Places::of_bits(left.sum()))
        });
        let left = Above::new(left.collect());
        let displaced = self.displaced(&left);
        for slot in &mut self.slots {
            let scaled = scaled(slot);
            if let Some(entry) = slot {
                entry.height = scaled.unwrap_or(entry.height);
            }
        }
        self.keep(&left, displaced)
    }

    /// The entries that must move if only these counters are kept: those behind a full bucket, which may
    /// have a vacant place then.
    fn displaced(&self, left: &Above) -> Displaced {
        let mut displaced = Vec::new();
        let mut after_full = self.tags.last().is_some_and(|tags| tags.is_full());
        for (bucket, &left) in left.tags.iter().enumerate() {
            if after_full {
                for place in left.taken_places() {
                    let slot = bucket * BUCKET + place;
                    let entry = self.slots[slot].as_ref();
                    let hash = entry.map(|entry| self.hash(&entry.key));
                    displaced.extend(
                        hash.filter(|&hash| self.home(hash) != bucket)
                            .map(|hash| (slot, hash)),
                    );
                }
            }
            after_full = self.tags[bucket].is_full();
        }
        Displaced(displaced)
    }

    /// Keeps only these counters, of which some are displaced.
    fn keep(&mut self, left: &Above, Displaced(displaced): Displaced) -> Remains<K, W> {
        self.forget_cut();
        // A table without slots has a bucket of tags all the same.
        self.tags[..left.tags.len()].copy_from_slice(&left.tags);
        self.live = left.len - displaced.len();
        for (slot, _) in &displaced {
            let tags = &mut self.tags[slot / BUCKET];
            *tags = tags.only(Places::of_bits(!(1 << (slot % BUCKET))));
        }
        let moved: Vec<_> = displaced
            .into_iter()
            .filter_map(|(slot, hash)| Some((hash, self.slots[slot].take()?)))
            .collect();
        let remains = moved.into_iter().map(|(hash, entry)| {
            let slot = self.vacancy(hash);
            self.put(slot, hash, entry)
        });
        Remains {
            _slots: remains.filter(Option::is_some).collect(),
        }
    }
}
