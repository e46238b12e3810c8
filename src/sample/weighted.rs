//! `WeightedReservoir`: successive sampling by weight, without replacement.

mod estimates;
mod slices;

use rand::Rng;

use super::api::{bottom_k_api, constructors, seen_api, weighted_api};
use super::bottom_k::BottomK;
use super::rank::WeightedRank;
use super::skip::{ln_exponential_jump, ln_rank, ln_rank_below};
use super::stored::stored;
use super::weight::Weight;
use crate::Merge;
use crate::random::DefaultRng;

/// A weighted random sample of `capacity` items without replacement: *successive sampling*.
///
/// # Guarantee
///
/// The sample is distributed as if its k items had been drawn one after another: each draw takes an
/// item i not drawn yet with probability `w_i / (sum of the weights not drawn yet)`.
///
/// **Inclusion is not proportional to weight**: an item of twice the weight is less than twice as
/// likely to be in the sample, and the difference grows with k. If inclusion must be proportional to
/// weight, use [`VarOpt`](super::VarOpt) or [`EbPps`](super::EbPps).
///
/// The guarantee holds after every update and every tree of merges. Items of weight zero are counted
/// as seen and never sampled. The sample holds all items of positive weight if there are at most k.
///
/// # Cost
///
/// A full sample draws `O(k log(n/k))` random numbers in all, for weights in no particular order. An
/// update with an item that is skipped costs one subtraction and one comparison. A merge is `O(k)` and
/// draws no random numbers. Memory: `16 + size_of::<T>()` bytes per item held, rounded up to the
/// alignment.
///
/// # Panics of items
///
/// If an iterator, `Clone` or `Drop` of an item, or the generator panics, the reservoir can be used on. It is a
/// sample of the items that it counts as [`seen`](Self::seen): those offered before and after, and of the call
/// that panicked those up to the panic or, for some slices, none.
///
/// # Range
///
/// Ranks are kept as logarithms, so nothing underflows: weights from 1e-300 to 1e300 may be mixed. A
/// weight below 2^-53 of the rest of the current jump is lost in rounding. That changes a probability
/// by less than 2^-53 per item.
///
/// # References
///
/// Ranks `-ln(u)/w` and exponential jumps (A-ExpJ): Efraimidis and Spirakis, *Weighted random
/// sampling with a reservoir* (2006).
///
/// # Examples
///
/// ```
/// use forebay::sample::WeightedReservoir;
///
/// let mut sample = WeightedReservoir::with_seed(2, 42);
/// for (file, bytes) in [("a", 10.0), ("b", 20_000.0), ("c", 0.0), ("d", 35_000.0)] {
///     sample.update_weighted(file, bytes)?;
/// }
/// assert_eq!(sample.len(), 2);
/// assert!(sample.update_weighted("e", f64::NAN).is_err());
/// # Ok::<(), forebay::sample::WeightError>(())
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct WeightedReservoir<T, R = DefaultRng> {
    /// Ranks are exponential with the weight as rate.
    core: BottomK<WeightedRank, T>,
    /// Items offered so far, those of weight zero included.
    seen: u64,
    /// Sum of the weights offered, at most `f64::MAX`.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    total_weight: f64,
    /// The weight that may still pass, in units of `unit`. The item that would make it negative is examined.
    /// Negative infinity if no jump is drawn.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    left: f64,
    /// Whether a jump is drawn, so that the item that ends it is accepted. It is not without a threshold, and
    /// after the threshold has moved.
    drawn: bool,
    /// The factor of weights before they are compared with `left`: 1, or less if the jump would
    /// overflow.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    unit: f64,
    rng: R,
}

/// The unit of jumps that would overflow an `f64`, 2^-128, and its logarithm.
const SMALL_UNIT: f64 = 1.0 / (1u128 << 127) as f64 / 2.0;
const LN_SMALL_UNIT: f64 = -128.0 * core::f64::consts::LN_2;

/// Jumps below this logarithm are kept in units of 1.
const LN_LARGEST_JUMP: f64 = 690.0;

