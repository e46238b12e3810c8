//! What draws with replacement say about their stream.

use super::ReplacementReservoir;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};
use crate::sample::estimate_api::value_estimates;
use crate::sample::iter::Iter;

/// Estimates from draws with replacement.
///
/// The k draws are independent, so the intervals have no correction for a finite population. For a
/// stream of one item the answer is exact. For longer streams it is an estimate, however large the
/// capacity.
impl<T, R> ReplacementReservoir<T, R> {
    /// Estimates the number of items seen that satisfy `predicate`, at confidence 0.95.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::ReplacementReservoir;
    ///
    /// let mut draws = ReplacementReservoir::with_seed(500, 3);
    /// draws.extend((0..20_000).map(|i| if i % 10 == 0 { "404" } else { "200" }));
    /// let missing = draws.estimate_count_with_confidence(|status| *status == "404", 0.999);
    /// assert!(missing.contains(2_000.0));
    /// ```
    pub fn estimate_count(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_count_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// Estimates the number of items seen that satisfy `predicate`, with Wilson's interval (Wilson 1927)
    /// widened to whole numbers.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_count_with_confidence(
        &self,
        predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let seen = self.seen() as f64;
        let mut count = self.estimate_fraction_with_confidence(predicate, confidence);
        count = count.scaled(seen);
        count.lower = libm::floor(count.lower);
        count.upper = libm::ceil(count.upper).min(seen).max(count.value);
        count
    }

    /// Estimates the share of the items seen that satisfies `predicate`, at confidence 0.95; 0 if no
    /// item was seen.
    pub fn estimate_fraction(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_fraction_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// Estimates the share of the items seen that satisfies `predicate`, with Wilson's interval (Wilson
    /// 1927).
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_fraction_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        estimate::check_confidence(confidence);
        let hits = self.iter().filter(|item| predicate(item)).count() as f64;
        let draws = self.len().max(1) as f64;
        if self.seen() <= 1 {
            return Estimate::exact(hits / draws);
        }
        estimate::share_of_draws(hits / draws, draws, confidence)
    }

    /// A uniform sample without replacement, and the size of its population: of the only item, or of so many
    /// that draws with replacement have the same distribution.
    fn uniform(&self) -> (core::iter::Take<Iter<'_, T>>, u64) {
        match self.seen() {
            0 | 1 => (self.iter().take(1), self.seen()),
            _ => (self.iter().take(self.len()), u64::MAX),
        }
    }
}

value_estimates!(ReplacementReservoir);
