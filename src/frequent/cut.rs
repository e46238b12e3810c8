//! The cut, which a reduction subtracts: the (k+1)-th largest counter, or a little less.

use alloc::vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::counters::Counters;
use super::weight::Weight;

/// A cache of the slot of the (k+1)-th largest counter.
///
/// Queries take a shared reference, so this is atomic. Threads that query at once all write the same
/// slot. Code that changes a counter resets it to [`unknown`](Self::unknown).
#[derive(Debug)]
pub(super) struct PendingCut(AtomicUsize);

/// Not a slot: tables are smaller.
const UNKNOWN: usize = usize::MAX;

impl PendingCut {
    #[inline]
    pub(super) const fn unknown() -> Self {
        Self(AtomicUsize::new(UNKNOWN))
    }

    /// The (k+1)-th largest counter of more than k. The first call after a change is O(size of the table).
    pub(super) fn get<K, W: Weight, S>(&self, counters: &Counters<K, W, S>, k: usize) -> W {
        if let Some(slot) = self.slot() {
            return counters.count(&counters.slots[slot]);
        }
        let cut = counters.largest(k);
        let slot = counters.slot_with(cut);
        self.0.store(slot.unwrap_or(UNKNOWN), Ordering::Relaxed);
        cut
    }

    /// The cached slot, if there is one.
    pub(super) fn slot(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&slot| slot != UNKNOWN)
    }
}

impl Clone for PendingCut {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

impl<K, W: Weight, S> Counters<K, W, S> {
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
}
