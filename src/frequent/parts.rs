//! Building a summary from decoded parts, which may be hostile.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::misra_gries::{MisraGries, Steps, is_capacity};
use super::weight::Weight;

/// The parts of a summary as they were found in some encoding.
pub(crate) struct Parts<K, W> {
    pub(crate) k: usize,
    pub(crate) total: W,
    pub(crate) subtracted: W,
    pub(crate) steps: Steps,
    pub(crate) counters: Vec<(K, W)>,
}

impl<K: Hash + Eq, W: Weight> Parts<K, W> {
    /// The summary with these parts, or which invariant they break.
    pub(crate) fn assemble<S: BuildHasher>(
        self,
        hasher: S,
    ) -> Result<MisraGries<K, W, S>, &'static str> {
        if !is_capacity(self.k) {
            return Err("number of counters out of range");
        }
        if self.total.validate().is_err() || self.subtracted.validate().is_err() {
            return Err("total weight or error is no weight");
        }
        let mut summary = MisraGries::with_hasher(self.k, hasher);
        summary.total = self.total;
        summary.subtracted = self.subtracted;
        summary.steps = self.steps;
        let most = summary.most_counters();
        if self.counters.len() > most {
            return Err("more counters than k allows");
        }
        self.check_weights()?;
        let expected = self.counters.len();
        for (key, counter) in self.counters {
            summary.counters.add(key, counter, most);
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
                return Err("a counter of whole weights is not whole");
            }
            explained = explained.saturating_add(counter);
        }
        if explained.at_most_rounded(self.total) {
            Ok(())
        } else {
            Err("counters and error exceed the total weight")
        }
    }
}
