//! `EbPps`: a sample of bounded size with inclusion exactly proportional to weight, with decay.

#[cfg(feature = "serde")]
mod check;
mod estimates;
mod offer;

use alloc::vec::Vec;

use super::api::{gated_api, rankless_api};
use super::gate::{Gate, Pool};
use super::latent::Latent;
use super::stored::stored;
use super::weight::Weight;
use crate::random::DefaultRng;

/// A weighted random sample of at most `capacity` items with inclusion *exactly* proportional to weight,
/// and optional exponential [`decay`](Self::decay).
///
/// # Guarantee
///
/// Let k be the capacity, `W` the total weight and `w_max` the largest weight. Each item of weight `w`
/// is in the sample with probability exactly `w * rho`, where `rho = min(1 / w_max, k / W)`. The
/// expected size is `C = rho * W <= k`, and the actual size is `floor(C)` or `ceil(C)`.
///
/// The cost of exact proportion is a smaller sample: an item of half the total weight leaves room for
/// one more. [`VarOpt`](super::VarOpt) always keeps k items, and the heavy ones with certainty.
///
/// The guarantee holds after every update, every decay and every tree of merges. Items of weight zero
/// are counted as seen and never sampled. There is no guarantee for pairs. Without merges, equal weights
/// make every set of k items equally likely. A merge takes from each side its share of the sample to
/// within one item, which varies less than in a uniform sample.
///
/// # Decay
///
/// [`decay(factor)`](Self::decay) multiplies the weight of every item seen so far. Called between
/// batches with `exp(-lambda)`, it gives R-TBS, the time-biased reservoir: inclusion is proportional to
/// `w * exp(-lambda * age)`, with the age in batches, and the sample never exceeds k items.
///
/// # The partial item
///
/// If `C` is not a whole number, the sampler stores one item more than `floor(C)`, the partial item. It
/// is in the sample with probability `C - floor(C)`. One uniform number, drawn at the first item and after
/// [`clear`](Self::clear) anew, decides that. So [`len`](Self::len), [`iter`](Self::iter) and [`into_vec`](Self::into_vec) agree with each
/// other and over repeated calls, and the sample they show has the guarantee above at any time.
/// [`expected_len`](Self::expected_len) is `C`.
///
/// # Cost
///
/// A light item that is skipped costs an addition and two comparisons, and less in a slice. About
/// `1.4 k ln(W'/W)` items are examined while the total weight grows from W to W'. A new largest weight
/// drops the items that no longer fit. A merge is `O(k)`. Memory: `size_of::<T>()` bytes per item held.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. A merge draws from the
/// generator of `self`: the same merges in the same order give the same sample. Another order gives
/// another sample with the same distribution.
///
/// # Panics of items
///
/// If `Clone` of an item panics, the sampler can be used on, as if that item had not been offered. If `Drop` of
/// an item or the generator panics in an update that makes the sample smaller, or anything in a merge, the
/// sampler is empty afterwards, as after [`clear`](Self::clear).
///
/// # Range
///
/// As for [`VarOpt`](super::VarOpt), weights of all magnitudes may be mixed, and a weight below 2^-53 of
/// the sum it is added to is lost in rounding. Decay is unlimited, except that the total factor between
/// two items is at least 2^-700.
///
/// # References
///
/// Hentschel, Haas and Tian, *Exact PPS sampling with bounded sample size* (2023), and
/// *General temporally biased sampling schemes for online model management* (2019) for decay.
///
/// # Examples
///
/// ```
/// use forebay::sample::EbPps;
///
/// let mut recent = EbPps::with_seed(100, 42);
/// for batch in 0..50u32 {
///     recent.decay(0.9);
///     for item in 0..1_000 {
///         recent.update((batch, item));
///     }
/// }
/// assert_eq!(recent.len(), 100);
/// let last_ten = recent.iter().filter(|(batch, _)| *batch >= 40).count();
/// assert!(last_ten > 50); // 65 on average: 1 - 0.9^10
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EbPps<T, R = DefaultRng> {
    /// At least 1.
    capacity: usize,
    /// Of size `rho * total`. With `capacity` full items and no partial one the sample is saturated:
    /// `rho` is `k / W` until a weight above `W / k` comes.
    latent: Latent<T>,
    /// The scaled weight of all items, without the weight that passed the gate since, and without the
    /// factor `faded`.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    total: f64,
    /// The largest weight, scaled, without the factor `faded`.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    heaviest: f64,
    /// The decay that is not applied to the weights yet, from `FAINTEST` to 1. It is applied at the next
    /// item, because until then only the answers depend on it.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    faded: f64,
    /// The partial item is in the sample if its fraction is above this number, which is uniform and drawn at
    /// the first item.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::optional_bits"))]
    coin: Option<f64>,
    /// The gate of the pool of all items if the sample is saturated, else of the pool of the partial
    /// item; closed if there is neither.
    gate: Gate,
    /// Items offered so far, including those of weight zero.
    seen: u64,
    rng: R,
}

/// The smallest decay factor between two items, 2^-700: scaled sums do not underflow by it.
const FAINTEST: f64 =
    f64::MIN_POSITIVE * (1u128 << 127) as f64 * (1u128 << 127) as f64 * (1u128 << 68) as f64;

