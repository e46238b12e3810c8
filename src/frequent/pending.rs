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
        let mut counts: Vec<W> = entries.iter().map(|entry| entry.count).collect();
        let (_, &mut cut, _) = counts.select_nth_unstable_by(k, |a, b| b.compare(a));
        let position = entries.iter().position(|entry| entry.count == cut);
        self.0.store(position.unwrap_or(UNKNOWN), Ordering::Relaxed);
        cut
    }
}

/// A counter not larger than the (k+1)-th largest, and not far from it, found in a sample. To subtract it keeps the promise as the exact one would: k + 1 counters or more
/// lose it. `None` for tables too small to gain by this, and if the sample misled: if fewer would lose it,
/// or if fewer were dropped than half of those above k.
pub(super) fn rough_cut<K, W: Weight>(entries: &[Entry<K, W>], k: usize) -> Option<W> {
    const SAMPLE: usize = 256;
    /// About two standard deviations of a rank in the sample.
    const MARGIN: usize = 15;
    let stride = entries.len() / SAMPLE;
    let rank = (k + 1) / stride.max(1) + MARGIN;
    if stride < 4 || rank >= SAMPLE {
        return None;
    }
    let sample = entries.iter().step_by(stride).take(SAMPLE);
    let mut counts: Vec<W> = sample.map(|entry| entry.count).collect();
    let (_, &mut cut, _) = counts.select_nth_unstable_by(rank, |a, b| b.compare(a));
    let at_least = entries.iter().filter(|entry| entry.count >= cut).count();
    let above = entries.iter().filter(|entry| entry.count > cut).count();
    let drops_enough = entries.len() - above >= (entries.len() - k) / 2;
    (at_least > k && drops_enough).then_some(cut)
}

impl Clone for PendingCut {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}
