//! The core of the samplers without replacement: the items of smallest rank.
//!
//! A bottom-k sample draws a random rank for every item and keeps the k items of smallest rank, with the
//! (k+1)-th smallest rank, the *threshold*. The distribution of the ranks determines the kind of sample.
//! Nothing here depends on it.
//!
//! # Why merging is exact
//!
//! The k+1 smallest ranks of two disjoint streams are among the k+1 smallest ranks of each. So the
//! smallest ranks of both sides are exactly those of one pass over both streams with the same ranks, and
//! any tree of merges over the same leaves gives the same items.
//!
//! # Panics of items
//!
//! An item whose `Drop` panics is code of the caller. So items that are left out are dropped last, when the
//! sample is whole again.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::mem;

use super::rank::Rank;

/// The fewest accepted items that are gathered before the threshold is lowered, also in smaller
/// samples.
pub(crate) const FEWEST_GATHERED: usize = 8;

/// Panics if `capacity` is 0.
#[track_caller]
pub(crate) fn check_capacity(capacity: usize) {
    assert!(capacity > 0, "the capacity of a sample must be at least 1");
}

/// An item with its rank, ordered by rank alone.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Entry<K, T> {
    pub(crate) rank: K,
    pub(crate) item: T,
}

impl<K: Rank, T> Ord for Entry<K, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.order(&other.rank)
    }
}

impl<K: Rank, T> PartialOrd for Entry<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Rank, T> PartialEq for Entry<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K: Rank, T> Eq for Entry<K, T> {}

/// The items of the `capacity` smallest ranks offered so far.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "StoredBottomK<K, T>",
        bound(
            serialize = "K: Rank + serde::Serialize, T: serde::Serialize",
            deserialize = "K: Rank + serde::Deserialize<'de>, T: serde::Deserialize<'de>"
        )
    )
)]
pub(crate) struct BottomK<K, T> {
    /// At least 1.
    capacity: usize,
    /// The (capacity+1)-th smallest rank; `None` until that many items were offered, which are all kept.
    threshold: Option<K>,
    /// The sample, largest rank on top: all of it, or exactly `capacity` entries once there is a
    /// threshold (fewer only while [`BottomK::from_candidates`] set one beforehand). No rank is
    /// above the threshold.
    entries: BinaryHeap<Entry<K, T>>,
}

impl<K: Rank, T> BottomK<K, T> {
    /// # Panics
    ///
    /// Panics if `capacity` is 0.
    #[track_caller]
    pub(crate) fn new(capacity: usize) -> Self {
        check_capacity(capacity);
        Self {
            capacity,
            threshold: None,
            entries: BinaryHeap::new(),
        }
    }

