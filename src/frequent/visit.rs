//! Iteration over all counters.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use super::counters::{Counters, Slot, count_above};
use super::tags::{BUCKET, Tags};
use super::weight::Weight;

/// The number of buckets by which memory is read ahead.
const AHEAD: usize = 2;

impl<K, W: Weight, S> Counters<K, W, S> {
    /// All buckets.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (Tags, &[Slot<K, W>; BUCKET])> {
        let (slots, _) = self.slots.as_chunks();
        self.tags.iter().copied().zip(slots)
    }

    /// All keys with their counters, in the order of the table, which depends on its history.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, W)> {
        self.buckets().flat_map(|(tags, bucket)| {
            let taken = tags.taken_places();
            let entries = taken.filter_map(|place| bucket[place].as_ref());
            entries.map(|entry| (&entry.key, count_above(self.floor, entry)))
        })
    }

    /// All counters, in the order of the table.
    pub(super) fn counts(&self) -> impl Iterator<Item = W> {
        self.iter().map(|(_, count)| count)
    }

    /// The number of counters that are at least `cut`.
    pub(super) fn reaching(&self, cut: W) -> usize {
        self.counts().filter(|&count| count >= cut).count()
    }

    /// The counter at position `ahead` when all are sorted from the largest down.
    pub(super) fn largest(&self, ahead: usize) -> W {
        // Every place is written; the next write overwrites a vacant one. So there is no branch.
        let mut counts = vec![W::ZERO; self.live + 1];
        let mut found = 0;
        for (tags, bucket) in self.buckets() {
            let taken = tags.taken();
            for (place, slot) in bucket.iter().enumerate() {
                counts[found] = self.count(slot);
                found += (taken >> place & 1) as usize;
            }
        }
        counts.truncate(found);
        let (_, &mut counter, _) = counts.select_nth_unstable_by(ahead, |a, b| b.compare(a));
        counter
    }

    /// The first slot with this counter.
    pub(super) fn slot_with(&self, wanted: W) -> Option<usize> {
        let mut slots = self.buckets().enumerate().flat_map(|(bucket, (tags, _))| {
            let taken = tags.taken_places();
            taken.map(move |place| bucket * BUCKET + place)
        });
        slots.find(|&slot| self.count(&self.slots[slot]) == wanted)
    }

    /// Consumes the table and visits all entries in its order, which is about that of their hashes. Only
    /// insert them into a table that has room: a table that grows would fill its first buckets long before
    /// the others, and each key would search through all full buckets.
    pub(super) fn drain(self, mut visit: impl FnMut(K, W)) {
        // Moved out of the vector and not replaced by `None`: that would write to memory that is about to
        // be freed.
        let mut slots = self.slots.into_iter();
        let mut passed = 0;
        for (bucket, tags) in self.tags.into_iter().enumerate() {
            read(slots.as_slice(), (bucket + AHEAD) * BUCKET - passed);
            for place in tags.taken_places() {
                let slot = bucket * BUCKET + place;
                if let Some(Some(entry)) = slots.nth(slot - passed) {
                    let count = count_above(self.floor, &entry);
                    visit(entry.key, count);
                }
                passed = slot + 1;
            }
        }
    }

    /// The taken slots in the order of the whole hashes of their keys. It depends on the keys and the
    /// hasher only, not on the table.
    fn ordered(&self) -> vec::IntoIter<usize> {
        let Some(whole_hash) = self.whole_hash else {
            return Vec::new().into_iter();
        };
        let mut order = Vec::with_capacity(self.live);
        for (bucket, (tags, slots)) in self.buckets().enumerate() {
            for place in tags.taken_places() {
                let Some(entry) = &slots[place] else { continue };
                order.push((
                    whole_hash(&self.hasher, &entry.key),
                    bucket * BUCKET + place,
                ));
            }
        }
        order.sort_unstable();
        let slots: Vec<usize> = order.into_iter().map(|(_, slot)| slot).collect();
        slots.into_iter()
    }

    /// All keys with their counters, in the order of the keys' hashes.
    pub(super) fn visit(&self) -> Visit<'_, K, W> {
        Visit {
            slots: &self.slots,
            floor: self.floor,
            order: self.ordered(),
        }
    }

    /// Consumes the table and returns all keys with their counters, in the order of the keys' hashes.
    pub(super) fn into_entries(mut self) -> Vec<(K, W)> {
        let order = self.ordered();
        let entries = order.filter_map(|slot| self.slots[slot].take());
        let floor = self.floor;
        entries
            .map(|entry| {
                let count = count_above(floor, &entry);
                (entry.key, count)
            })
            .collect()
    }
}

/// Reads one slot per cache line of the bucket after `skipped` slots, so that all lines are fetched in
/// parallel.
#[inline]
fn read<T>(slots: &[Option<T>], skipped: usize) {
    const LINE: usize = 64;
    let ahead = slots.get(skipped..).and_then(<[_]>::first_chunk::<BUCKET>);
    if let Some(bucket) = ahead {
        let lines = bucket
            .iter()
            .step_by((LINE / size_of::<Option<T>>()).max(1));
        black_box(lines.fold(false, |seen, slot| seen | slot.is_some()));
    }
}

/// All keys of a table with their counters, in the order of the keys' hashes.
#[derive(Debug)]
pub(super) struct Visit<'a, K, W: Weight> {
    slots: &'a [Slot<K, W>],
    floor: W,
    order: vec::IntoIter<usize>,
}

impl<K, W: Weight> Clone for Visit<'_, K, W> {
    fn clone(&self) -> Self {
        Self {
            slots: self.slots,
            floor: self.floor,
            order: self.order.clone(),
        }
    }
}

impl<'a, K, W: Weight> Iterator for Visit<'a, K, W> {
    type Item = (&'a K, W);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.slots[self.order.next()?].as_ref()?;
        Some((&entry.key, count_above(self.floor, entry)))
    }
}
