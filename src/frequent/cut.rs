//! What a reduction subtracts: the (k+1)-th largest counter, or a little less.

use alloc::vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::counters::{Counters, count};
use super::misra_gries::MisraGries;
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
        let known = self.0.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return count(&counters.slots[known]);
        }
        let cut = counters.largest(k);
        let slot = counters.slot_with(cut);
        self.0.store(slot.unwrap_or(UNKNOWN), Ordering::Relaxed);
        cut
    }
}

impl Clone for PendingCut {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

impl<K, W: Weight, S> Counters<K, W, S> {
    /// The counter that so many are ahead of when all are sorted from the largest down.
    fn largest(&self, ahead: usize) -> W {
        // Each is written, and the next over it if its place is vacant: no branch to go wrong.
        let mut counts = vec![W::ZERO; self.live + 1];
        let mut found = 0;
        for (tags, bucket) in self.buckets() {
            let taken = tags.taken();
            for (place, slot) in bucket.iter().enumerate() {
                counts[found] = count::<K, W>(slot);
                found += (taken >> place & 1) as usize;
            }
        }
        counts.truncate(found);
        let (_, &mut counter, _) = counts.select_nth_unstable_by(ahead, |a, b| b.compare(a));
        counter
    }
}

impl<K, W: Weight, S> MisraGries<K, W, S> {
    /// A cut for the reduction of a full buffer, found in one visit of the counters if the last one
    /// serves again.
    ///
    /// Any cut that k + 1 counters reach keeps the promise, for they lose it all. What it has to do
    /// besides is to drop a good part of the surplus, or the next reduction would follow too soon.
    pub(super) fn cheap_cut(&mut self) -> W {
        let (len, surplus) = (self.counters.len(), self.counters.len() - self.k);
        let buffer = self.most_counters() - self.k;
        // One and a half standard deviations of a rank, as far as what is left fits the buffer, and
        // of a small surplus no more than a half.
        let margin = (libm::sqrt(surplus as f64) * 1.5) as usize;
        let margin = margin.min(surplus / 2).min(buffer);
        if self.likely_cut > W::ZERO {
            let (reach, exceed) = self.counters.count_from(self.likely_cut);
            let likely = (surplus - surplus / 8).saturating_sub(2 * margin);
            let needed = surplus.div_ceil(4).max(surplus.saturating_sub(buffer));
            if reach > self.k && len - exceed >= likely.max(needed) {
                return self.likely_cut;
            }
        }
        // A little lower than it might be, so that it serves again.
        self.likely_cut = self.counters.largest(self.k + margin);
        self.likely_cut
    }
}
