//! The summary: its construction, its updates and its bounds.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::counters::Counters;
use super::cut::PendingCut;
use super::row::Count;
use super::weight::Weight;
use crate::hash::DefaultHashBuilder;

/// A summary of the frequent items of a stream, in at most k counters (Misra and Gries 1982).
///
/// # Guarantee
///
/// For every key, tracked or not, `lower_bound <= true weight <= upper_bound`; the two differ by
/// at most [`max_error`](Self::max_error), and that is at most `total_weight / (k + 1)`. This
/// holds with certainty after every update and every merge, whatever the order, the weights and
/// the grouping of the merges. For weights of one the counters after every single update are
/// exactly those of the textbook.
///
/// # Cost
///
/// An update of weight one costs O(1) amortised; a look-up O(1). Memory is O(k), taken as keys
/// arrive.
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
    /// Most counters kept; see [`is_capacity`].
    pub(super) k: usize,
    /// The sum of all weights offered; zero exactly if nothing was.
    pub(super) total: W,
    /// The sum of all that was subtracted from every counter.
    /// Invariant: the sum of the counters plus k + 1 times this is at most `total`, for each of
    /// the k + 1 counters of a reduction loses what this gains.
    pub(super) subtracted: W,
    /// A lower bound for each of some keys: no more than
    /// [`most_counters`](Self::most_counters).
    pub(super) counters: Counters<K, W, S>,
    pub(super) steps: Steps,
    /// What a reduction would subtract now.
    pub(super) pending: PendingCut,
    /// What the next reduction of a buffer is likely to subtract; zero if nothing is known.
    pub(super) likely_cut: W,
}

/// When counters are reduced, which depends on what was offered so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Steps {
    /// At every key that finds no counter free: only weights of one, one after the other. There
    /// are at most n / (k + 1) such steps, for each takes k + 1 from what n updates brought, and a
    /// step costs O(k): O(1) an update.
    Textbook,
    /// The same, but some of the keys of a slice were taken before others that stood before them.
    Gathered,
    /// The same, but some of the counters were merged in.
    Merged,
    /// When the buffer is full. Other weights can make every update a step, by a few enormous
    /// counters and many small ones; so keys beyond k are kept too, three fifths as many again, and
    /// a step of O(k) drops a good part of those: O(1) an update again. Answers are given as
    /// if the step had just been made.
    Weighted,
}

impl<K> MisraGries<K> {
    /// A summary with `k` counters of type `u64` and the default hasher.
    ///
    /// For weights of another type see [`with_weights`](Self::with_weights).
    ///
    /// # Panics
    ///
    /// If `k` is 0 or above 2^30.
    #[must_use]
    #[track_caller]
    pub fn new(k: usize) -> Self {
        Self::with_weights(k)
    }

    /// A summary whose error is at most the share `epsilon` of the total weight, in as few
    /// counters as that needs: `k + 1 = 1 / epsilon`, rounded up.
    ///
    /// # Panics
    ///
    /// If `epsilon` is not between 2^-30 and 1.
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
            "the error must be a share between 2^-30 and 1, and is {epsilon}"
        );
        Self::new((libm::ceil(1.0 / epsilon) as usize - 1).max(1))
    }
}

impl<K, W: Weight> MisraGries<K, W> {
    /// A summary with `k` counters of any type of weight, and the default hasher.
    ///
    /// # Panics
    ///
    /// If `k` is 0 or above 2^30.
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
    /// A summary with `k` counters that hashes keys with `hasher`.
    ///
    /// The hasher changes speed and the order of iteration, nothing else.
    ///
    /// # Panics
    ///
    /// If `k` is 0 or above 2^30.
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
            pending: PendingCut::unknown(),
            likely_cut: W::ZERO,
        }
    }

    /// The most counters that are kept.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// The number of tracked keys; at most [`k`](Self::k).
    #[must_use]
    pub fn len(&self) -> usize {
        if self.counters.len() <= self.k {
            self.counters.len()
        } else {
            self.tracked().count()
        }
    }

    /// Whether no weight was ever offered. A summary without counters need not be empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == W::ZERO
    }

    /// The sum of all weights offered.
    #[must_use]
    pub fn total_weight(&self) -> W {
        self.total
    }

    /// The largest error so far: no upper bound exceeds its lower bound by more.
    ///
    /// At most [`error_bound`](Self::error_bound), and on skewed streams far smaller.
    #[must_use]
    pub fn max_error(&self) -> W {
        self.subtracted.saturating_add(self.cut())
    }

    /// The error promised for a stream of this weight: `total_weight / (k + 1)`.
    #[must_use]
    pub fn error_bound(&self) -> W {
        self.total.divided_by(self.k + 1)
    }

    /// The bytes of memory held now, apart from what keys own themselves.
    ///
    /// For k counters of a stream of weights of one about `1.4 * k * (size_of::<(K, W)>() + 1)`;
    /// for other weights 1.6 times that. While the table grows, the half that it had before is held
    /// besides. Keys that lost their counters may be kept until their places are needed.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.counters.memory()
    }

    /// Forgets everything offered; keeps k, the hasher and the memory.
    pub fn clear(&mut self) {
        self.total = W::ZERO;
        self.subtracted = W::ZERO;
        self.steps = Steps::Textbook;
        self.likely_cut = W::ZERO;
        self.counters.clear();
    }

    /// What a reduction would subtract now: the (k+1)-th largest counter, if there are so many.
    pub(super) fn cut(&self) -> W {
        if self.counters.len() <= self.k {
            W::ZERO
        } else {
            self.pending.get(&self.counters, self.k)
        }
    }

    /// The bounds of a key with this counter, as if a reduction had just been made.
    pub(super) fn count_of(&self, counter: W) -> Count<W> {
        let cut = self.cut();
        Count::around(
            counter.saturating_minus(cut),
            self.subtracted.saturating_add(cut),
        )
    }

    /// The most counters kept between two reductions.
    #[inline]
    pub(super) fn most_counters(&self) -> usize {
        match self.steps {
            Steps::Textbook | Steps::Gathered | Steps::Merged => self.k,
            Steps::Weighted => self.k + (3 * self.k).div_ceil(5),
        }
    }

    /// Books a weight's kind, before it is booked itself.
    #[inline]
    pub(super) fn note_weight(&mut self, weight: W) {
        if weight != W::ONE {
            self.steps = Steps::Weighted;
        }
        if self.steps == Steps::Weighted {
            self.pending = PendingCut::unknown();
        }
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// A weight that `key` surely has; 0 if it is not tracked.
    #[must_use]
    pub fn lower_bound<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.estimate(key).lower
    }

    /// A weight that `key` surely does not exceed.
    #[must_use]
    pub fn upper_bound<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.estimate(key).upper
    }

    /// The bounds of the weight of `key`, tracked or not.
    #[must_use]
    pub fn estimate<Q>(&self, key: &Q) -> Count<W>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.count_of(self.counters.get(key))
    }
}

/// Whether a summary may have `k` counters; with the buffer they must be countable in 32 bits.
pub(super) fn is_capacity(k: usize) -> bool {
    k > 0 && k <= 1 << 30
}
