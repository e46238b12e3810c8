//! What a reduction subtracts: the (k+1)-th largest counter, or a little less.

use alloc::vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::counters::Counters;
use super::weight::Weight;

/// In which slot the (k+1)-th largest counter is, once somebody has asked.
///
/// A summary is asked through a shared reference, so this is atomic; threads that ask at once all
/// write the same. Whoever changes a counter puts [`unknown`](Self::unknown) in its place.
#[derive(Debug)]
pub(super) struct PendingCut(AtomicUsize);

/// No position: tables are smaller.
const UNKNOWN: usize = usize::MAX;

impl PendingCut {
    #[inline]
    pub(super) const fn unknown() -> Self {
        Self(AtomicUsize::new(UNKNOWN))
    }

    /// The (k+1)-th largest counter; there are more than k. Linear when asked for the first time.
    pub(super) fn get<K, W: Weight, S>(&self, counters: &Counters<K, W, S>, k: usize) -> W {
        if let Some(slot) = self.slot() {
            return counters.count(&counters.slots[slot]);
        }
        let cut = counters.largest(k);
        let slot = counters.slot_with(cut);
        self.0.store(slot.unwrap_or(UNKNOWN), Ordering::Relaxed);
        cut
    }

    /// The slot found earlier; `None` if the cut is unknown.
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
    /// The counter that so many are ahead of when all are sorted from the largest down.
    pub(super) fn largest(&self, ahead: usize) -> W {
        // Each is written, and the next over it if its place is vacant: no branch to go wrong.
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
