//! What an EB-PPS sample says about its stream.

use super::EbPps;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};

/// Estimates of weight from an EB-PPS sample, whose inclusions are proportional to weight.
///
/// Each item held represents `W/C`, where W is the total decayed weight and C the expected size, both
/// known. The estimate is unbiased. The interval is Wilson's (Wilson 1927) for C independent draws, which
/// is conservative because the sample is drawn without replacement. The answer is exact if every item
/// seen is held with certainty.
impl<T, R> EbPps<T, R> {
    /// Estimates the decayed weight of the items seen that satisfy `predicate`, at confidence 0.95.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::EbPps;
    ///
    /// let mut recent = EbPps::with_seed(400, 1);
    /// for batch in 0..50 {
    ///     recent.decay(0.9);
    ///     (0..1_000u32).for_each(|i| recent.update(1_000 * batch + i));
    /// }
    /// let even = recent.estimate_weight(|i| i % 2 == 0);
    /// assert!(even.contains(recent.total_weight() / 2.0));
    /// ```
    pub fn estimate_weight(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_weight_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// Estimates the decayed weight of the items seen that satisfy `predicate`.
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
        estimate::check_confidence(confidence);
        let hits = self.iter().filter(|item| predicate(item)).count() as f64;
        let (expected, total) = (self.expected_len(), self.total_weight());
        if expected == 0.0 || expected >= self.seen() as f64 {
            // All weights are the largest one.
            return Estimate::exact((hits * self.max_weight()).min(f64::MAX));
        }
        let share = (hits / expected).min(1.0);
        estimate::share_of_draws(share, expected, confidence).scaled(total)
    }
}
