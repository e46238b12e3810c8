//! `DecayingReservoir`: a sample by weights that halve with every half-life of age.

mod estimates;

use rand::Rng;

use super::api::{bottom_k_api, seeded_constructors, seen_api};
use super::bottom_k::BottomK;
use super::exponent::Exponent;
use super::rank::DecayingRank;
use super::stored::stored;
use crate::random::{DefaultRng, exponential, open01};
use crate::{Merge, Summary};

/// A sample of `capacity` items without replacement that favours recent items: forward exponential
/// decay.
///
/// # Guarantee
///
/// An item with timestamp t has the weight `2^(t / half_life)`, and the sample has the distribution of
/// a [`WeightedReservoir`](super::WeightedReservoir) with these weights. Only ratios of weights matter:
/// at any time an item one half-life older than another has half its weight, and nothing needs to be
/// rescaled as time passes. Timestamps may come in any order. The guarantee holds after every update
/// and every tree of merges.
///
/// # Cost
///
/// An update with an item that is skipped is O(1), and computes a power if the timestamp differs from
/// the one before. It is O(log k) if the item is accepted. A merge is `O(k)` and draws no random
/// numbers. Memory: `24 + size_of::<T>()` bytes per item held, rounded up to the alignment.
///
/// # Panics of items
///
/// If an iterator, `Drop` of an item or the generator panics, the reservoir can be used on. It is a sample of the
/// items that it counts as [`seen`](Self::seen), the one with which that happened being among them or not.
///
/// # Range
///
/// Timestamps may be any finite numbers, in any unit and over any span. Ranks are kept as logarithms of
/// 106 bits, so neither a million years in nanoseconds nor a half-life of one nanosecond overflows or
/// loses the order of ranks.
///
/// # References
///
/// Cormode, Shkapenyuk, Srivastava and Xu, *Forward decay* (2009).
///
/// # Examples
///
/// ```
/// use forebay::sample::DecayingReservoir;
///
/// // An item that is one hour old has half the weight of a new one.
/// let mut recent = DecayingReservoir::with_seed(100, 3_600.0, 42);
/// for second in 0..86_400u32 {
///     recent.update_at(second, f64::from(second))?;
/// }
/// let last_four_hours = recent.iter().filter(|&&second| second >= 72_000).count();
/// assert!(last_four_hours > 80);
/// # Ok::<(), forebay::sample::TimeError>(())
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DecayingReservoir<T, R = DefaultRng> {
    /// Ranks are exponential with the weight as rate.
    core: BottomK<DecayingRank, T>,
    /// Items offered so far.
    seen: u64,
    /// Positive and finite, in the unit of the timestamps.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    half_life: f64,
    /// The hazard still to skip, if it is drawn. Each item subtracts its `weight * threshold`, and the item
    /// that makes the budget negative is accepted.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::optional_bits"))]
    budget: Option<f64>,
    /// The last timestamp and its `weight * threshold`, unless that must be computed again.
    #[cfg_attr(feature = "serde", serde(skip))]
    last: Option<Hazard>,
    rng: R,
}

/// A timestamp with its `weight * threshold`.
#[derive(Clone, Copy, Debug)]
struct Hazard {
    time: f64,
    value: f64,
}

impl<T, R> DecayingReservoir<T, R> {
    /// Creates a sampler of `capacity` items that draws its random numbers from `rng`. `half_life` is in
    /// the unit of the timestamps.
    ///
    /// # Panics
    ///
    /// Panics if `capacity` is 0, or if `half_life` is not positive and finite.
    #[must_use]
    #[track_caller]
    pub fn with_rng(capacity: usize, half_life: f64, rng: R) -> Self {
        assert!(
            half_life > 0.0 && half_life < f64::INFINITY,
            "the half-life must be positive and finite, not {half_life}"
        );
        Self {
            core: BottomK::new(capacity),
            seen: 0,
            half_life,
            budget: None,
            last: None,
            rng,
        }
    }

    /// Returns the age at which the weight of an item has halved, in the unit of the timestamps.
    #[must_use]
    pub fn half_life(&self) -> f64 {
        self.half_life
    }

    /// Iterates over the items held with their timestamps, in no meaningful order.
    pub fn iter_timed(&self) -> impl ExactSizeIterator<Item = (&T, f64)> + Clone {
        self.core.iter().map(|entry| (&entry.item, entry.rank.time))
    }

