//! What a weighted sample says about its stream.

use super::WeightedReservoir;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};
use crate::sample::estimate_api::part_estimates;

/// Estimates from a weighted sample: Horvitz-Thompson sums.
///
/// Let t be the threshold, the smallest rank not held. Given t, inclusions behave as if independent,
/// each with probability `1 - exp(-w*t)`. So the sum of `value/probability` is unbiased, and so is the
/// variance estimate (Cohen and Kaplan 2008). The interval is the normal one. It is good if dozens of
/// items in the sample contribute. The answer is exact as long as no item has been left out.
impl<T, R> WeightedReservoir<T, R> {
    /// Estimates the total weight of the items seen that satisfy `predicate` (a subset sum), at
    /// confidence 0.95.
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

    /// Estimates the total weight of the items seen that satisfy `predicate`.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_weight_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let parts = self
            .entries()
            .map(|(item, weight, p)| (if predicate(item) { weight } else { 0.0 }, p));
        estimate::sum_from_parts(parts, !self.is_saturated(), confidence)
    }

    /// Estimates the total weight of all items seen from the sample alone, at confidence 0.95. The
    /// exact value is [`total_weight`](Self::total_weight).
    #[must_use]
    pub fn estimate_total_weight(&self) -> Estimate {
        self.estimate_weight(|_| true)
    }

    /// The items held with their inclusion probabilities.
    fn parts(&self) -> impl Iterator<Item = (&T, f64)> {
        self.entries().map(|(item, _, p)| (item, p))
    }
}

part_estimates!(WeightedReservoir);
