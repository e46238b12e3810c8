//! `VarOpt`: variance-optimal sampling by weight.

#[cfg(feature = "datasketches")]
pub(super) mod adjusted;
#[cfg(any(feature = "serde", feature = "datasketches"))]
mod check;
mod estimates;
mod offer;

use alloc::vec::Vec;

use super::api::{gated_api, rankless_api};
use super::gate::{Gate, Pool};
use super::split::Split;
use super::stored::stored;
use super::weight::Weight;
use crate::random::DefaultRng;

/// A weighted random sample of `capacity` items with the smallest possible variance of subset sums.
///
/// # Guarantee
///
/// Let k be the capacity. There is a threshold `tau`, determined by the weights seen alone. Each item of
/// weight `w` is in the sample with probability exactly `min(1, w / tau)`, the sample has exactly k
/// items, and inclusions are never positively correlated. With the *adjusted* weight `max(w, tau)` of
/// each item held,
///
/// - the sum over any subset is an unbiased estimate of its weight,
/// - the sum over all items is the total weight, up to rounding,
/// - the average variance over the subsets of any fixed size is the least possible.
///
/// This holds after every update and every tree of merges. Items of weight zero are counted as seen and
/// never sampled. The sample holds all items of positive weight if there are at most k; then `tau` is
/// 0.
///
/// # Cost
///
/// A light item (of weight at most `tau / 2`) that is skipped costs an addition and two comparisons, and
/// less in a slice. About `1.4 k ln(W'/W)` light items are examined while the total weight grows from W
/// to W'. A heavier item costs `O(log k)`. A merge is `O(k log k)`.
///
/// Memory: `8 + size_of::<T>()` bytes per item held, rounded up to the alignment; up to twice that while
/// the sample fills.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. A merge draws from the
/// generator of `self`: the same merges in the same order give the same sample. Another order gives
/// another sample with the same distribution, and the same `tau` up to rounding.
///
/// # Panics of items
///
/// If `Clone` or `Drop` of an item panics in an update, the sampler can be used on, as if the item had not been
/// offered or as if nothing had happened. If the generator panics while an item is left out, or anything in a
/// merge, the sampler is empty afterwards, as after [`clear`](Self::clear).
///
/// # Range
///
/// Sums are scaled by a power of two that follows their size, so weights from the smallest subnormal to
/// the largest finite number may be mixed. A weight below 2^-53 of the sum it is added to is lost in
/// rounding.
///
/// # References
///
/// Cohen, Duffield, Kaplan, Lund and Thorup, *Stream sampling for variance-optimal estimation of
/// subset sums* (2009). For the skips over light items see *The gate* in DESIGN.md.
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
/// // The ten heavy flows are in the sample, and the total weight is exact.
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
    /// All items of positive weight, as heavy ones, if there are at most `capacity`. Otherwise exactly
    /// `capacity` items: at least one light one, and heavy ones of weight at least `tau`.
    split: Split<T>,
    /// The scaled weight of all items that are not heavy, without the weight that passed the gate since:
    /// `tau` times the number of light items.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    light_weight: f64,
    /// The gate of the pool of light items; closed if there are none.
    gate: Gate,
    /// Items offered so far, those of weight zero included.
    seen: u64,
    rng: R,
}

impl<T, R> VarOpt<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self {
            capacity,
            split: Split::new(),
            light_weight: 0.0,
            gate: Gate::closed(),
            seen: 0,
            rng,
        }
    }

    /// Returns the number of items held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.split.len()
    }

    /// Returns whether an item was left out because the sample was full.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        !self.split.light().is_empty()
    }

    /// Returns the threshold. Items of weight `w >= tau` are held with certainty. Lighter ones are held
    /// with probability `w / tau` and represent a weight of `tau`. It is 0 if no item was left out, and
    /// at most `f64::MAX`.
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

    /// Returns the sum of all weights offered, at most `f64::MAX`. O(k).
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        let heavy: f64 = self.split.heavy().iter().map(|entry| entry.weight).sum();
        let light = (self.light_weight + self.gate.passed()) / self.gate.unit();
        (heavy + light).min(f64::MAX)
    }

    /// Returns the probability that an offered item of weight `weight` is in the sample:
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

    /// Iterates over the items held, in no meaningful order.
    pub fn iter(&self) -> super::Iter<'_, T> {
        super::Iter::new(self.split.as_slice().iter())
    }

    /// Iterates over the items held with their *adjusted* weights `max(w, tau)`, in no meaningful order.
    ///
    /// They sum to [`total_weight`](Self::total_weight). The sum over any subset is an unbiased estimate
    /// of its weight.
    pub fn iter_weighted(&self) -> impl ExactSizeIterator<Item = (&T, f64)> + Clone {
        let (tau, heavy) = (self.tau(), self.split.heavy().len());
        let entries = self.split.as_slice().iter().enumerate();
        entries.map(move |(i, entry)| {
            let adjusted = if i < heavy { entry.weight } else { tau };
            (&entry.item, adjusted)
        })
    }

    /// Returns the items held, in no meaningful order.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        let entries = self.split.into_entries().into_iter();
        entries.map(|entry| entry.item).collect()
    }

    /// Converts every item with `make`; the sample stays the same otherwise. O(k), draws no random
    /// numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::VarOpt;
    ///
    /// let mut flows = VarOpt::with_seed(2, 1);
    /// flows.extend([(("a", 80), 700u32.into()), (("b", 443), 20u8.into())]);
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

    /// Removes every item. The capacity and the state of the generator stay.
    pub fn clear(&mut self) {
        self.light_weight = 0.0;
        self.gate = Gate::closed();
        self.seen = 0;
        self.split.clear();
    }

    /// Whether no item is held; items of weight zero may have been seen.
    fn holds_none(&self) -> bool {
        self.split.len() == 0
    }

    /// The pool of the light items, if there are any.
    fn pool(&self) -> Option<Pool> {
        let slots = self.split.light().len() as f64;
        let lightest = self.split.lightest_heavy().unwrap_or(f64::INFINITY);
        self.is_saturated().then(|| Pool {
            weight: self.light_weight,
            slots,
            // Above this weight the lightest heavy item becomes light.
            bound: lightest * self.gate.unit() * slots - self.light_weight,
            limit: f64::INFINITY,
        })
    }

    /// Adds a weight to that of the light items.
    fn add_light(&mut self, weight: f64) {
        self.light_weight *= self.gate.fit(self.light_weight, weight);
        self.light_weight += weight * self.gate.unit();
    }

    /// Makes heavy items light until the threshold is at most the weight of every heavy item. Returns the
    /// scaled threshold.
    ///
    /// There are more items than slots. With h heavy items, the others share `k - h` slots, so the
    /// threshold is their weight divided by `k - h`. It rises with every item moved, until the next item
    /// is at least as heavy.
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

stored!(VarOpt<T, R> {
    capacity: usize,
    split: Split<T>,
    #[serde(with = "super::stored::bits")]
    light_weight: f64,
    gate: Gate,
    seen: u64,
    rng: R,
});
rankless_api!(
    VarOpt,
    /// Samples the items of both sides again by their adjusted weights, which keeps the guarantee
    /// exactly. O(k log k). Draws from the generator of `self`, unless a side holds no items.
    ///
    /// The new capacity is the smallest capacity of the sides that hold items.
    merge
);
gated_api!(VarOpt);