    /// The items held with `2^((t - now) / half_life)` and their inclusion probabilities given the
    /// threshold: 1 without a threshold.
    pub(crate) fn entries(&self, now: f64) -> impl Iterator<Item = (&T, f64, f64)> {
        let threshold = self.core.threshold();
        self.core.iter().map(move |entry| {
            let time = entry.rank.time;
            let weight = libm::exp2((time - now) / self.half_life);
            let probability = threshold.map_or(1.0, |threshold| {
                -libm::expm1(-self.hazard(time, threshold.log2_rank))
            });
            (&entry.item, weight, probability)
        })
    }

    /// `weight * threshold` of an item.
    fn hazard(&self, time: f64, log2_threshold: Exponent) -> f64 {
        libm::exp2(Exponent::quotient(time, self.half_life).plus(log2_threshold))
    }

    /// Removes every item. The capacity, the half-life and the state of the generator stay.
    pub fn clear(&mut self) {
        self.seen = 0;
        self.forget_draws();
        self.core.clear();
    }

    /// Discards the budget and the hazard, because the threshold has changed.
    fn forget_draws(&mut self) {
        self.budget = None;
        self.last = None;
    }
}

impl<T, R: Rng> DecayingReservoir<T, R> {
    /// Offers one item with its timestamp.
    ///
    /// # Errors
    ///
    /// Returns an error if `time` is NaN or infinite. The sampler is then unchanged.
    #[inline]
    pub fn update_at(&mut self, item: T, time: f64) -> Result<(), TimeError> {
        self.update_timed(item, Timestamp::new(time)?);
        Ok(())
    }

    fn update_timed(&mut self, item: T, Timestamp(time): Timestamp) {
        let log2_weight = Exponent::quotient(time, self.half_life);
        let log2_rank = match self.core.threshold() {
            None => log2_weight
                .negated()
                .add(libm::log2(exponential(&mut self.rng))),
            Some(threshold) => {
                let budget = match self.budget {
                    Some(budget) => budget,
                    None => exponential(&mut self.rng),
                };
                let hazard = self.last_hazard(time, threshold.log2_rank);
                let left = budget - hazard;
                if left >= 0.0 {
                    self.budget = Some(left);
                    self.seen = self.seen.saturating_add(1);
                    return;
                }
                // The generator may panic before the next budget is drawn.
                self.forget_draws();
                self.log2_rank_below(log2_weight, threshold.log2_rank, hazard)
            }
        };
        self.seen = self.seen.saturating_add(1);
        let left_out = self.core.offer(DecayingRank { log2_rank, time }, item);
        self.forget_draws();
        drop(left_out);
    }

    /// The hazard of an item, computed again if its timestamp is not the last one.
    fn last_hazard(&mut self, time: f64, log2_threshold: Exponent) -> f64 {
        match self.last {
            Some(last) if last.time == time => last.value,
            _ => {
                let value = self.hazard(time, log2_threshold);
                self.last = Some(Hazard { time, value });
                value
            }
        }
    }

    /// The logarithm of a random rank, given that it is below the threshold; see `skip::ln_rank_below`.
    fn log2_rank_below(
        &mut self,
        log2_weight: Exponent,
        log2_threshold: Exponent,
        hazard: f64,
    ) -> Exponent {
        let u = open01(&mut self.rng);
        if hazard < f64::EPSILON / 16.0 {
            return log2_threshold.add(libm::log2(u));
        }
        let hit = -libm::expm1(-hazard);
        log2_weight
            .negated()
            .add(libm::log2(-libm::log1p(-u * hit)))
    }
}

impl<T, R: Rng> Extend<(T, Timestamp)> for DecayingReservoir<T, R> {
    fn extend<I: IntoIterator<Item = (T, Timestamp)>>(&mut self, items: I) {
        items
            .into_iter()
            .for_each(|(item, time)| self.update_timed(item, time));
    }
}

impl<T, R> Merge for DecayingReservoir<T, R> {
    /// Keeps the items of smallest rank of both sides, so any tree of merges over the same parts gives
    /// the same items. O(k), draws no random numbers.
    ///
    /// The new capacity is the smallest capacity of the sides that hold items.
    ///
    /// # Panics
    ///
    /// Panics if both sides hold items and their half-lives differ, because their ranks cannot be
    /// compared.
    #[track_caller]
    fn merge(&mut self, other: Self) {
        if self.is_empty() {
            self.half_life = other.half_life;
        } else if !other.is_empty() {
            assert!(
                self.half_life == other.half_life,
                "half-lives differ: {} and {}",
                self.half_life,
                other.half_life
            );
        }
        self.seen = self.seen.saturating_add(other.seen);
        self.forget_draws();
        self.core.merge(other.core);
    }
}

