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
    /// With a threshold: the weight still to skip, in units of `unit`. The item that makes it negative
    /// is accepted. NaN if it is still to be drawn; negative infinity without a threshold.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    jump: f64,
    /// The factor of weights before they are compared with `jump`: 1, or less if the jump would
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
            jump: f64::NEG_INFINITY,
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

    /// Adds the counts of another sampler, whose items have been merged already.
    fn add_counts(&mut self, seen: u64, total_weight: f64) {
        self.seen = self.seen.saturating_add(seen);
        self.total_weight = (self.total_weight + total_weight).min(f64::MAX);
        self.jump = if self.is_saturated() {
            f64::NAN
        } else {
            f64::NEG_INFINITY
        };
    }

    /// Removes every item. The capacity and the state of the generator stay.
    pub fn clear(&mut self) {
        self.core.clear();
        self.seen = 0;
        self.total_weight = 0.0;
        self.jump = f64::NEG_INFINITY;
        self.unit = 1.0;
    }
}

impl<T, R: Rng> WeightedReservoir<T, R> {
    #[inline]
    fn update_valid(&mut self, weight: Weight, item: impl FnOnce() -> T) {
        if self.count(weight) {
            self.consider(item, weight.get());
        }
    }

    /// Counts an item. Returns whether it ends the jump, or the jump is still to be drawn.
    #[inline]
    fn count(&mut self, weight: Weight) -> bool {
        let weight = weight.get();
        self.seen = self.seen.saturating_add(1);
        self.total_weight = (self.total_weight + weight).min(f64::MAX);
        self.jump -= weight * self.unit;
        // A jump that is still to be drawn is NaN, so this comparison fails.
        let passed = self.jump >= 0.0;
        !passed
    }

    /// Offers an item that ended the jump, or one before which no jump was drawn.
    #[cold]
    #[inline(never)]
    fn consider(&mut self, item: impl FnOnce() -> T, weight: f64) {
        if weight == 0.0 {
            return;
        }
        if self.jump.is_nan() {
            self.draw_jump();
            self.jump -= weight * self.unit;
            if self.jump >= 0.0 {
                return;
            }
        }
        let ln_weight = libm::log(weight);
        let ln_rank = match self.core.threshold() {
            Some(threshold) => ln_rank_below(&mut self.rng, ln_weight, threshold.ln_rank),
            None => ln_rank(&mut self.rng, ln_weight),
        };
        self.core.offer(WeightedRank { ln_rank, weight }, item());
        self.draw_jump();
    }

    /// Draws the weight to skip, if there is a threshold.
    fn draw_jump(&mut self) {
        let Some(threshold) = self.core.threshold() else {
            return;
        };
        let ln_jump = ln_exponential_jump(&mut self.rng, threshold.ln_rank);
        (self.unit, self.jump) = if ln_jump < LN_LARGEST_JUMP {
            (1.0, libm::exp(ln_jump))
        } else {
            (SMALL_UNIT, libm::exp(ln_jump + LN_SMALL_UNIT))
        };
    }
}

impl<T, R> Merge for WeightedReservoir<T, R> {
    /// Keeps the items of smallest rank of both sides, so any tree of merges over the same parts gives
    /// the same items. O(k), draws no random numbers.
    ///
    /// The new capacity is the smallest capacity of the sides that hold items. `self` keeps its
    /// generator.
    fn merge(&mut self, other: Self) {
        self.core.merge(other.core);
        self.add_counts(other.seen, other.total_weight);
    }
}

#[cfg(feature = "serde")]
impl<T, R> WeightedReservoir<T, R> {
    /// Checks a reservoir that was read back.
    fn restore(&mut self) -> Result<(), &'static str> {
        let saturated = self.is_saturated();
        let jump_fits = if saturated {
            self.jump.is_nan() || self.jump >= 0.0
        } else {
            self.jump == f64::NEG_INFINITY
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
    jump: f64,
    #[serde(with = "super::stored::bits")]
    unit: f64,
    rng: R,
});
constructors!(WeightedReservoir);
bottom_k_api!(WeightedReservoir, core);
seen_api!(WeightedReservoir);
weighted_api!(WeightedReservoir);
