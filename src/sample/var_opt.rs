//! `VarOpt`: variance-optimal sampling by weight.

#[cfg(feature = "datasketches")]
pub(super) mod adjusted;
#[cfg(any(feature = "serde", feature = "datasketches"))]
mod check;
mod offer;

use alloc::vec::Vec;

use super::api::{iterate_and_debug, offer_weighted, seeded_constructors, seen_api};
use super::gate::{Gate, Pool};
use super::split::Split;
use super::stored::stored;
use super::weight::Weight;
use crate::estimate::{self, Estimate, Included};
use crate::random::DefaultRng;

/// A weighted random sample of `capacity` items, inclusion proportional to weight as far as that is
/// possible, with the smallest variance any sample of that size can promise for subset sums.
///
/// # Guarantee
///
/// There is a threshold `tau`, fixed by the weights seen and nothing else, such that every item of
/// weight `w` is in the sample with probability exactly `min(1, w / tau)`, the sample has exactly k
/// items, and inclusions are never positively correlated. With the *adjusted* weight `max(w, tau)`
/// for each item held,
///
/// - the adjusted weights of any subset sum to an unbiased estimate of its weight,
/// - all of them sum to the total weight, with no error but rounding,
/// - the average variance over subsets of any one size is the least possible.
///
/// This holds after every update and every tree of merges. Items of weight zero are counted as seen
/// and never sampled. A stream with at most k items of positive weight is kept whole, and `tau` is
/// 0.
///
/// # Cost
///
/// A light item (one of at most half of `tau`) that is passed over costs an addition and two
/// comparisons, in blocks of a slice less than that; about `1.4 k ln(W'/W)` light items are looked at
/// while the total weight grows from W to W'. A heavier one costs `O(log k)`. A merge is
/// `O(k log k)`. Memory: `8 + size_of::<T>()` bytes, rounded up, for each item held, up to twice that
/// while the sample fills.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. A merge draws from the
/// generator of `self`: the same merges in the same order give the same sample; another order
/// gives another one of the same law and the same `tau` up to rounding.
///
/// # Range
///
/// Sums are kept in units that follow their size: weights from the smallest subnormal to the
/// largest finite number may be mixed. Weights below 2^-53 of the sum they are added to are lost in
/// it.
///
/// # References
///
/// Cohen, Duffield, Kaplan, Lund and Thorup, *Stream sampling for variance-optimal estimation of
/// subset sums* (2009). How light items are passed over is described under *The gate* in DESIGN.md.
///
/// # Examples
///
/// ```
/// use forebay::sample::VarOpt;
///
/// let mut sample = VarOpt::with_seed(100, 42);
/// for flow in 0..10_000u32 {
///     let bytes = if flow % 1_000 == 0 { 1e6 } else { 100.0 + f64::from(flow % 7) };
///     sample.update_weighted(flow, bytes)?;
/// }
/// // The ten heavy flows are in the sample, and what all have in common is known exactly.
/// assert_eq!(sample.iter().filter(|&flow| flow % 1_000 == 0).count(), 10);
/// let all: f64 = sample.iter_weighted().map(|(_, adjusted)| adjusted).sum();
/// assert!((all / sample.total_weight() - 1.0).abs() < 1e-12);
/// # Ok::<(), forebay::sample::WeightError>(())
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct VarOpt<T, R = DefaultRng> {
    /// At least 1.
    capacity: usize,
    /// All items of positive weight, all of them heavy, as long as they are at most `capacity`; from
    /// then on exactly `capacity` items, at least one of them light, each heavy one of weight
    /// `tau` or more.
    split: Split<T>,
    /// The scaled weight of all items that are not heavy now, less what the gate let pass: `tau`
    /// times the number of light items.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    light_weight: f64,
    /// Before the pool of light items; closed while there are none.
    gate: Gate,
    /// Items offered so far, those of weight zero included.
    seen: u64,
    rng: R,
}

