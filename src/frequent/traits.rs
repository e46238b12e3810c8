//! Implementations of the standard traits, `Merge` and `Summary`.

use alloc::vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::FusedIterator;

use super::misra_gries::{MisraGries, Steps};
use super::row::Count;
use super::visit::Visit;
use super::weight::Weight;
use crate::summary::{Merge, Summary};

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Merge for MisraGries<K, W, S> {
    /// Adds the counters of `other`, then reduces them to k (Agarwal et al. 2013).
    ///
    /// The new k is the smallest k of the sides that were offered items. The guarantee is that of one
    /// summary of both streams with this k. If the total overflows `W`, it and the upper bounds saturate;
    /// lower bounds stay valid.
    ///
    /// O(number of counters of both sides).
    fn merge(&mut self, other: Self) {
        let room = self.counters.len() + other.counters.len();
        let steps = self.absorb(other, room);
        self.settle_in(steps);
        self.steps = steps;
    }

    /// Adds several summaries before each reduction. The guarantee is the same, and the error tends to be
    /// smaller. Temporarily needs memory for 4 k counters.
    fn merge_all<I: IntoIterator<Item = Self>>(summaries: I) -> Option<Self> {
        let mut summaries = summaries.into_iter();
        let mut merged = summaries.next()?;
        for summary in summaries {
            let room = 4 * merged.k + summary.counters.len();
            merged.steps = merged.absorb(summary, room);
            if merged.counters.len() > 4 * merged.k {
                merged.subtract(merged.cut());
            }
        }
        merged.settle();
        merged.counters.shrink(merged.most_counters());
        Some(merged)
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Adds the counters of `other` without a reduction: up to `room` counters. Returns the steps of both
    /// sides, to be set after the reduction. Until then they are those of weights, which allow more
    /// counters: a key may panic.
    fn absorb(&mut self, other: Self, room: usize) -> Steps {
        if other.is_untouched() {
            return self.steps;
        }
        let steps = if self.is_untouched() {
            self.k = other.k;
            other.steps
        } else {
            self.k = self.k.min(other.k);
            self.steps.max(other.steps).max(Steps::Merged)
        };
        self.steps = Steps::Weighted;
        self.total = self.total.saturating_add(other.total);
        self.subtracted = self.subtracted.saturating_add(other.subtracted);
        if self.likely_cut == W::ZERO {
            self.likely_cut = other.likely_cut;
        }
        let keys = self.counters.len() + other.counters.len();
        self.counters.reserve(keys.min(room), room);
        self.counters.absorb(other.counters, room);
        steps
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Summary for MisraGries<K, W, S> {
    type Item = K;

    #[inline]
    fn update(&mut self, item: K) {
        self.update_weighted(item, W::ONE);
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Extend<K> for MisraGries<K, W, S> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.update(key);
        }
    }
}

impl<'a, K: Hash + Eq + Copy, W: Weight, S: BuildHasher> Extend<&'a K> for MisraGries<K, W, S> {
    fn extend<I: IntoIterator<Item = &'a K>>(&mut self, keys: I) {
        self.extend(keys.into_iter().copied());
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Extend<(K, W)> for MisraGries<K, W, S> {
    fn extend<I: IntoIterator<Item = (K, W)>>(&mut self, keys: I) {
        for (key, weight) in keys {
            self.update_weighted(key, weight);
        }
    }
}

impl<K: fmt::Debug, W: Weight, S> fmt::Debug for MisraGries<K, W, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Counters<'a, K, W: Weight, S>(&'a MisraGries<K, W, S>);

        impl<K: fmt::Debug, W: Weight, S> fmt::Debug for Counters<'_, K, W, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let lower = self.0.iter().map(|(key, count)| (key, count.lower));
                f.debug_map().entries(lower).finish()
            }
        }

        f.debug_struct("MisraGries")
            .field("k", &self.k)
            .field("total_weight", &self.total)
            .field("max_error", &self.max_error())
            .field("counters", &Counters(self))
            .finish_non_exhaustive()
    }
}

/// An iterator over the tracked keys of a summary, with the bounds of their weights.
///
/// Created by [`MisraGries::iter`].
#[derive(Debug)]
pub struct Iter<'a, K, W: Weight> {
    entries: Visit<'a, K, W>,
    shown: Shown<W>,
}

/// An iterator that owns the tracked keys of a summary, with the bounds of their weights.
///
/// Created by [`MisraGries::into_iter`].
#[derive(Clone, Debug)]
pub struct IntoIter<K, W> {
    entries: vec::IntoIter<(K, W)>,
    shown: Shown<W>,
}

/// The counters that an iterator returns, and their bounds.
#[derive(Clone, Copy, Debug)]
struct Shown<W> {
    /// Subtracted from every counter; only counters above it are returned.
    cut: W,
    max_error: W,
    /// The number of counters still to return.
    left: usize,
}

impl<W: Weight> Shown<W> {
    fn of<K, S>(summary: &MisraGries<K, W, S>) -> Self {
        let cut = summary.cut();
        let shown = summary.counters.counts().filter(|&count| count > cut);
        Self {
            cut,
            max_error: summary.max_error(),
            left: shown.count(),
        }
    }

    /// Returns the next entry above the cut.
    fn next<K>(&mut self, mut entries: impl Iterator<Item = (K, W)>) -> Option<(K, Count<W>)> {
        let (key, count) = entries.find(|&(_, count)| count > self.cut)?;
        self.left -= 1;
        let lower = count.minus(self.cut);
        Some((key, Count::around(lower, self.max_error)))
    }
}

impl<'a, K, W: Weight> Iter<'a, K, W> {
    pub(super) fn new<S>(summary: &'a MisraGries<K, W, S>) -> Self {
        Self {
            entries: summary.counters.visit(),
            shown: Shown::of(summary),
        }
    }
}

impl<K, W: Weight> Clone for Iter<'_, K, W> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            shown: self.shown,
        }
    }
}

impl<'a, K, W: Weight> Iterator for Iter<'a, K, W> {
    type Item = (&'a K, Count<W>);

    fn next(&mut self) -> Option<Self::Item> {
        self.shown.next(&mut self.entries)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.shown.left, Some(self.shown.left))
    }
}

impl<K, W: Weight> Iterator for IntoIter<K, W> {
    type Item = (K, Count<W>);

    fn next(&mut self) -> Option<Self::Item> {
        self.shown.next(&mut self.entries)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.shown.left, Some(self.shown.left))
    }
}

impl<K, W: Weight> ExactSizeIterator for Iter<'_, K, W> {}
impl<K, W: Weight> FusedIterator for Iter<'_, K, W> {}
impl<K, W: Weight> ExactSizeIterator for IntoIter<K, W> {}
impl<K, W: Weight> FusedIterator for IntoIter<K, W> {}

impl<K, W: Weight, S> IntoIterator for MisraGries<K, W, S> {
    type Item = (K, Count<W>);
    type IntoIter = IntoIter<K, W>;

    fn into_iter(self) -> IntoIter<K, W> {
        IntoIter {
            shown: Shown::of(&self),
            entries: self.counters.into_entries().into_iter(),
        }
    }
}

impl<'a, K, W: Weight, S> IntoIterator for &'a MisraGries<K, W, S> {
    type Item = (&'a K, Count<W>);
    type IntoIter = Iter<'a, K, W>;

    fn into_iter(self) -> Iter<'a, K, W> {
        self.iter()
    }
}
