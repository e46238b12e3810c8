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
    /// The hazard still to skip. Each item subtracts its `weight * threshold`, and the item that makes
    /// the budget negative is accepted. NaN if it is still to be drawn.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    budget: f64,
    /// The last timestamp and its `weight * threshold`; NaN if that must be computed again.
    #[cfg_attr(feature = "serde", serde(skip))]
    last: Hazard,
    rng: R,
}

/// A timestamp with its `weight * threshold`.
#[derive(Clone, Copy, Debug)]
struct Hazard {
    time: f64,
    value: f64,
}

impl Default for Hazard {
    fn default() -> Self {
        Self {
            time: f64::NAN,
            value: f64::NAN,
        }
    }
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
            budget: f64::NAN,
            last: Hazard::default(),
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
        self.core.clear();
        self.seen = 0;
        self.forget_draws();
    }

    /// Discards the budget and the hazard, because the threshold has changed.
    fn forget_draws(&mut self) {
        self.budget = f64::NAN;
        self.last = Hazard::default();
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
        self.seen = self.seen.saturating_add(1);
        let log2_weight = Exponent::quotient(time, self.half_life);
        let log2_rank = match self.core.threshold() {
            None => log2_weight
                .negated()
                .add(libm::log2(exponential(&mut self.rng))),
            Some(threshold) => {
                let hazard = self.spend(time, threshold.log2_rank);
                if self.budget >= 0.0 {
                    return;
                }
                self.log2_rank_below(log2_weight, threshold.log2_rank, hazard)
            }
        };
        self.core.offer(DecayingRank { log2_rank, time }, item);
        self.forget_draws();
    }

    /// Subtracts the hazard of an item from the budget, and returns the hazard.
    fn spend(&mut self, time: f64, log2_threshold: Exponent) -> f64 {
        if self.budget.is_nan() {
            self.budget = exponential(&mut self.rng);
        }
        if self.last.time != time {
            let value = self.hazard(time, log2_threshold);
            self.last = Hazard { time, value };
        }
        self.budget -= self.last.value;
        self.last.value
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
        self.core.merge(other.core);
        self.seen = self.seen.saturating_add(other.seen);
        self.forget_draws();
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
/// The value is checked on construction, so a method that takes a `Timestamp` cannot fail. Numbers
/// above 2^53 are rounded to an `f64`: nanoseconds since 1970 to multiples of 256 ns.
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

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<u64> for Timestamp {
    fn from(time: u64) -> Self {
        Self(time as f64)
    }
}

impl From<i64> for Timestamp {
    fn from(time: i64) -> Self {
        Self(time as f64)
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
        } else if !(self.budget.is_nan() || saturated && self.budget >= 0.0) {
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
    #[serde(with = "super::stored::bits")]
    budget: f64,
    rng: R,
} last = Hazard::default());
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