impl<T, R> VarOpt<T, R> {
    /// A sampler of `capacity` items that draws from `rng`.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_rng(capacity: usize, rng: R) -> Self {
        assert!(capacity > 0, "the capacity of a sample must be at least 1");
        Self {
            capacity,
            split: Split::new(),
            light_weight: 0.0,
            gate: Gate::closed(),
            seen: 0,
            rng,
        }
    }

    /// The most items the sample holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of items held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.split.len()
    }

    /// Whether the capacity has made any item be left out.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        !self.split.light().is_empty()
    }

    /// The threshold: items at least as heavy are certain to be held, lighter ones are held with
    /// probability `w / tau` and stand for a weight of `tau`. 0 while nothing has been left out;
    /// `f64::MAX` at most.
    #[must_use]
    pub fn tau(&self) -> f64 {
        (self.scaled_tau() / self.gate.unit()).min(f64::MAX)
    }

    fn scaled_tau(&self) -> f64 {
        match self.split.light().len() {
            0 => 0.0,
            slots => (self.light_weight + self.gate.passed()) / slots as f64,
        }
    }

    /// The sum of all weights offered, `f64::MAX` at most. O(k).
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        let heavy: f64 = self.split.heavy().iter().map(|entry| entry.weight).sum();
        let light = (self.light_weight + self.gate.passed()) / self.gate.unit();
        (heavy + light).min(f64::MAX)
    }

    /// The probability with which an item of weight `weight` that was offered is in the sample:
    /// `min(1, weight / tau)`.
    #[must_use]
    pub fn inclusion_probability(&self, weight: Weight) -> f64 {
        let scaled = weight.get() * self.gate.unit();
        match self.scaled_tau() {
            tau if scaled < tau => scaled / tau,
            _ if weight.get() == 0.0 => 0.0,
            _ => 1.0,
        }
    }

    /// The items held, in no meaningful order.
    pub fn iter(&self) -> super::Iter<'_, T> {
        super::Iter::of_weighted(self.split.as_slice())
    }

    /// The items held with their *adjusted* weights `max(w, tau)`, in no meaningful order: these
    /// sum to [`total_weight`](Self::total_weight), and those of any subset to an unbiased estimate
    /// of its weight.
    pub fn iter_weighted(&self) -> impl ExactSizeIterator<Item = (&T, f64)> + Clone {
        let (tau, heavy) = (self.tau(), self.split.heavy().len());
        let entries = self.split.as_slice().iter().enumerate();
        entries.map(move |(i, entry)| {
            let adjusted = if i < heavy { entry.weight } else { tau };
            (&entry.item, adjusted)
        })
    }

    /// The items held, in no meaningful order.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        let entries = self.split.into_entries().into_iter();
        entries.map(|entry| entry.item).collect()
    }

    /// The same sample with every item replaced by what `make` makes of it. O(k); draws nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::VarOpt;
    ///
    /// let mut flows = VarOpt::with_seed(2, 1);
    /// flows.extend([(("a", 80), 700.into()), (("b", 443), 20.into())]);
    /// let ports: VarOpt<u16> = flows.map(|(_host, port)| port);
    /// assert_eq!((ports.len(), ports.total_weight()), (2, 720.0));
    /// ```
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> VarOpt<U, R> {
        VarOpt {
            capacity: self.capacity,
            split: self.split.map(make),
            light_weight: self.light_weight,
            gate: self.gate,
            seen: self.seen,
            rng: self.rng,
        }
    }

    /// The weight of all items seen that satisfy `predicate`, with an interval of confidence 0.95.
    ///
    /// See [`estimate_weight_with_confidence`](Self::estimate_weight_with_confidence).
    pub fn estimate_weight(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_weight_with_confidence(predicate, estimate::DEFAULT_CONFIDENCE)
    }

    /// The weight of all items seen that satisfy `predicate`.
    ///
    /// The value is the unbiased sum of adjusted weights. Heavy items are known exactly; the share
    /// of the light items' weight that satisfies `predicate` is estimated by how many of the light
    /// slots do, with Wilson's score interval (Wilson 1927). Its variance is the binomial one times a
    /// correction for sampling without replacement that is estimated from the inclusion
    /// probabilities of the items held, as in Hájek's approximation (1964). The interval is cut to
    /// what the sample leaves possible: at least the weight of the items held that satisfy
    /// `predicate`, at most the total less the weight of those that do not. While nothing has
    /// been left out the sum is exact and the interval has no width.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::VarOpt;
    ///
    /// let mut sample = VarOpt::with_seed(500, 1);
    /// for i in 0..100_000u32 {
    ///     sample.update_weighted(i, f64::from(i % 100))?;
    /// }
    /// let even = sample.estimate_weight_with_confidence(|i| i % 2 == 0, 0.99);
    /// assert!(even.contains(2_450_000.0));
    /// # Ok::<(), forebay::sample::WeightError>(())
    /// ```
    #[track_caller]
    pub fn estimate_weight_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let [mut hits, mut misses] = [Included::default(); 2];
        let mut heavy = [0.0; 2];
        for entry in self.split.heavy() {
            heavy[usize::from(predicate(&entry.item))] += entry.weight;
        }
        let (tau, unit) = (self.scaled_tau(), self.gate.unit());
        for entry in self.split.light() {
            let side = if predicate(&entry.item) {
                &mut hits
            } else {
                &mut misses
            };
            side.add(entry.weight * unit / tau);
        }
        let light = estimate::slots_of_sample(hits, misses, confidence);
        light.map(|slots| (heavy[1] + slots * (tau / unit)).min(f64::MAX))
    }

    /// The items held with the probabilities with which they were included.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&T, f64)> {
        let (tau, unit) = (self.scaled_tau(), self.gate.unit());
        let heavy = self.split.heavy().iter().map(|entry| (&entry.item, 1.0));
        let light = self.split.light().iter();
        heavy.chain(light.map(move |entry| (&entry.item, (entry.weight * unit / tau).min(1.0))))
    }

    /// Forgets every item; capacity and generator stay.
    pub fn clear(&mut self) {
        self.split.clear();
        self.light_weight = 0.0;
        self.gate = Gate::closed();
        self.seen = 0;
    }

    /// The light items as the gate sees them, if there are any.
    fn pool(&self) -> Option<Pool> {
        let slots = self.split.light().len() as f64;
        let lightest = self.split.lightest_heavy().unwrap_or(f64::INFINITY);
        self.is_saturated().then(|| Pool {
            weight: self.light_weight,
            slots,
            // From here on the lightest of the heavy items is not heavy any more.
            bound: lightest * self.gate.unit() * slots - self.light_weight,
            limit: f64::INFINITY,
        })
    }

    /// Adds a weight to that of the light items.
    fn add_light(&mut self, weight: f64) {
        self.light_weight *= self.gate.fit(self.light_weight, weight);
        self.light_weight += weight * self.gate.unit();
    }

    /// Moves heavy items to the light ones until the threshold is below all that are left, and
    /// gives it, scaled.
    ///
    /// There are more items than slots. With h heavy items left the others share `k - h` slots, so
    /// the threshold is their weight over that number; it rises with every item moved, and stops
    /// below the first that is heavier.
    fn raise_tau(&mut self) -> f64 {
        loop {
            let slots = self.capacity.saturating_sub(self.split.heavy().len()) as f64;
            match self.split.lightest_heavy() {
                Some(weight)
                    if slots < 1.0 || weight * self.gate.unit() * slots < self.light_weight =>
                {
                    self.split.sink();
                    self.add_light(weight);
                }
                _ => return self.light_weight / slots,
            }
        }
    }
}

#[cfg(feature = "serde")]
impl<T, R> VarOpt<T, R> {
    /// Checks a sample that was read back, and opens its gate again.
    fn restore(&mut self) -> Result<(), &'static str> {
        self.check()?;
        let pool = self.pool();
        self.gate.restore(pool)
    }
}

stored!(VarOpt<T, R> {
    capacity: usize,
    split: Split<T>,
    #[serde(with = "super::stored::bits")]
    light_weight: f64,
    gate: Gate,
    seen: u64,
    rng: R,
});
seeded_constructors!(VarOpt);
seen_api!(VarOpt);
offer_weighted!(VarOpt);
iterate_and_debug!(VarOpt);
