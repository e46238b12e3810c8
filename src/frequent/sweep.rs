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
    pub(super) fn subtract(&mut self, cut: W) {
        self.subtract_from(cut, &self.above(cut));
    }

    /// Subtracts `cut` from all counters, given those that are [above](Self::above) it.
    pub(super) fn subtract_from(&mut self, cut: W, above: &Above) {
        self.keep(above);
        self.raise_floor(self.floor.saturating_add(cut));
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
    pub(super) fn scale(&mut self, factor: W)
    where
        W: core::ops::Mul<Output = W>,
    {
        self.reset_floor();
        let (buckets, _) = self.slots.as_chunks_mut::<BUCKET>();
        let tags = self.tags.iter().copied();
        let left = tags.zip(buckets).map(|(tags, bucket)| {
            let mut left = 0;
            for (place, slot) in bucket.iter_mut().enumerate() {
                if let Some(entry) = slot {
                    let scaled = (W::of(entry.height) * factor).positive();
                    left |= u32::from(scaled.is_some()) << place;
                    entry.height = scaled.unwrap_or(entry.height);
                }
            }
            tags.only(Places::of_bits(left))
        });
        let left = Above::new(left.collect());
        self.keep(&left);
    }

    /// Keeps only these counters.
    fn keep(&mut self, left: &Above) {
        self.live = left.len;
        let mut displaced = Vec::new();
        let mut after_full = self.tags.last().is_some_and(|tags| tags.is_full());
        for (bucket, &left) in left.tags.iter().enumerate() {
            let full = self.tags[bucket].is_full();
            self.tags[bucket] = left;
            if after_full {
                self.take_displaced(bucket, &mut displaced);
            }
            after_full = full;
        }
        for entry in displaced {
            self.place(entry);
        }
    }

    /// Takes out the entries of a bucket that have another home bucket, because a bucket between may have
    /// a vacant place now.
    fn take_displaced(&mut self, bucket: usize, displaced: &mut Vec<Entry<K, W::Positive>>) {
        let mut left = self.tags[bucket].taken();
        for place in self.tags[bucket].taken_places() {
            let slot = bucket * BUCKET + place;
            let entry = self.slots[slot].as_ref();
            let home = entry.map(|entry| self.home(self.hash(&entry.key)));
            if home != Some(bucket) {
                left &= !(1 << place);
                self.live -= 1;
                displaced.extend(self.slots[slot].take());
            }
        }
        self.tags[bucket] = self.tags[bucket].only(Places::of_bits(left));
    }
}
