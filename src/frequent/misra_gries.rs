//! `MisraGries`: construction, state and bounds.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::counters::Counters;
use super::row::Count;
use super::weight::Weight;
use crate::hash::DefaultHashBuilder;

/// A summary of the frequent items of a stream, in at most k counters (Misra and Gries 1982).
///
/// # Guarantee
///
/// For every key, tracked or not:
///
/// ```text
/// lower_bound(key) <= true weight <= upper_bound(key)
/// upper_bound(key) - lower_bound(key) <= max_error() <= total_weight() / (k + 1)
/// ```
///
/// This always holds after every update and every merge, whatever the weights, and the order and
/// grouping of the merges. With single updates of weight one, the counters are exactly those of the
/// textbook algorithm.
///
/// # Cost
///
/// An update is amortised O(1), a look-up of one key O(1), a merge O(k). Memory: O(k), allocated as keys
/// arrive; see [`memory`](Self::memory).
///
/// With weights other than one, up to 3/5 k more counters are kept between two reductions, and questions about
/// all keys are answered as after a reduction. So [`len`](Self::len), [`max_error`](Self::max_error),
/// [`iter`](Self::iter), [`top`](Self::top) and [`heavy_hitters`](Self::heavy_hitters) take O(k) time and memory
/// at the first question after an update. [`estimate`](Self::estimate) does not.
///
/// # Panics of keys
///
/// If `Hash`, `Eq`, `Clone` or `Drop` of a key panics, the summary can be used on. The update, slice or merge in
/// which that happened may be counted in part, and all of it in [`total_weight`](Self::total_weight). For all
/// other weights the guarantee holds as before.
///
/// # Examples
///
/// ```
/// use forebay::frequent::MisraGries;
///
/// let mut summary: MisraGries<&str> = MisraGries::new(2);
/// summary.extend(["ebb", "flow", "ebb", "spring", "ebb"]);
/// let ebb = summary.estimate("ebb");
/// assert!(ebb.lower <= 3 && 3 <= ebb.upper);
/// assert!(summary.max_error() <= summary.total_weight() / 3);
/// ```
#[derive(Clone)]
pub struct MisraGries<K, W: Weight = u64, S = DefaultHashBuilder> {
    /// The most counters kept; see [`is_capacity`].
    pub(super) k: usize,
    /// The sum of all weights offered; zero if and only if none was.
    pub(super) total: W,
    /// The sum of all cuts subtracted from the counters.
    /// Invariant: the sum of the counters plus k + 1 times this is at most `total`, because each of the
    /// k + 1 counters of a reduction loses what this gains.
    pub(super) subtracted: W,
    /// The lower bounds of the tracked keys, at most [`most_counters`](Self::most_counters).
    pub(super) counters: Counters<K, W, S>,
    pub(super) steps: Steps,
    /// The likely cut of the next reduction of a buffer; zero if unknown.
    pub(super) likely_cut: W,
}

/// The time of reductions, which depends on the updates so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Steps {
    /// At every new key without a free counter. There were only single updates of weight one. Each
    /// reduction removes k + 1 of the n units of weight, so there are at most n / (k + 1) of them, each in
    /// O(k): amortised O(1).
    Textbook,
    /// As `Textbook`, but the keys of a slice were counted in another order.
    Gathered,
    /// As `Textbook`, but counters were merged.
    Merged,
    /// When the buffer is full. With other weights, a few huge counters and many small ones could cause a
    /// reduction at every update. So a buffer of 3/5 k more keys is kept, and a reduction in O(k) drops a
    /// good part of it: amortised O(1) again. Answers are those after a reduction.
    Weighted,
}

impl<K> MisraGries<K> {
    /// Creates a summary with `k` counters of type `u64` and the default hasher.
    ///
    /// For weights of another type see [`with_weights`](Self::with_weights).
    ///
    /// # Panics
    ///
    /// Panics if `k` is 0 or above 2^30.
    #[must_use]
    #[track_caller]
    pub fn new(k: usize) -> Self {
        Self::with_weights(k)
    }

    /// Creates the smallest summary whose error is at most `epsilon * total_weight`: `k + 1` is
    /// `1 / epsilon`, rounded up.
    ///
    /// # Panics
    ///
    /// Panics if `epsilon` is not between 2^-30 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::MisraGries;
    /// let mut summary = MisraGries::with_error(0.001);
    /// summary.update("ebb");
    /// assert_eq!(summary.k(), 999);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_error(epsilon: f64) -> Self {
        assert!(
            (1.0 / (1u64 << 30) as f64..=1.0).contains(&epsilon),
            "epsilon must be between 2^-30 and 1, not {epsilon}"
        );
        Self::new((libm::ceil(1.0 / epsilon) as usize - 1).max(1))
    }
}