    /// The sample of the candidates of smallest rank. All other ranks are known to be at least
    /// `threshold`.
    pub(crate) fn from_candidates(
        capacity: usize,
        candidates: Vec<Entry<K, T>>,
        threshold: Option<K>,
    ) -> Self {
        let mut sample = Self {
            capacity,
            threshold,
            entries: BinaryHeap::new(),
        };
        sample.select_all(candidates);
        sample
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The smallest rank that was left out; `None` if none was.
    pub(crate) fn threshold(&self) -> Option<K> {
        self.threshold
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, Entry<K, T>> {
        self.entries.as_slice().iter()
    }

    pub(crate) fn into_entries(self) -> Vec<Entry<K, T>> {
        self.entries.into_vec()
    }

    /// Lowers the capacity.
    pub(crate) fn limit(&mut self, capacity: usize) {
        self.capacity = capacity;
        let candidates = mem::take(&mut self.entries).into_vec();
        self.select_all(candidates);
    }

    /// Converts every item.
    pub(crate) fn map<U>(self, mut make: impl FnMut(T) -> U) -> BottomK<K, U> {
        let entries = self.entries.into_iter();
        BottomK {
            capacity: self.capacity,
            threshold: self.threshold,
            entries: entries
                .map(|Entry { rank, item }| Entry {
                    rank,
                    item: make(item),
                })
                .collect(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.threshold = None;
        self.entries.clear();
    }

    /// Offers one item. Returns the item that is left out, if one is. O(log capacity); a rank not below the
    /// threshold changes nothing.
    pub(crate) fn offer(&mut self, rank: K, item: T) -> Option<T> {
        if self
            .threshold
            .is_some_and(|threshold| rank.order(&threshold).is_ge())
        {
            return Some(item);
        }
        if self.entries.len() < self.capacity {
            self.make_room();
            self.entries.push(Entry { rank, item });
            return None;
        }
        let mut left_out = Entry { rank, item };
        if let Some(mut top) = self.entries.peek_mut() {
            // The new threshold is the larger rank: that of the newcomer or of the top.
            if left_out.rank.order(&top.rank).is_lt() {
                mem::swap(&mut *top, &mut left_out);
            }
        }
        self.threshold = Some(left_out.rank);
        Some(left_out.item)
    }

    /// Offers entries whose ranks are all below the threshold, and clears the vector.
    /// O(entries * log capacity) or O(entries + capacity), whichever is less.
    pub(crate) fn absorb(&mut self, entries: &mut Vec<Entry<K, T>>) {
        let levels = self.capacity.checked_ilog2().unwrap_or(0) as usize;
        if entries.len().saturating_mul(levels) < self.capacity {
            let offers = entries.drain(..);
            let left_out: Vec<T> = offers
                .filter_map(|entry| self.offer(entry.rank, entry.item))
                .collect();
            drop(left_out);
        } else {
            let mut candidates = mem::take(&mut self.entries).into_vec();
            candidates.append(entries);
            self.select_all(candidates);
        }
    }

    /// Keeps the smallest ranks of both sides. O(capacity).
    ///
    /// The new capacity is the smallest capacity of the sides that have entries.
    pub(crate) fn merge(&mut self, mut other: Self) {
        match (self.entries.is_empty(), other.entries.is_empty()) {
            (true, true) => self.capacity = self.capacity.min(other.capacity),
            (_, true) => {}
            (true, false) => *self = other,
            (false, false) => {
                if self.entries.len() < other.entries.len() {
                    mem::swap(self, &mut other);
                }
                self.merge_entries(other);
            }
        }
    }

    fn merge_entries(&mut self, other: Self) {
        self.capacity = self.capacity.min(other.capacity);
        self.threshold = match (self.threshold, other.threshold) {
            (Some(a), Some(b)) => Some(if a.order(&b).is_le() { a } else { b }),
            (a, b) => a.or(b),
        };
        let mut candidates = mem::take(&mut self.entries).into_vec();
        candidates.append(&mut other.entries.into_vec());
        let below = move_first(&mut candidates, |entry| match &self.threshold {
            Some(threshold) => entry.rank.order(threshold).is_le(),
            None => true,
        });
        self.select(candidates, below);
    }

    fn select_all(&mut self, candidates: Vec<Entry<K, T>>) {
        let all = candidates.len();
        self.select(candidates, all);
    }

    /// Makes the entries of smallest rank of the first `number` candidates the sample, at most `capacity`.
    fn select(&mut self, mut candidates: Vec<Entry<K, T>>, number: usize) {
        if number > self.capacity {
            let (_, cut, _) = candidates[..number].select_nth_unstable(self.capacity);
            self.threshold = Some(cut.rank);
        }
        let kept = number.min(self.capacity);
        let left_out = candidates.len() > kept;
        let mut sample = Refill {
            entries: &mut self.entries,
            candidates,
        };
        if left_out {
            sample.candidates.truncate(kept);
            sample.candidates.shrink_to(self.capacity);
        }
    }

    /// Grows by doubling, but never beyond the capacity, so that a full sample wastes no memory.
    fn make_room(&mut self) {
        let len = self.entries.len();
        if len == self.entries.capacity() {
            let additional = len.max(4).min(self.capacity - len);
            self.entries.reserve_exact(additional);
        }
    }

    /// A sample that was read back, or the invariant that it breaks.
    #[cfg(feature = "serde")]
    pub(crate) fn from_parts(
        capacity: usize,
        threshold: Option<K>,
        entries: BinaryHeap<Entry<K, T>>,
    ) -> Result<Self, &'static str> {
        let full = entries.len() == capacity;
        let ranks = || entries.iter().map(|entry| &entry.rank);
        if capacity == 0 {
            Err("the capacity of a sample is 0")
        } else if entries.len() > capacity {
            Err("a sample holds more items than its capacity")
        } else if !ranks().chain(&threshold).all(Rank::is_valid) {
            Err("a rank is out of range")
        } else if threshold.is_some_and(|at| !full || ranks().any(|rank| rank.order(&at).is_gt())) {
            Err("the threshold does not fit the ranks of the sample")
        } else {
            Ok(Self {
                capacity,
                threshold,
                entries,
            })
        }
    }
}

/// Makes the candidates the entries when it is dropped, also if dropping some of them panics.
struct Refill<'a, K: Rank, T> {
    entries: &'a mut BinaryHeap<Entry<K, T>>,
    candidates: Vec<Entry<K, T>>,
}

impl<K: Rank, T> Drop for Refill<'_, K, T> {
    fn drop(&mut self) {
        *self.entries = BinaryHeap::from(mem::take(&mut self.candidates));
    }
}

/// Moves the wanted ones to the front, in their order. Returns their number.
fn move_first<E>(all: &mut [E], is_wanted: impl Fn(&E) -> bool) -> usize {
    let mut wanted = 0;
    for at in 0..all.len() {
        if is_wanted(&all[at]) {
            all.swap(wanted, at);
            wanted += 1;
        }
    }
    wanted
}

/// The stored form of a [`BottomK`].
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct StoredBottomK<K, T> {
    capacity: usize,
    threshold: Option<K>,
    entries: Vec<Entry<K, T>>,
}

#[cfg(feature = "serde")]
impl<K: Rank, T> TryFrom<StoredBottomK<K, T>> for BottomK<K, T> {
    type Error = &'static str;

