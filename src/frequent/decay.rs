//! Exponential decay of weights.

use num_traits::Float;

use super::misra_gries::{MisraGries, Steps};
use super::weight::Weight;

impl<K: core::hash::Hash + Eq, W: Weight + Float, S: core::hash::BuildHasher> MisraGries<K, W, S> {
    /// Multiplies everything seen so far by `factor`: totals, counters and errors alike.
    ///
    /// Afterwards every bound holds for the true weights multiplied by `factor`. So one call per time step
    /// gives exponentially decayed weights. Counters that underflow are dropped. Bounds hold up to the
    /// rounding of one multiplication per call.
    ///
    /// O(k).
    ///
    /// # Panics
    ///
    /// Panics if `factor` is not between 0 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::MisraGries;
    ///
    /// let mut summary: MisraGries<&str, f64> = MisraGries::with_weights(8);
    /// summary.update_weighted("ebb", 8.0);
    /// summary.scale(0.5);
    /// summary.update_weighted("flow", 5.0);
    /// assert_eq!(*summary.top(1)[0].key, "flow");
    /// assert_eq!(summary.lower_bound("ebb"), 4.0);
    /// ```
    #[track_caller]
    pub fn scale(&mut self, factor: W) {
        assert!(
            W::zero() <= factor && factor <= W::one(),
            "the factor must be between 0 and 1, not {factor}"
        );
        let total = self.total * factor;
        if total == W::zero() {
            return self.clear();
        }
        let remains = self.counters.scale(factor);
        if factor < W::one() {
            self.steps = Steps::Weighted;
        }
        self.total = total;
        self.subtracted = self.subtracted * factor;
        self.likely_cut = self.likely_cut * factor;
        drop(remains);
    }
}
