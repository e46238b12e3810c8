//! The step that lowers all counters and drops those that vanish.
//!
//! Counters are kept as heights above a common floor, so lowering them all is raising the floor. What
//! is left is to see which of them it covers: heights are read and not written.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::mem;

use super::counters::{Counters, Entry, Slot};
use super::tags::{BUCKET, Tags};
use super::weight::Weight;

/// Which counters are above a cut.
pub(super) struct Above {
    /// For each bucket its places, a bit each.
    places: Vec<u32>,
    /// How many.
    pub(super) len: usize,
}

impl<K, W: Weight, S> Counters<K, W, S> {
    /// The counters above `cut`.
    pub(super) fn above(&self, cut: W) -> Above {
        let level = self.floor.saturating_add(cut);
        let buckets = self.buckets();
        let places: Vec<_> = buckets
            .map(|(tags, bucket)| places_above(bucket, level) & tags.taken())
            .collect();
        let len = places.iter().map(|places| places.count_ones() as usize);
        Above {
            len: len.sum(),
            places,
        }
    }
}

/// The places of a bucket with something above this level, remains included. No branch depends on
/// a counter.
#[inline]
fn places_above<K, W: Weight>(bucket: &[Slot<K, W>; BUCKET], level: W) -> u32 {
    let mut places = 0;
    for slot in bucket.iter().rev() {
        let above = |entry: &Entry<K, W::Positive>| level < W::of(entry.height);
        places = 2 * places + u32::from(slot.as_ref().is_some_and(above));
    }
    places
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// Subtracts `cut` from all counters and drops those that are then not positive
    /// (Agarwal et al. 2013). Linear.
    pub(super) fn subtract(&mut self, cut: W) {
        let level = self.floor.saturating_add(cut);
        self.sweep(|_, bucket| places_above(bucket, level));
        self.raise_floor(level);
    }

    /// Subtracts `cut` from all counters, of which only these are [above](Self::above) it.
    pub(super) fn subtract_from(&mut self, cut: W, above: &Above) {
        self.sweep(|bucket, _| above.places.get(bucket).copied().unwrap_or(0));
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
        self.sweep(|_, bucket| {
            let mut left = 0;
            for (place, slot) in bucket.iter_mut().enumerate() {
                if let Some(entry) = slot {
                    let scaled = (W::of(entry.height) * factor).positive();
                    left |= u32::from(scaled.is_some()) << place;
                    entry.height = scaled.unwrap_or(entry.height);
                }
            }
            left
        });
    }

    /// Keeps only the places of each bucket that are given, if they are taken.
    fn sweep(&mut self, mut keep: impl FnMut(usize, &mut [Slot<K, W>; BUCKET]) -> u32) {
        let mut displaced = Vec::new();
        let is_full = |tags: &Tags| tags.vacancies() == 0;
        let mut after_full = self.tags.last().is_some_and(is_full);
        for bucket in 0..self.slots.len() / BUCKET {
            let full = is_full(&self.tags[bucket]);
            let (slots, _) = self.slots.as_chunks_mut();
            let left = keep(bucket, &mut slots[bucket]);
            self.leave(bucket, left & self.tags[bucket].taken());
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
                displaced.extend(self.slots[slot].take());
            }
        }
        self.leave(bucket, left);
    }

    /// Books that only these of the places of a bucket are taken any more.
    #[inline]
    fn leave(&mut self, bucket: usize, left: u32) {
        let tags = &mut self.tags[bucket];
        self.live -= (tags.taken() & !left).count_ones() as usize;
        *tags = tags.only(left);
    }
}