    fn try_from(stored: StoredBottomK<K, T>) -> Result<Self, Self::Error> {
        let entries = BinaryHeap::from(stored.entries);
        Self::from_parts(stored.capacity, stored.threshold, entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::rank::UniformRank;

    /// Calls `visit` with every permutation of `0..n` (Heap's algorithm).
    fn permutations(n: usize, visit: &mut impl FnMut(&[usize])) {
        fn step(order: &mut [usize], k: usize, visit: &mut impl FnMut(&[usize])) {
            if k <= 1 {
                return visit(order);
            }
            for i in 0..k {
                step(order, k - 1, visit);
                order.swap(if k.is_multiple_of(2) { i } else { 0 }, k - 1);
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        step(&mut order, n, visit);
    }

    #[test]
    fn entries_are_equal_if_their_ranks_are() {
        let entry = |rank, item| Entry {
            rank: UniformRank(rank),
            item,
        };
        assert_eq!(entry(0.5, 'a').cmp(&entry(0.5, 'b')), Ordering::Equal);
        assert!(entry(0.5, 'a') == entry(0.5, 'b'));
        assert!(entry(0.5, 'a') != entry(0.25, 'a'));
    }

    fn sample_of(
        k: usize,
        ranks: &[usize],
        items: core::ops::Range<usize>,
    ) -> BottomK<UniformRank, usize> {
        let mut core = BottomK::new(k);
        for item in items {
            let _ = core.offer(UniformRank(ranks[item] as f64), item);
        }
        core
    }

    fn held(core: &BottomK<UniformRank, usize>) -> Vec<usize> {
        let mut items: Vec<_> = core.iter().map(|entry| entry.item).collect();
        items.sort_unstable();
        items
    }

    /// Of all orders of the ranks, an exact share of k/n holds each item and an exact share of
    /// k(k-1)/(n(n-1)) each pair, before and after a merge of any two parts.
    #[test]
    fn every_item_and_every_pair_is_held_in_its_exact_share_of_all_rank_orders() {
        for n in 1..=7usize {
            for k in 1..=n {
                for cut in 0..=n {
                    let mut orders = 0;
                    let mut joint = [[0; 7]; 7];
                    permutations(n, &mut |ranks| {
                        let mut core = sample_of(k, ranks, 0..cut);
                        core.merge(sample_of(k, ranks, cut..n));
                        let items = held(&core);
                        assert_eq!(items.len(), k);
                        for &a in &items {
                            for &b in &items {
                                joint[a][b] += 1;
                            }
                        }
                        orders += 1;
                    });
                    for (a, row) in joint.iter().enumerate().take(n) {
                        for (b, &count) in row.iter().enumerate().take(n) {
                            if a == b {
                                assert_eq!(count * n, orders * k, "item {a} of {n}, k {k}");
                            } else {
                                assert_eq!(count * n * (n - 1), orders * k * (k - 1));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_merge_tree_of_any_shape_and_capacities_gives_the_bottom_of_all_ranks() {
        permutations(6, &mut |ranks| {
            let part = |k, items| sample_of(k, ranks, items);
            for (ka, kb, kc) in [(2, 2, 2), (1, 3, 2), (3, 1, 6), (4, 2, 2)] {
                let mut left = part(ka, 0..1);
                left.merge(part(kb, 1..4));
                left.merge(part(kc, 4..6));
                let mut right = part(kc, 4..6);
                right.merge(part(ka, 0..1));
                let mut outer = part(kb, 1..4);
                outer.merge(right);
                let k = ka.min(kb).min(kc);
                let mut direct = sample_of(k, ranks, 0..6);
                assert_eq!(held(&left), held(&direct));
                assert_eq!(held(&outer), held(&direct));
                let threshold = |core: &BottomK<UniformRank, usize>| core.threshold().map(|t| t.0);
                assert_eq!(threshold(&left), threshold(&direct));
                assert_eq!(threshold(&outer), threshold(&direct));
                direct.merge(BottomK::new(1));
                assert_eq!((direct.capacity(), direct.len()), (k, k));
            }
        });
    }

    #[test]
    fn a_full_sample_has_no_spare_memory_and_an_empty_one_none_at_all() {
        let mut core = BottomK::new(1_000);
        assert_eq!(core.entries.capacity(), 0);
        for i in 0..5_000u32 {
            let _ = core.offer(UniformRank(f64::from(i % 977)), i);
        }
        assert_eq!(core.entries.capacity(), 1_000);
        assert_eq!(
            BottomK::<UniformRank, u8>::new(usize::MAX)
                .entries
                .capacity(),
            0
        );
    }
}
