//! What the samples say about the streams they were taken from.

use super::api::{part_estimates, value_estimates};
use super::decaying::DecayingReservoir;
use super::reservoir::Reservoir;
use super::weighted::WeightedReservoir;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};

/// Estimates from a uniform sample.
///
/// ```
/// use forebay::sample::Reservoir;
///
/// let mut sizes = Reservoir::with_seed(1_000, 1);
/// sizes.extend((0..100_000u32).map(|i| i % 1_500));
/// let bytes = sizes.estimate_sum(|&size| f64::from(size));
/// assert!(bytes.contains((0..100_000u32).map(|i| f64::from(i % 1_500)).sum()));
/// ```
///
/// While nothing has been left out every answer is exact, its interval has no width and its
/// confidence is 1. The short forms use a confidence of 0.95. All `_with_confidence` forms panic
/// unless the confidence lies strictly between 0 and 1.
impl<T, R> Reservoir<T, R> {
    /// How many of the items seen satisfy `predicate`, at confidence 0.95.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::Reservoir;
    ///
    /// let mut sample = Reservoir::with_seed(500, 3);
    /// sample.extend((0..20_000).map(|i| if i % 10 == 0 { "404" } else { "200" }));
    /// let missing = sample.estimate_count(|status| *status == "404");
    /// assert!(missing.contains(2_000.0));
    /// ```
    pub fn estimate_count(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_count_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// How many of the items seen satisfy `predicate`.
    ///
    /// The value is the unbiased `hits * n/k`. The interval is Wilson's score interval with the
    /// finite-population correction (Wilson 1927; Cochran 1977), rounded outwards to whole numbers
    /// and cut to what the sample leaves possible: at least the hits, at most n less the misses.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_count_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let hits = self.iter().filter(|item| predicate(item)).count() as u64;
        estimate::count_from_sample(hits, self.len() as u64, self.seen(), confidence)
    }

    /// Which share of the items seen satisfies `predicate`, at confidence 0.95; 0 of nothing.
    pub fn estimate_fraction(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_fraction_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// Which share of the items seen satisfies `predicate`:
    /// [`estimate_count_with_confidence`](Self::estimate_count_with_confidence) divided by n.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_fraction_with_confidence(
        &self,
        predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let count = self.estimate_count_with_confidence(predicate, confidence);
        count.scaled(1.0 / self.seen().max(1) as f64)
    }
}

value_estimates!(Reservoir, seen);

/// Estimates from a weighted sample: Horvitz-Thompson sums.
///
/// The largest rank offered but not held, the threshold t, makes the inclusions of the items held
/// behave as if independent, each with probability `1 - exp(-w*t)`; so the sum of `value/probability` is
/// unbiased and so is the variance estimate (Cohen and Kaplan 2008). The interval is the normal one:
/// good where dozens of items held contribute. While nothing has been left out every answer is
/// exact. All `_with_confidence` forms panic unless the confidence lies strictly between 0 and 1.
impl<T, R> WeightedReservoir<T, R> {
    /// The total weight of the items seen that satisfy `predicate`, at confidence 0.95: a subset
    /// sum.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::WeightedReservoir;
    ///
    /// let mut sample = WeightedReservoir::with_seed(400, 7);
    /// for i in 0..50_000u32 {
    ///     sample.update_weighted(i, f64::from(i % 100))?;
    /// }
    /// let even = sample.estimate_weight(|i| i % 2 == 0);
    /// assert!(even.contains(500.0 * (0..100).step_by(2).sum::<u32>() as f64));
    /// # Ok::<(), forebay::sample::WeightError>(())
    /// ```
    pub fn estimate_weight(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_weight_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// The total weight of the items seen that satisfy `predicate`.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_weight_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let parts = self
            .entries()
            .map(|(item, weight, p)| (if predicate(item) { weight } else { 0.0 }, p));
        estimate::sum_from_parts(parts, confidence)
    }

    /// The total weight of all items seen as the sample alone tells it, at confidence 0.95; the
    /// true one is [`total_weight`](Self::total_weight).
    #[must_use]
    pub fn estimate_total_weight(&self) -> Estimate {
        self.estimate_weight(|_| true)
    }

    /// The items held with the probabilities with which the threshold let them in.
    fn parts(&self) -> impl Iterator<Item = (&T, f64)> {
        self.entries().map(|(item, _, p)| (item, p))
    }
}

part_estimates!(WeightedReservoir);

/// Estimates from a decaying sample: what the items seen count for at a moment `now`, each with
/// `2^((t - now) / half_life)`. Horvitz-Thompson sums with the method and the caveats of the weighted
/// sampler.
impl<T, R> DecayingReservoir<T, R> {
    /// The decayed count at `now` of the items seen that satisfy `predicate`, at confidence 0.95.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::DecayingReservoir;
    ///
    /// let mut recent = DecayingReservoir::with_seed(300, 60.0, 1);
    /// for second in 0..10_000u32 {
    ///     recent.update_at(second, f64::from(second))?;
    /// }
    /// let truth: f64 = (0..10_000).map(|age| f64::exp2(-f64::from(age) / 60.0)).sum();
    /// assert!(recent.estimate_decayed_count(|_| true, 9_999.0).contains(truth));
    /// # Ok::<(), forebay::sample::TimeError>(())
    /// ```
    pub fn estimate_decayed_count(&self, predicate: impl FnMut(&T) -> bool, now: f64) -> Estimate {
        self.estimate_decayed_count_with_confidence(predicate, now, DEFAULT_CONFIDENCE)
    }

    /// The decayed count at `now` of the items seen that satisfy `predicate`.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_decayed_count_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        now: f64,
        confidence: f64,
    ) -> Estimate {
        let entries = self.entries(now);
        let parts =
            entries.map(|(item, weight, p)| (if predicate(item) { weight } else { 0.0 }, p));
        estimate::sum_from_parts(parts, confidence)
    }
}
