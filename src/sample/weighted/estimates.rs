//! What a weighted sample says about its stream.

use super::WeightedReservoir;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};
use crate::sample::estimate_api::part_estimates;

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
