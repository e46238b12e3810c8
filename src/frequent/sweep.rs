//! The step that lowers all counters and drops those that vanish.
//!
//! Counters are kept as heights above a common floor, so lowering them all is raising the floor. What
//! is left is to see which of them it covers: heights are read and not written.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::mem;

use super::counters::{Counters, Entry, Slot};
use super::tags::{BUCKET, Places, Tags};
use super::weight::Weight;

/// Which counters are above a cut.
pub(super) struct Above {
    /// For each bucket: no others have a tag.
    tags: Vec<Tags>,
    /// How many.
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

/// The places of a bucket with something above this level, remains included. No branch depends on
/// a counter.
#[inline]
fn places_above<K, W: Weight>(bucket: &[Slot<K, W>; BUCKET], level: W) -> Places {
    level.places_above(|place| {
        let height = |entry: &Entry<K, W::Positive>| W::of(entry.height);
        bucket[place].as_ref().map_or(W::ZERO, height)
    })
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// Subtracts `cut` from all counters and drops those that are then not positive
    /// (Agarwal et al. 2013). Linear.
    pub(super) fn subtract(&mut self, cut: W) {
        self.subtract_from(cut, &self.above(cut));
    }

    /// Subtracts `cut` from all counters, of which only these are [above](Self::above) it.
    pub(super) fn subtract_from(&mut self, cut: W, above: &Above) {
        self.keep(above);
        self.raise_floor(self.floor.saturating_add(cut));
    }

    /// Raises the floor to this level, which every counter held is above.
    fn raise_floor(&mut self, level: W) {
        self.floor = level;
        if level.is_high() {
            self.level_out();
        }
    }

    /// Lowers all heights by the floor, which is then zero.
    fn level_out(&mut self) {
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
        self.level_out();
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

    /// Takes the entries out of a bucket that are not at home there: the buckets between may have
    /// places again.
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