impl<T, R> EbPps<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self {
            capacity,
            latent: Latent::new(),
            total: 0.0,
            heaviest: 0.0,
            faded: 1.0,
            coin: None,
            gate: Gate::closed(),
            seen: 0,
            rng,
        }
    }

    /// Returns the number of items in the sample.
    #[must_use]
    pub fn len(&self) -> usize {
        self.latent.full().len() + usize::from(self.holds_partial())
    }

    /// Returns the expected number of items in the sample, `C = min(W / w_max, k)`.
    #[must_use]
    pub fn expected_len(&self) -> f64 {
        self.latent.full().len() as f64 + self.fraction()
    }

    /// Returns whether the sample holds `capacity` items.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.latent.full().len() >= self.capacity
    }

    /// Returns the sum of all weights offered, each multiplied by the decay since, at most `f64::MAX`.
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        let scaled = (self.total + self.gate.passed()) * self.faded;
        (scaled / self.gate.unit()).min(f64::MAX)
    }

    /// Returns the largest weight offered, each multiplied by the decay since; 0 if there was none.
    #[must_use]
    pub fn max_weight(&self) -> f64 {
        self.heaviest * self.faded / self.gate.unit()
    }

    /// Returns the probability that an offered item, whose decayed weight is now `weight`, is in the
    /// sample: `weight * rho`.
    #[must_use]
    pub fn inclusion_probability(&self, weight: Weight) -> f64 {
        let faded = weight.get() * self.gate.unit();
        let total = (self.total + self.gate.passed()) * self.faded;
        if total > 0.0 {
            (self.expected_len() * (faded / total)).min(1.0)
        } else {
            0.0
        }
    }

    /// Iterates over the items of the sample, in no meaningful order.
    pub fn iter(&self) -> super::Iter<'_, T> {
        let partial = self.latent.partial().filter(|_| self.holds_partial());
        super::Iter::new(self.latent.full().iter().chain(partial))
    }

    /// Returns the items of the sample, in no meaningful order.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        let whole = self.holds_partial();
        self.latent.into_items(whole)
    }

    /// Multiplies the weight of every item seen so far by `factor`. O(1), draws no random numbers.
    ///
    /// The sample does not change, because only ratios of weights matter.
    ///
    /// # Panics
    ///
    /// Panics if `factor` is not above 0 and at most 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::EbPps;
    ///
    /// let mut sample = EbPps::with_seed(3, 1);
    /// sample.extend_from_slices(&["a", "b", "c"], &[4.0, 2.0, 2.0])?;
    /// sample.decay(0.5);
    /// assert_eq!((sample.total_weight(), sample.max_weight()), (4.0, 2.0));
    /// # Ok::<(), forebay::sample::WeightError>(())
    /// ```
    #[track_caller]
    pub fn decay(&mut self, factor: f64) {
        assert!(
            factor > 0.0 && factor <= 1.0,
            "the decay factor must be above 0 and at most 1, not {factor}"
        );
        if factor < 1.0 {
            self.commit();
            self.faded = (self.faded * factor).max(FAINTEST);
            self.gate.close();
        }
    }

    /// Removes every item. The capacity and the state of the generator stay.
    pub fn clear(&mut self) {
        self.total = 0.0;
        self.heaviest = 0.0;
        self.faded = 1.0;
        self.coin = None;
        self.gate = Gate::closed();
        self.seen = 0;
        self.latent.clear();
    }

    /// Whether no item is held; items of weight zero may have been seen.
    fn holds_none(&self) -> bool {
        self.latent.is_empty()
    }

    /// The probability that the partial item is in the sample; 0 if there is none.
    fn fraction(&self) -> f64 {
        match self.latent.partial() {
            None => 0.0,
            Some(_) => (self.latent.fraction() + self.gate.passed() / self.heaviest).min(1.0),
        }
    }

    /// Whether the partial item is in the sample.
    fn holds_partial(&self) -> bool {
        self.coin.is_some_and(|coin| coin < self.fraction())
    }

    /// Adds the weight that passed the gate to the sums.
    fn commit(&mut self) {
        let passed = self.gate.take_passed();
        self.total += passed;
        if passed > 0.0 && !self.is_saturated() {
            self.latent.grow(passed / self.heaviest);
        }
    }

    /// Applies the pending decay, except for the factor `later`.
    fn apply_decay_but(&mut self, later: f64) {
        self.total *= self.faded / later;
        self.heaviest *= self.faded / later;
        self.faded = later;
    }

    /// The pool behind the gate: the slots of all full items, or that of the partial item alone.
    fn pool(&self) -> Option<Pool> {
        let heaviest = self.heaviest;
        if self.faded < 1.0 {
            None
        } else if self.is_saturated() {
            Some(Pool {
                weight: self.total,
                slots: self.capacity as f64,
                bound: f64::INFINITY,
                limit: heaviest,
            })
        } else {
            self.latent.partial().map(|_| Pool {
                weight: self.latent.fraction() * heaviest,
                slots: 1.0,
                // Above this weight the partial item becomes full.
                bound: (1.0 - self.latent.fraction()) * heaviest,
                limit: heaviest,
            })
        }
    }
}

stored!(EbPps<T, R> {
    capacity: usize,
    latent: Latent<T>,
    #[serde(with = "super::stored::bits")]
    total: f64,
    #[serde(with = "super::stored::bits")]
    heaviest: f64,
    #[serde(with = "super::stored::bits")]
    faded: f64,
    #[serde(with = "super::stored::optional_bits")]
    coin: Option<f64>,
    gate: Gate,
    seen: u64,
    rng: R,
});
rankless_api!(
    EbPps,
    /// Thins both sides to the smaller inclusion per weight that the largest weight and the
    /// capacity of the result allow, and joins them, which keeps the guarantee exactly. O(k). Draws
    /// from the generator of `self`, unless a side holds no items.
    ///
    /// The new capacity is the smallest capacity of the sides that hold items. Sides that decay must
    /// have been decayed to the same moment.
    merge
);
gated_api!(EbPps);
