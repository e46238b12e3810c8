//! The checks of a `VarOpt` sample that is read back.

use super::VarOpt;
use crate::sample::gate::is_fit;
use crate::sample::split::Weighted;

impl<T, R> VarOpt<T, R> {
    /// Returns the invariant that does not hold, apart from those of the gate.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if !self.split.is_valid() {
            return Err("the weights of a sample are out of range or not in order");
        }
        let saturated = self.is_saturated();
        let tau = self.light_weight / self.split.light().len() as f64;
        let scaled = |weight: f64| weight * self.gate.unit();
        let almost = 1.0 + 1e-9;
        let light_fits = |entry: &Weighted<T>| scaled(entry.weight) <= tau * almost;
        let lightest = self.split.lightest_heavy().unwrap_or(f64::INFINITY);
        if self.capacity == 0 {
            Err("the capacity of a sample is 0")
        } else if self.len() > self.capacity || saturated && self.len() != self.capacity {
            Err("a sample does not fit its capacity")
        } else if self.seen < self.len() as u64 + u64::from(saturated) {
            Err("a sample holds more items than it has seen")
        } else if !saturated && self.light_weight != 0.0 {
            Err("a sample without light items has a light weight")
        } else if saturated
            && !(is_fit(self.light_weight)
                && self.split.light().iter().all(light_fits)
                && tau <= scaled(lightest) * almost)
        {
            Err("the threshold does not fit the weights of the sample")
        } else {
            Ok(())
        }
    }
}
