//! The reduction that is still to come, remembered between questions.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::counters::Entry;
use super::weight::Weight;

/// Where the (k+1)-th largest counter is, once somebody has asked.
///
/// A summary is asked through a shared reference, so this is atomic; threads that ask at once all
/// write the same. Whoever changes a counter puts [`unknown`](Self::unknown) in its place.
#[derive(Debug)]
pub(super) struct PendingCut(AtomicUsize);

/// No position: vectors are shorter.
const UNKNOWN: usize = usize::MAX;

impl PendingCut {
    #[inline]
    pub(super) const fn unknown() -> Self {
        Self(AtomicUsize::new(UNKNOWN))
    }

    /// The (k+1)-th largest counter; there are more than k. Linear when asked for the first time.
    pub(super) fn get<K, W: Weight>(&self, entries: &[Entry<K, W>], k: usize) -> W {
        let known = self.0.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return entries[known].count;
        }
        let mut ranked: Vec<(W, usize)> = entries
            .iter()
            .enumerate()
            .map(|(position, entry)| (entry.count, position))
            .collect();
        let (_, &mut (cut, position), _) =
            ranked.select_nth_unstable_by(k, |a, b| b.0.compare(&a.0));
        self.0.store(position, Ordering::Relaxed);
        cut
    }
}

impl Clone for PendingCut {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}
