//! Building a summary from decoded parts, which may be malicious.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::misra_gries::{MisraGries, Steps, is_capacity};
use super::weight::Weight;

/// The decoded parts of a summary.
pub(crate) struct Parts<K, W> {
    pub(super) k: usize,
    pub(super) total: W,
    pub(super) subtracted: W,
    pub(super) steps: Steps,
    pub(super) likely_cut: W,
    pub(super) counters: Vec<(K, W)>,
}

#[cfg(feature = "datasketches")]
impl<K> Parts<K, u64> {
    /// The parts of a summary of arbitrary weights, with the largest k up to `most` for which they satisfy
    /// the guarantee.
    pub(crate) fn of_any_weights(
        most: usize,
        total: u64,
        subtracted: u64,
        counters: Vec<(K, u64)>,
    ) -> Self {
        let counted = counters
            .iter()
            .fold(0, |sum: u64, (_, counter)| sum.saturating_add(*counter));
        let k = match total.saturating_sub(counted).checked_div(subtracted) {
            None => most,
            // sum + (k + 1) * subtracted <= total
            Some(steps) => most.min(usize::try_from(steps).unwrap_or(most).saturating_sub(1)),
        };
        Self {
            k,
            total,
            subtracted,
            steps: Steps::Weighted,
            likely_cut: 0,
            counters,
        }
    }
}

impl<K: Hash + Eq, W: Weight> Parts<K, W> {
    /// Builds the summary, or returns the invariant that the parts break.
    #[cfg(feature = "serde")]
    pub(crate) fn assemble<S: BuildHasher>(
        self,
        hasher: S,
    ) -> Result<MisraGries<K, W, S>, &'static str> {
        let summary = self.assemble_unsettled(hasher)?;
        if summary.counters.len() > summary.most_counters() {
            return Err("there are more counters than k allows");
        }
        Ok(summary)
    }

    /// Like [`assemble`](Self::assemble), but reduces the counters if there are too many.
    #[cfg(feature = "datasketches")]
    pub(crate) fn assemble_settled<S: BuildHasher>(
        self,
        hasher: S,
    ) -> Result<MisraGries<K, W, S>, &'static str> {
        let mut summary = self.assemble_unsettled(hasher)?;
        summary.settle();
        Ok(summary)
    }

    fn assemble_unsettled<S: BuildHasher>(
        self,
        hasher: S,
    ) -> Result<MisraGries<K, W, S>, &'static str> {
        if !is_capacity(self.k) {
            return Err("the number of counters is out of range");
        }
        let weights = [self.total, self.subtracted, self.likely_cut];
        if weights.iter().any(|weight| weight.validate().is_err()) {
            return Err("the total weight or the error is not a valid weight");
        }
        self.check_weights()?;
        let mut summary = MisraGries::with_hasher(self.k, hasher);
        summary.total = self.total;
        summary.subtracted = self.subtracted;
        summary.steps = self.steps;
        summary.likely_cut = self.likely_cut;
        let expected = self.counters.len();
        for (key, counter) in self.counters {
            let hash = summary.counters.hash(&key);
            summary.counters.add(hash, key, counter, expected);
        }
        if summary.counters.len() == expected {
            Ok(summary)
        } else {
            Err("a key occurs twice")
        }
    }

    /// Checks that the counters and k + 1 times the error do not exceed the total.
    fn check_weights(&self) -> Result<(), &'static str> {
        let mut explained = self.subtracted.saturating_times(self.k + 1);
        for &(_, counter) in &self.counters {
            if counter.validate().is_err() || counter == W::ZERO {
                return Err("a counter is not a positive weight");
            }
            if self.steps != Steps::Weighted && !counter.is_whole() {
                return Err("a counter of weights of one is not a whole number");
            }
            explained = explained.saturating_add(counter);
        }
        if explained.at_most_rounded(self.total) {
            Ok(())
        } else {
            Err("the counters and the error exceed the total weight")
        }
    }
}
