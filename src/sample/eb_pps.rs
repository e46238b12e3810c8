//! `EbPps`: sampling exactly proportional to weight, with a bound on the size, and its decay.

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

/// A weighted random sample of at most `capacity` items, inclusion *exactly* proportional to weight;
/// with [`decay`](Self::decay), to weight that fades with age.
///
/// # Guarantee
///
/// With total weight `W` and largest weight `w_max`, every item of weight `w` is in the sample with
/// probability exactly `w * rho`, where `rho = min(1 / w_max, k / W)`; the sample has
/// `C = rho * W <= k` items in expectation, and `floor(C)` or `ceil(C)` in fact. The price of exact
/// proportion is size: one item of half the total weight leaves room for one more. Where that is too
/// dear, [`VarOpt`](super::VarOpt) keeps k items, the heavy ones for certain.
///
/// This holds after every update, every decay and every tree of merges, the running maximum of
/// the weights included. Items of weight zero are counted as seen and never sampled. Nothing is
/// promised of pairs: without merges equal weights make every set of k items equally likely, but a
/// merge takes from each side its share of the sample to within one item, which is less than chance
/// would vary it.
///
/// # Decay
///
/// [`decay(factor)`](Self::decay) multiplies the weight of every item seen so far. Called between
/// batches with `exp(-lambda)`, it makes the sample of R-TBS, the time-biased reservoir: an
/// item's inclusion is proportional to `w * exp(-lambda * age)`, its age counted in batches, while
/// the sample never exceeds its bound.
///
/// # The partial item
///
/// While `C` is not a whole number the sampler holds one item more than `floor(C)`, which belongs to
/// the sample with probability `C - floor(C)`. Whether it does is settled by one number drawn when
/// the first item comes: so [`len`](Self::len), [`iter`](Self::iter) and
/// [`into_vec`](Self::into_vec) always agree, answer the same when asked again, and the sample they
/// show has the guarantee above at every moment. [`expected_len`](Self::expected_len) is `C`.
///
/// # Cost
///
/// A light item that is passed over costs an addition and two comparisons, in blocks of a slice less
/// than that; about `1.4 k ln(W'/W)` items are looked at while the total weight grows from W to W'.
/// A merge is `O(k)`. A new largest weight drops the items there is no room for. Memory:
/// `size_of::<T>()` bytes for each item held.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. A merge draws from the
/// generator of `self`: the same merges in the same order give the same sample; another order
/// gives another one of the same law.
///
/// # Range
///
/// As for [`VarOpt`](super::VarOpt): weights of all magnitudes may be mixed. Weights below 2^-53 of
/// the sum they are added to are lost in it. Time may pass without limit; decay by more than 2^-700
/// in all without a new item counts as that much.
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
    /// Of size `rho * total`. Once it holds `capacity` full items and no partial one the sample is
    /// saturated: `rho` is `k / W`, and stays so until a weight too large for it comes.
    latent: Latent<T>,
    /// The scaled weight of all items, less what the gate let pass, not yet multiplied by `faded`.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    total: f64,
    /// The largest weight, scaled, not yet multiplied by `faded`.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    heaviest: f64,
    /// What decay has yet to multiply the weights by, from `FAINTEST` to 1: applied when the next
    /// item comes, because until then nothing but the answers depends on it.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    faded: f64,
    /// The partial item belongs to the sample while its fraction is above this number; uniform, and
    /// 0 until the first item comes.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    coin: f64,
    /// Before the pool of all items if the sample is saturated, or of those that the partial item
    /// stands for; closed while neither is there.
    gate: Gate,
    /// Items offered so far, those of weight zero included.
    seen: u64,
    rng: R,
}

/// The most that decay between two items counts for, 2^-700: scaled sums survive it.
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
            coin: 0.0,
            gate: Gate::closed(),
            seen: 0,
            rng,
        }
    }

    /// The number of items in the sample.
    #[must_use]
    pub fn len(&self) -> usize {
        self.latent.full().len() + usize::from(self.is_whole())
    }

    /// The number of items in the sample on average, `C = min(W / w_max, k)`.
    #[must_use]
    pub fn expected_len(&self) -> f64 {
        self.latent.full().len() as f64 + self.fraction()
    }

    /// Whether the sample is as large as its bound allows.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.latent.full().len() >= self.capacity
    }

    /// The sum of all weights offered, each multiplied by the decay since; `f64::MAX` at most.
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        let scaled = (self.total + self.gate.passed()) * self.faded;
        (scaled / self.gate.unit()).min(f64::MAX)
    }

    /// The largest weight offered, each multiplied by the decay since; 0 if there was none.
    #[must_use]
    pub fn max_weight(&self) -> f64 {
        self.heaviest * self.faded / self.gate.unit()
    }

    /// The probability with which an item that was offered and now weighs `weight` is in the
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

    /// The items of the sample, in no meaningful order.
    pub fn iter(&self) -> super::Iter<'_, T> {
        let partial = self.latent.partial().filter(|_| self.is_whole());
        super::Iter::new(self.latent.full().iter().chain(partial))
    }

    /// The items of the sample, in no meaningful order.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        let whole = self.is_whole();
        self.latent.realise(whole)
    }

    /// Multiplies the weight of every item seen so far by `factor`. O(1); draws nothing.
    ///
    /// The sample stays as it is: weights matter only against each other.
    ///
    /// # Panics
    ///
    /// If `factor` is not above 0 and at most 1.
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
            "a decay factor must be above 0 and at most 1, not {factor}"
        );
        if factor < 1.0 {
            self.commit();
            self.faded = (self.faded * factor).max(FAINTEST);
            self.gate.close();
        }
    }

    /// Forgets every item; capacity and generator stay.
    pub fn clear(&mut self) {
        self.latent.clear();
        self.total = 0.0;
        self.heaviest = 0.0;
        self.faded = 1.0;
        self.gate = Gate::closed();
        self.seen = 0;
    }

    /// Whether no item is held; items of weight zero may have been seen.
    fn holds_none(&self) -> bool {
        self.latent.is_empty()
    }

    /// The partial item's probability of belonging to the sample, 0 if there is none.
    fn fraction(&self) -> f64 {
        match self.latent.partial() {
            None => 0.0,
            Some(_) => (self.latent.fraction() + self.gate.passed() / self.heaviest).min(1.0),
        }
    }

    /// Whether the partial item belongs to the sample.
    fn is_whole(&self) -> bool {
        self.coin < self.fraction()
    }

    /// Takes up the weight that has passed.
    fn commit(&mut self) {
        let passed = self.gate.take_passed();
        self.total += passed;
        if passed > 0.0 && !self.is_saturated() {
            self.latent.grow(passed / self.heaviest);
        }
    }

    /// Applies the decay put off until now, but for the factor `later`.
    fn fade_but(&mut self, later: f64) {
        self.total *= self.faded / later;
        self.heaviest *= self.faded / later;
        self.faded = later;
    }

    /// What the gate stands before: the slots of all full items, or that of the partial item alone.
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
                // From here on the partial item is a full one.
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
    #[serde(with = "super::stored::bits")]
    coin: f64,
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
