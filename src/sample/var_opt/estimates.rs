//! What a `VarOpt` sample says about its stream.

use alloc::vec::Vec;

use super::VarOpt;
use crate::estimate::{self, Estimate, Included};
use crate::sample::estimate_api::part_estimates;

impl<T, R> VarOpt<T, R> {
    /// Estimates the weight of the items seen that satisfy `predicate`, at confidence 0.95.
    ///
    /// See [`estimate_weight_with_confidence`](Self::estimate_weight_with_confidence).
    pub fn estimate_weight(&self, predicate: impl FnMut(&T) -> bool) -> Estimate {
        self.estimate_weight_with_confidence(predicate, estimate::DEFAULT_CONFIDENCE)
    }

    /// Estimates the weight of the items seen that satisfy `predicate`.
    ///
    /// The value is the unbiased sum of adjusted weights. Heavy items are known exactly. The share of
    /// the light weight that satisfies `predicate` is estimated by the share of the light slots, with
    /// Wilson's score interval (Wilson 1927). Its variance is corrected for sampling without replacement
    /// by Hájek's approximation (1964) from the inclusion probabilities of the items held.
    ///
    /// The interval is cut to the values that the sample leaves possible: at least the weight of the items
    /// held that satisfy `predicate`, at most the total minus the weight of those that do not. The sum is
    /// exact as long as no item has been left out.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
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
        let heavy = self.split.heavy().iter();
        let heavy = heavy.filter(|entry| predicate(&entry.item));
        let heavy: Vec<f64> = heavy.map(|entry| entry.weight).collect();
        let heavy = estimate::sum_of(&heavy);
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
        light.map(|slots| (heavy + slots * (tau / unit)).min(f64::MAX))
    }

    /// The items held with their inclusion probabilities.
    fn parts(&self) -> impl Iterator<Item = (&T, f64)> {
        let (tau, unit) = (self.scaled_tau(), self.gate.unit());
        let heavy = self.split.heavy().iter().map(|entry| (&entry.item, 1.0));
        let light = self.split.light().iter();
        heavy.chain(light.map(move |entry| (&entry.item, (entry.weight * unit / tau).min(1.0))))
    }
}

// Inclusions in a VarOpt sample are never positively correlated (Cohen et al. 2009), so the variance of
// independent inclusions is conservative.
part_estimates!(VarOpt);
