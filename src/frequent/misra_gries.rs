//! The summary: its construction, its updates and its bounds.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::counters::Counters;
use super::error::UpdateError;
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
pub struct MisraGries<K, W = u64, S = DefaultHashBuilder> {
    /// Most counters kept; see [`is_capacity`].
    pub(super) k: usize,
    /// The sum of all weights offered; zero exactly if nothing was.
    pub(super) total: W,
    /// The sum of all that was subtracted from every counter.
    /// Invariant: the sum of the counters plus k + 1 times this is at most `total`, for each of
    /// the k + 1 counters of a reduction loses what this gains.
    pub(super) max_error: W,
    /// A lower bound for each tracked key; at most k of them.
    pub(super) counters: Counters<K, W>,
    pub(super) hasher: S,
}

impl<K, W: Weight> MisraGries<K, W> {
    /// A summary with `k` counters and the default hasher.
    ///
    /// # Panics
    ///
    /// If `k` is 0 or above 2^32 - 2.
    #[must_use]
    #[track_caller]
    pub fn new(k: usize) -> Self {
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
    /// If `k` is 0 or above 2^32 - 2.
    #[must_use]
    #[track_caller]
    pub fn with_hasher(k: usize, hasher: S) -> Self {
        assert!(
            is_capacity(k),
            "a Misra-Gries summary needs 1 to 2^32 - 2 counters, not {k}"
        );
        Self {
            k,
            total: W::ZERO,
            max_error: W::ZERO,
            counters: Counters::new(),
            hasher,
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
        self.counters.len()
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
        self.max_error
    }

    /// The error promised for a stream of this weight: `total_weight / (k + 1)`.
    #[must_use]
    pub fn error_bound(&self) -> W {
        self.total.divided_by(self.k + 1)
    }

    /// Forgets everything offered; keeps k, the hasher and the memory.
    pub fn clear(&mut self) {
        self.total = W::ZERO;
        self.max_error = W::ZERO;
        self.counters.clear();
    }

    pub(super) fn count_of(&self, counter: W) -> Count<W> {
        Count::around(counter, self.max_error)
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Offers one key with weight one.
    ///
    /// # Panics
    ///
    /// If the total weight overflows `W`.
    #[inline]
    #[track_caller]
    pub fn update(&mut self, key: K) {
        self.update_weighted(key, W::ONE);
    }

    /// Offers one key with a weight. Weight zero changes nothing.
    ///
    /// # Panics
    ///
    /// If the weight is not a number, negative or infinite, or if the total weight overflows `W`;
    /// see [`try_update_weighted`](Self::try_update_weighted).
    #[inline]
    #[track_caller]
    pub fn update_weighted(&mut self, key: K, weight: W) {
        if let Err(error) = self.try_update_weighted(key, weight) {
            refuse(error);
        }
    }

    /// Offers one key with a weight, or says why it cannot be taken. Weight zero changes nothing.
    ///
    /// # Errors
    ///
    /// If the weight is not a number, negative or infinite, or if the total weight would overflow
    /// `W`. The summary is then as it was.
    #[inline]
    pub fn try_update_weighted(&mut self, key: K, weight: W) -> Result<(), UpdateError> {
        let hash = self.hasher.hash_one(&key);
        if self.admit(weight)? {
            self.counters.add_owned(hash, key, weight);
            self.settle();
        }
        Ok(())
    }

    /// Offers one key by reference, with weight one; it is cloned only if it is not tracked yet.
    ///
    /// # Panics
    ///
    /// If the total weight overflows `W`.
    #[inline]
    #[track_caller]
    pub fn update_ref<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.update_weighted_ref(key, W::ONE);
    }

    /// Offers one key by reference, with a weight; it is cloned only if it is not tracked yet.
    ///
    /// # Panics
    ///
    /// As [`update_weighted`](Self::update_weighted).
    #[inline]
    #[track_caller]
    pub fn update_weighted_ref<Q>(&mut self, key: &Q, weight: W)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Err(error) = self.try_update_weighted_ref(key, weight) {
            refuse(error);
        }
    }

    /// Offers one key by reference, with a weight, or says why it cannot be taken.
    ///
    /// # Errors
    ///
    /// As [`try_update_weighted`](Self::try_update_weighted).
    #[inline]
    pub fn try_update_weighted_ref<Q>(&mut self, key: &Q, weight: W) -> Result<(), UpdateError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        if self.admit(weight)? {
            self.counters.add_ref(hash, key, weight);
            self.settle();
        }
        Ok(())
    }

    /// Offers every key of a slice, each with weight one; tracked keys are not cloned.
    ///
    /// # Panics
    ///
    /// If the total weight overflows `W`.
    #[track_caller]
    pub fn extend_from_slice(&mut self, keys: &[K])
    where
        K: Clone,
    {
        for key in keys {
            self.update_ref(key);
        }
    }

    /// Offers every key of a slice with its weight; tracked keys are not cloned.
    ///
    /// # Panics
    ///
    /// As [`update_weighted`](Self::update_weighted).
    #[track_caller]
    pub fn extend_from_slices(&mut self, keys: &[(K, W)])
    where
        K: Clone,
    {
        for (key, weight) in keys {
            self.update_weighted_ref(key, *weight);
        }
    }

    /// A weight that `key` surely has; 0 if it is not tracked.
    #[must_use]
    pub fn lower_bound<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.counters.get(self.hasher.hash_one(key), key)
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
        self.count_of(self.lower_bound(key))
    }

    /// Adds a weight to the total; false if it is zero and there is nothing to do.
    #[inline]
    fn admit(&mut self, weight: W) -> Result<bool, UpdateError> {
        weight.validate()?;
        self.total = self
            .total
            .checked_add(weight)
            .ok_or(UpdateError::Overflow)?;
        Ok(weight != W::ZERO)
    }

    /// Takes the counters back to at most k, and books what that subtracted.
    #[inline]
    pub(super) fn settle(&mut self) {
        if self.counters.len() > self.k {
            let subtracted = self.counters.reduce(self.k);
            self.max_error = self.max_error.saturating_add(subtracted);
        }
    }
}

/// Whether a summary may have `k` counters: a table has at most 2^32 - 1 entries, and one of them
/// is the newcomer.
pub(super) fn is_capacity(k: usize) -> bool {
    k > 0 && u32::try_from(k).is_ok_and(|k| k < u32::MAX)
}

#[cold]
#[track_caller]
fn refuse(error: UpdateError) -> ! {
    panic!("update refused: {error}")
}