impl<T, R> WeightedReservoir<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self {
            core: BottomK::new(capacity),
            seen: 0,
            total_weight: 0.0,
            left: f64::NEG_INFINITY,
            drawn: false,
            unit: 1.0,
            rng,
        }
    }

    /// Returns the sum of all weights offered, at most `f64::MAX`.
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// Iterates over the items held with their weights, in no meaningful order.
    pub fn iter_weighted(&self) -> impl ExactSizeIterator<Item = (&T, f64)> + Clone {
        self.core
            .iter()
            .map(|entry| (&entry.item, entry.rank.weight))
    }

    /// The items held with their weights and their inclusion probabilities given the threshold: 1
    /// without a threshold.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&T, f64, f64)> {
        let threshold = self.core.threshold();
        self.core.iter().map(move |entry| {
            let weight = entry.rank.weight;
            let probability = threshold.map_or(1.0, |threshold| {
                -libm::expm1(-libm::exp(libm::log(weight) + threshold.ln_rank))
            });
            (&entry.item, weight, probability)
        })
    }

    /// Merges the items and the counts of another sampler.
    fn merge_parts(&mut self, core: BottomK<WeightedRank, T>, seen: u64, total_weight: f64) {
        self.seen = self.seen.saturating_add(seen);
        self.total_weight = (self.total_weight + total_weight).min(f64::MAX);
        self.forget_jump();
        self.core.merge(core);
    }

    /// Discards the jump: the next item is examined, and a new jump drawn.
    fn forget_jump(&mut self) {
        self.left = f64::NEG_INFINITY;
        self.drawn = false;
    }

    /// Removes every item. The capacity and the state of the generator stay.
    pub fn clear(&mut self) {
        self.seen = 0;
        self.total_weight = 0.0;
        self.forget_jump();
        self.unit = 1.0;
        self.core.clear();
    }
}

impl<T, R: Rng> WeightedReservoir<T, R> {
    #[inline]
    fn update_valid(&mut self, weight: Weight, item: impl FnOnce() -> T) {
        if !self.pass(weight.get()) {
            self.consider(item, weight.get());
        }
    }

    /// Lets an item pass if the jump extends beyond it. Returns whether it did; if not, nothing changes.
    #[inline]
    fn pass(&mut self, weight: f64) -> bool {
        let left = self.left - weight * self.unit;
        let passes = left >= 0.0;
        if passes {
            self.left = left;
            self.count(weight);
        }
        passes
    }

    #[inline]
    fn count(&mut self, weight: f64) {
        self.seen = self.seen.saturating_add(1);
        self.total_weight = (self.total_weight + weight).min(f64::MAX);
    }

    /// Offers an item that did not pass: it ends the jump, or none is drawn.
    #[cold]
    #[inline(never)]
    fn consider(&mut self, item: impl FnOnce() -> T, weight: f64) {
        if weight == 0.0 {
            return self.count(weight);
        }
        if !self.drawn {
            self.draw_jump();
            if self.pass(weight) {
                return;
            }
        }
        // The caller's code may panic before the next jump is drawn.
        self.forget_jump();
        let item = item();
        let ln_weight = libm::log(weight);
        let ln_rank = match self.core.threshold() {
            Some(threshold) => ln_rank_below(&mut self.rng, ln_weight, threshold.ln_rank),
            None => ln_rank(&mut self.rng, ln_weight),
        };
        self.count(weight);
        let left_out = self.core.offer(WeightedRank { ln_rank, weight }, item);
        self.draw_jump();
        drop(left_out);
    }

    /// Draws the weight to skip, if there is a threshold.
    fn draw_jump(&mut self) {
        let Some(threshold) = self.core.threshold() else {
            return;
        };
        let ln_jump = ln_exponential_jump(&mut self.rng, threshold.ln_rank);
        (self.unit, self.left) = if ln_jump < LN_LARGEST_JUMP {
            (1.0, libm::exp(ln_jump))
        } else {
            (SMALL_UNIT, libm::exp(ln_jump + LN_SMALL_UNIT))
        };
        self.drawn = true;
    }
}

impl<T, R> Merge for WeightedReservoir<T, R> {
    /// Keeps the items of smallest rank of both sides, so any tree of merges over the same parts gives
    /// the same items. O(k), draws no random numbers.
    ///
    /// The new capacity is the smallest capacity of the sides that hold items. `self` keeps its
    /// generator.
    fn merge(&mut self, other: Self) {
        self.merge_parts(other.core, other.seen, other.total_weight);
    }
}

#[cfg(feature = "serde")]
impl<T, R> WeightedReservoir<T, R> {
    /// Checks a reservoir that was read back.
    fn restore(&mut self) -> Result<(), &'static str> {
        let saturated = self.is_saturated();
        let jump_fits = if self.drawn {
            saturated && self.left >= 0.0
        } else {
            self.left == f64::NEG_INFINITY
        };
        if self.seen < self.core.len() as u64 + u64::from(saturated) {
            Err("a reservoir holds more items than it has seen")
        } else if !(0.0..f64::INFINITY).contains(&self.total_weight) {
            Err("the total weight is out of range")
        } else if !jump_fits || (self.unit != 1.0 && self.unit != SMALL_UNIT) {
            Err("the jump does not fit the reservoir")
        } else {
            Ok(())
        }
    }
}

stored!(WeightedReservoir<T, R> {
    core: BottomK<WeightedRank, T>,
    seen: u64,
    #[serde(with = "super::stored::bits")]
    total_weight: f64,
    #[serde(with = "super::stored::bits")]
    left: f64,
    drawn: bool,
    #[serde(with = "super::stored::bits")]
    unit: f64,
    rng: R,
});
constructors!(WeightedReservoir);
bottom_k_api!(WeightedReservoir, core);
seen_api!(WeightedReservoir);
weighted_api!(WeightedReservoir);