impl<T, R: Rng> Summary for DecayingReservoir<T, R> {
    type Item = (T, Timestamp);

    fn update(&mut self, (item, time): (T, Timestamp)) {
        self.update_timed(item, time);
    }
}

/// A finite timestamp, in the unit of the half-life.
///
/// The value is checked on construction, so a method that takes a `Timestamp` cannot fail.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Timestamp(f64);

impl Timestamp {
    /// Creates a timestamp.
    ///
    /// # Errors
    ///
    /// Returns an error if the number is NaN or infinite.
    pub fn new(time: f64) -> Result<Self, TimeError> {
        if time.is_finite() {
            Ok(Self(time))
        } else {
            Err(TimeError(time))
        }
    }

    /// Creates a timestamp from a whole number of units, rounded to the nearest `f64` if it is above 2^53:
    /// nanoseconds since 1970 to multiples of 256 ns.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_units(-5i64).get(), -5.0);
    /// assert_eq!(Timestamp::from_units(1u64 << 60).get(), 2f64.powi(60));
    /// ```
    #[must_use]
    pub fn from_units(units: impl Into<i128>) -> Self {
        Self(units.into() as f64)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<u32> for Timestamp {
    fn from(time: u32) -> Self {
        Self(time.into())
    }
}

impl From<i32> for Timestamp {
    fn from(time: i32) -> Self {
        Self(time.into())
    }
}

impl TryFrom<f64> for Timestamp {
    type Error = TimeError;

    fn try_from(time: f64) -> Result<Self, TimeError> {
        Self::new(time)
    }
}

/// The error for a timestamp that is not a finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeError(f64);

impl core::fmt::Display for TimeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the timestamp {} is not a finite number", self.0)
    }
}

impl core::error::Error for TimeError {}

#[cfg(feature = "serde")]
impl<T, R> DecayingReservoir<T, R> {
    /// Checks a reservoir that was read back.
    fn restore(&mut self) -> Result<(), &'static str> {
        let saturated = self.is_saturated();
        let held = self.core.len() as u64;
        if (saturated && self.seen <= held) || (!saturated && self.seen != held) {
            Err("the number of items seen does not fit the items held")
        } else if !(self.half_life > 0.0 && self.half_life < f64::INFINITY) {
            Err("the half-life is not positive and finite")
        } else if self.budget.is_some_and(|left| !(saturated && left >= 0.0)) {
            Err("the budget does not fit the reservoir")
        } else {
            Ok(())
        }
    }
}

stored!(DecayingReservoir<T, R> {
    core: BottomK<DecayingRank, T>,
    seen: u64,
    #[serde(with = "super::stored::bits")]
    half_life: f64,
    #[serde(with = "super::stored::optional_bits")]
    budget: Option<f64>,
    rng: R,
} last = None);
seeded_constructors!(DecayingReservoir, half_life: f64);
bottom_k_api!(DecayingReservoir, core);
seen_api!(DecayingReservoir);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::rank::Rank;
    use core::cmp::Ordering;

    #[test]
    fn exponents_keep_what_one_f64_would_lose() {
        let far = Exponent::quotient(1e18, 1.0).negated();
        let (a, b) = (far.add(0.25), far.add(0.5));
        assert_eq!(a.high, b.high);
        let rank = |log2_rank| DecayingRank {
            log2_rank,
            time: 0.0,
        };
        assert_eq!(rank(a).order(&rank(b)), Ordering::Less);
        assert_eq!(a.plus(Exponent::quotient(1e18, 1.0)), 0.25);
    }

    #[test]
    fn ranks_stay_finite_for_the_shortest_half_life_and_the_largest_time() {
        let mut sample = DecayingReservoir::with_seed(2, 5e-324, 1);
        for time in [f64::MIN, 0.0, 1.0, f64::MAX, f64::MAX, -1.0] {
            sample.update_at(time, time).expect("finite");
        }
        let finite = |rank: Exponent| rank.high.is_finite() && rank.low.is_finite();
        assert!(sample.core.iter().all(|entry| finite(entry.rank.log2_rank)));
        assert!(sample.iter().all(|&time| time > 0.0), "{sample:?}");
    }
}
