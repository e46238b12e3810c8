//! What the samplers that are not bottom-k say about the streams they were taken from.

use super::api::{part_estimates, value_estimates};
use super::eb_pps::EbPps;
use super::replacement::ReplacementReservoir;
use super::var_opt::VarOpt;
use crate::estimate::{self, DEFAULT_CONFIDENCE, Estimate};

// By the inclusion probabilities `min(1, w/tau)`. Those of a VarOpt sample are never positively
// correlated (Cohen et al. 2009), so the variance errs on the wide side where many items are alike.
part_estimates!(VarOpt);

/// Estimates of weight from an EB-PPS sample, whose inclusions are proportional to weight.
///
/// Each of the C items expected stands for `W/C` of the total faded weight W, which is known; that
/// is unbiased. The interval is Wilson's (Wilson 1927) for as many independent draws as items are
/// held, which is cautious: the sample is drawn without replacement. It is exact where every item seen
/// is certain to be held.
impl<T, R> EbPps<T, R> {
    /// The faded weight of the items seen that satisfy `predicate`, at confidence 0.95.
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

    /// The faded weight of the items seen that satisfy `predicate`.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_weight_with_confidence(
        &self,
        predicate: impl FnMut(&T) -> bool,
        confidence: f64,
    ) -> Estimate {
        let hits = self.iter().filter(count_if(predicate)).count() as f64;
        let (expected, total) = (self.expected_len(), self.total_weight());
        estimate::check_confidence(confidence);
        if expected == 0.0 || expected >= self.seen() as f64 {
            return Estimate::exact(hits / expected.max(1.0) * total);
        }
        let share = (hits / expected).min(1.0);
        estimate::share_of_draws(share, expected, confidence).scaled(total)
    }
}

/// Estimates from draws with replacement.
///
/// The k draws are independent, so the intervals are the binomial and Student's without a correction
/// for a finite population. A stream of one item is known; all other answers are estimates, however
/// large the capacity. All `_with_confidence` forms panic unless the confidence lies strictly between
/// 0 and 1.
impl<T, R> ReplacementReservoir<T, R> {
    /// How many of the items seen satisfy `predicate`, at confidence 0.95.
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

    /// How many of the items seen satisfy `predicate`: Wilson's interval (Wilson 1927), widened to
    /// whole numbers.
    ///
    /// # Panics
    ///
    /// If `confidence` does not lie strictly between 0 and 1.
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
        count.upper = libm::ceil(count.upper).min(seen);
        count
    }

    /// Which share of the items seen satisfies `predicate`, at confidence 0.95; 0 of nothing.
    pub fn estimate_fraction(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_fraction_with_confidence(predicate, DEFAULT_CONFIDENCE)
    }

    /// Which share of the items seen satisfies `predicate`: Wilson's interval (Wilson 1927).
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
        estimate::check_confidence(confidence);
        let hits = self.iter().filter(count_if(predicate)).count() as f64;
        let draws = self.len().max(1) as f64;
        if self.seen() <= 1 {
            return Estimate::exact(hits / draws);
        }
        estimate::share_of_draws(hits / draws, draws, confidence)
    }

    /// The number of items that draws without replacement would have to be from for the same law.
    fn drawn_from(&self) -> u64 {
        if self.seen() <= 1 { 1 } else { u64::MAX }
    }
}

value_estimates!(ReplacementReservoir, drawn_from);

/// `predicate` as [`Iterator::filter`] wants it.
fn count_if<T>(mut predicate: impl FnMut(&T) -> bool) -> impl FnMut(&&T) -> bool {
    move |item| predicate(item)
}