impl<K, W: Weight> MisraGries<K, W> {
    /// Creates a summary with `k` counters of any weight type and the default hasher.
    ///
    /// # Panics
    ///
    /// Panics if `k` is 0 or above 2^30.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::MisraGries;
    ///
    /// let mut summary = MisraGries::with_weights(8);
    /// summary.update_weighted("ebb", 2.5);
    /// assert_eq!(summary.lower_bound("ebb"), 2.5);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_weights(k: usize) -> Self {
        Self::with_hasher(k, DefaultHashBuilder::default())
    }
}

impl<K, W: Weight, S> MisraGries<K, W, S> {
    /// Creates a summary with `k` counters that hashes keys with `hasher`.
    ///
    /// The hasher affects only the speed and the order of iteration.
    ///
    /// # Panics
    ///
    /// Panics if `k` is 0 or above 2^30.
    #[must_use]
    #[track_caller]
    pub fn with_hasher(k: usize, hasher: S) -> Self {
        assert!(
            is_capacity(k),
            "a Misra-Gries summary needs 1 to 2^30 counters, not {k}"
        );
        Self {
            k,
            total: W::ZERO,
            subtracted: W::ZERO,
            counters: Counters::new(hasher),
            steps: Steps::Textbook,
            likely_cut: W::ZERO,
        }
    }

    /// Returns the most counters that are kept.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Returns the number of tracked keys, at most [`k`](Self::k). O(1) if all weights were one; see *Cost*.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.counters.len() <= self.k {
            self.counters.len()
        } else {
            self.tracked().count()
        }
    }

    /// Returns whether no key is tracked. Weights may have been offered: see
    /// [`total_weight`](Self::total_weight).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no weight was ever offered.
    pub(super) fn is_untouched(&self) -> bool {
        self.total == W::ZERO
    }

    /// Returns the sum of all weights offered.
    #[must_use]
    pub fn total_weight(&self) -> W {
        self.total
    }

    /// Returns the largest error so far: the most by which an upper bound exceeds its lower bound.
    ///
    /// It is at most [`error_bound`](Self::error_bound), and far smaller on skewed streams. O(1) if all weights
    /// were one; see *Cost*.
    #[must_use]
    pub fn max_error(&self) -> W {
        self.subtracted.saturating_add(self.cut())
    }

    /// Returns the guaranteed error for a stream of this total weight: `total_weight / (k + 1)`.
    #[must_use]
    pub fn error_bound(&self) -> W {
        self.total.divided_by(self.k + 1)
    }

    /// Returns the bytes of memory held now, without the memory that keys own.
    ///
    /// About `1.4 * k * (size_of::<(K, W)>() + 1)` for weights of one, and 1.6 times that for other
    /// weights. While the table grows, the old table of half the size exists too. Keys that lost their
    /// counters may be kept until their places are needed.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.counters.memory()
    }

    /// Removes everything offered. k, the hasher and the memory stay.
    pub fn clear(&mut self) {
        self.total = W::ZERO;
        self.subtracted = W::ZERO;
        self.steps = Steps::Textbook;
        self.likely_cut = W::ZERO;
        self.counters.clear();
    }

    /// The cut that a reduction would subtract now: the (k+1)-th largest counter, or zero.
    pub(super) fn cut(&self) -> W {
        if self.counters.len() <= self.k {
            W::ZERO
        } else {
            self.counters.cut(self.k)
        }
    }

    /// The most counters between two reductions.
    #[inline]
    pub(super) fn most_counters(&self) -> usize {
        self.most_counters_in(self.steps)
    }

    /// The most counters between two reductions that are due in these steps.
    #[inline]
    pub(super) fn most_counters_in(&self, steps: Steps) -> usize {
        match steps {
            Steps::Textbook | Steps::Gathered | Steps::Merged => self.k,
            Steps::Weighted => self.k + (3 * self.k).div_ceil(5),
        }
    }

    /// Notes the kind of a weight, before the weight is added.
    #[inline]
    pub(super) fn note_weight(&mut self, weight: W) {
        if weight != W::ONE {
            self.steps = Steps::Weighted;
        }
        if self.steps == Steps::Weighted {
            self.counters.forget_cut();
        }
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Returns the lower bound of the weight of `key`; 0 if it is not tracked.
    #[must_use]
    pub fn lower_bound<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.estimate(key).lower
    }

    /// Returns the upper bound of the weight of `key`.
    #[must_use]
    pub fn upper_bound<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.estimate(key).upper
    }

    /// Returns both bounds of the weight of `key`, tracked or not. O(1).
    ///
    /// They may be tighter than those of the same key in [`iter`](Self::iter) or [`top`](Self::top): the
    /// counter is read as it is, without the reduction that bounds the number of rows.
    #[must_use]
    pub fn estimate<Q>(&self, key: &Q) -> Count<W>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Count::around(self.counters.get(key), self.subtracted)
    }
}

/// Whether `k` is a valid number of counters: with the buffer it must fit in 32 bits.
pub(super) fn is_capacity(k: usize) -> bool {
    k > 0 && k <= 1 << 30
}
