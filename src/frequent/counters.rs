//! The table of counters, and the one operation that shrinks it.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::slice;

use super::weight::Weight;
use crate::table::{Entry, OrderedTable};

/// A weight for each of some keys; knows nothing of error bounds.
#[derive(Clone, Debug)]
pub(super) struct Counters<K, W> {
    /// Every value is positive outside of this module.
    table: OrderedTable<K, W>,
}

impl<K, W: Weight> Counters<K, W> {
    pub(super) const fn new() -> Self {
        Self {
            table: OrderedTable::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
    }

    pub(super) fn reserve(&mut self, additional: usize) {
        self.table.reserve(additional);
    }

    pub(super) fn iter(&self) -> Iter<'_, K, W> {
        Iter(self.table.entries().iter())
    }

    pub(super) fn into_vec(self) -> Vec<(K, W)> {
        let entries = self.table.into_entries();
        entries.into_iter().map(|e| (e.key, e.value)).collect()
    }

    /// The counter of `key`; zero if it has none.
    #[inline]
    pub(super) fn get<Q>(&self, hash: u64, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = self.table.find(hash, key);
        found.map_or(W::ZERO, |at| self.table.entries()[at].value)
    }

    /// Adds a positive weight to the counter of `key`, made if there is none.
    #[inline]
    pub(super) fn add_owned(&mut self, hash: u64, key: K, weight: W)
    where
        K: Eq,
    {
        let at = self.table.insert(hash, key, || W::ZERO);
        let counter = self.table.value_mut(at);
        *counter = counter.saturating_add(weight);
    }

    /// As [`add_owned`](Self::add_owned); the key is cloned only if there is no counter for it.
    #[inline]
    pub(super) fn add_ref<Q>(&mut self, hash: u64, key: &Q, weight: W)
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.table.find(hash, key) {
            Some(at) => {
                let counter = self.table.value_mut(at);
                *counter = counter.saturating_add(weight);
            }
            None => {
                self.table.push_new(hash, key.to_owned(), weight);
            }
        }
    }

    /// Subtracts the (k+1)-th largest counter from all and drops those that are then not positive
    /// (Agarwal et al. 2013). At most k stay. Returns what was subtracted. Linear.
    pub(super) fn reduce(&mut self, k: usize) -> W {
        if self.len() <= k {
            return W::ZERO;
        }
        let mut values: Vec<W> = self.table.entries().iter().map(|e| e.value).collect();
        let (_, &mut cut, _) = values.select_nth_unstable_by(k, |a, b| b.compare(a));
        self.table.retain(|_, counter| {
            let stays = *counter > cut;
            if stays {
                *counter = counter.minus(cut);
            }
            stays
        });
        cut
    }
}

/// The keys with their counters.
#[derive(Debug)]
pub(super) struct Iter<'a, K, W>(slice::Iter<'a, Entry<K, W>>);

impl<K, W> Clone for Iter<'_, K, W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'a, K, W: Copy> Iterator for Iter<'a, K, W> {
    type Item = (&'a K, W);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (&entry.key, entry.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(weights: &[u64]) -> Counters<usize, u64> {
        let mut counters = Counters::new();
        for (key, &weight) in weights.iter().enumerate() {
            counters.add_owned(key as u64, key, weight);
        }
        counters
    }

    #[test]
    fn reduce_subtracts_the_first_counter_beyond_k() {
        let mut counters = filled(&[5, 1, 3, 9]);
        assert_eq!(counters.reduce(2), 3);
        assert_eq!(counters.into_vec(), [(0, 2), (3, 6)]);
    }

    #[test]
    fn reduce_may_drop_more_than_it_must_when_counters_are_equal() {
        let mut counters = filled(&[2, 2, 2]);
        assert_eq!(counters.reduce(2), 2);
        assert_eq!(counters.len(), 0);
    }

    #[test]
    fn reduce_leaves_k_counters_alone() {
        let mut counters = filled(&[5, 1]);
        assert_eq!(counters.reduce(2), 0);
        assert_eq!(counters.get(1, &1), 1);
        assert_eq!(counters.get(7, &7), 0);
    }
}
