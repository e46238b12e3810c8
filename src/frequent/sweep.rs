//! The step that subtracts from all counters and drops those that vanish.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::counters::{Counters, Entry};
use super::tags::{BUCKET, Tags};
use super::weight::Weight;

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// Subtracts `cut` from all counters and drops those that are then not positive
    /// (Agarwal et al. 2013). Linear.
    pub(super) fn subtract(&mut self, cut: W) {
        self.sweep(|count| count.saturating_minus(cut));
    }

    /// Multiplies all counters, and drops those that become zero.
    pub(super) fn scale(&mut self, factor: W)
    where
        W: core::ops::Mul<Output = W>,
    {
        self.sweep(|count| count * factor);
    }

    /// Lowers all counters, and drops those that are then zero.
    fn sweep(&mut self, lower: impl Fn(W) -> W) {
        let mut displaced = Vec::new();
        let is_full = |tags: &Tags| tags.vacancies() == 0;
        let mut after_full = self.tags.last().is_some_and(is_full);
        for bucket in 0..self.slots.len() / BUCKET {
            let full = is_full(&self.tags[bucket]);
            self.sweep_bucket(bucket, &lower);
            if after_full {
                self.take_displaced(bucket, &mut displaced);
            }
            after_full = full;
        }
        for entry in displaced {
            self.place(entry);
        }
    }

    /// Takes no branch that depends on a counter.
    #[inline]
    fn sweep_bucket(&mut self, bucket: usize, lower: impl Fn(W) -> W) {
        let mut left = 0;
        for (place, slot) in self.slots[bucket * BUCKET..][..BUCKET]
            .iter_mut()
            .enumerate()
        {
            if let Some(entry) = slot {
                let lowered = lower(W::of(entry.count)).positive();
                left |= u32::from(lowered.is_some()) << place;
                entry.count = lowered.unwrap_or(entry.count);
            }
        }
        self.leave(bucket, left & self.tags[bucket].taken());
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
