//! What a decaying sample says about its stream.

use super::DecayingReservoir;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};

/// Estimates from a decaying sample: an item of timestamp t counts `2^((t - now) / half_life)` at the
/// time `now`.
///
/// Horvitz-Thompson sums, with the intervals and the limits of those of a
/// [`WeightedReservoir`](crate::sample::WeightedReservoir).
impl<T, R> DecayingReservoir<T, R> {
    /// Estimates the decayed count at `now` of the items seen that satisfy `predicate`, at confidence 0.95.
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

    /// Estimates the decayed count at `now` of the items seen that satisfy `predicate`.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
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
        estimate::sum_from_parts(parts, !self.is_saturated(), confidence)
    }
}
