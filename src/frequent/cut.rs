//! The cut, which a reduction subtracts: the (k+1)-th largest counter, or a little less.

use core::sync::atomic::{AtomicUsize, Ordering};

/// A cache of the slot of the (k+1)-th largest counter.
///
/// Queries take a shared reference, so this is atomic. Threads that query at once all write the same
/// slot. It is a field of the counters, whose methods reset it to [`unknown`](Self::unknown).
#[derive(Debug)]
pub(super) struct PendingCut(AtomicUsize);

/// Not a slot: tables are smaller.
const UNKNOWN: usize = usize::MAX;

impl PendingCut {
    #[inline]
    pub(super) const fn unknown() -> Self {
        Self(AtomicUsize::new(UNKNOWN))
    }

    /// The slot, if it is known.
    pub(super) fn slot(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&slot| slot != UNKNOWN)
    }

    pub(super) fn set(&self, slot: Option<usize>) {
        self.0.store(slot.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }
}

impl Clone for PendingCut {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}
