//! Building a summary from decoded parts, which may be hostile.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::counters::Counters;
use super::misra_gries::{MisraGries, is_capacity};
use super::weight::Weight;

/// The parts of a summary as they were found in some encoding.
pub(crate) struct Parts<K, W> {
    pub(crate) k: usize,
    pub(crate) total: W,
    pub(crate) max_error: W,
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
        if self.counters.len() > self.k {
            return Err("more counters than k");
        }
        if self.total.validate().is_err() || self.max_error.validate().is_err() {
            return Err("total weight or error is no weight");
        }
        self.check_weights()?;
        let mut counters = Counters::new();
        counters.reserve(self.counters.len());
        let expected = self.counters.len();
        for (key, counter) in self.counters {
            let hash = hasher.hash_one(&key);
            counters.add_owned(hash, key, counter);
        }
        if counters.len() != expected {
            return Err("a key occurs twice");
        }
        Ok(MisraGries {
            k: self.k,
            total: self.total,
            max_error: self.max_error,
            counters,
            hasher,
        })
    }

    /// Checks that the counters and k + 1 times the error do not exceed the total.
    fn check_weights(&self) -> Result<(), &'static str> {
        let mut explained = self.max_error.saturating_times(self.k + 1);
        for &(_, counter) in &self.counters {
            if counter.validate().is_err() || counter == W::ZERO {
                return Err("a counter is not a positive weight");
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
