//! What a uniform sample says about its stream.

use super::Reservoir;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};
use crate::sample::estimate_api::value_estimates;
use crate::sample::iter::Iter;

/// Estimates from a uniform sample.
///
/// The answer is exact as long as no item has been left out: the interval has no width and the
/// confidence is 1. The methods without a confidence use 0.95.
///
/// ```
/// use forebay::sample::Reservoir;
///
/// let mut sizes = Reservoir::with_seed(1_000, 1);
/// sizes.extend((0..100_000u32).map(|i| i % 1_500));
/// let bytes = sizes.estimate_sum(|&size| f64::from(size));
/// assert!(bytes.contains((0..100_000u32).map(|i| f64::from(i % 1_500)).sum()));
/// ```
impl<T, R> Reservoir<T, R> {
    /// Estimates the number of items seen that satisfy `predicate`, at confidence 0.95.
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

    /// Estimates the number of items seen that satisfy `predicate`.
    ///
    /// The value is the unbiased `hits * n/k`. The interval is Wilson's score interval with the
    /// finite-population correction (Wilson 1927; Cochran 1977), rounded outwards to whole numbers
    /// and cut to the values that the sample leaves possible: at least the hits, at most n minus the
    /// misses.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_count_with_confidence(
        &self,
        mut predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let hits = self.iter().filter(|item| predicate(item)).count() as u64;
        estimate::count_from_sample(hits, self.len() as u64, self.seen(), confidence)
    }

    /// Estimates the share of the items seen that satisfies `predicate`, at confidence 0.95; 0 if no
    /// item was seen.
    pub fn estimate_fraction(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_fraction_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// Estimates the share of the items seen that satisfies `predicate`:
    /// [`estimate_count_with_confidence`](Self::estimate_count_with_confidence) divided by n.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_fraction_with_confidence(
        &self,
        predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let count = self.estimate_count_with_confidence(predicate, confidence);
        let seen = self.seen().max(1) as f64;
        count.map(|count| count / seen)
    }

    /// A uniform sample without replacement, and the size of its population.
    fn uniform(&self) -> (Iter<'_, T>, u64) {
        (self.iter(), self.seen())
    }
}

value_estimates!(Reservoir);
