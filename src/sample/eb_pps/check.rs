//! The checks of an `EbPps` sample that is read back.

use super::{EbPps, FAINTEST};
use crate::sample::gate::is_fit;

impl<T, R> EbPps<T, R> {
    /// Returns the invariant that does not hold, apart from those of the gate.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let empty = self.latent.is_empty();
        let held = self.latent.full().len() as u64 + u64::from(self.latent.partial().is_some());
        let size = (self.total / self.heaviest).min(self.capacity as f64);
        let possible = if empty {
            self.total == 0.0 && self.heaviest == 0.0
        } else {
            is_fit(self.total) && 0.0 < self.heaviest && self.heaviest <= self.total * (1.0 + 1e-9)
        };
        if self.capacity == 0 {
            Err("the capacity of a sample is 0")
        } else if !self.latent.is_valid() || held > self.capacity as u64 {
            Err("a sample does not fit its capacity")
        } else if self.seen < held {
            Err("a sample holds more items than it has seen")
        } else if !possible || !(FAINTEST..=1.0).contains(&self.faded) {
            Err("the weights of a sample do not fit its items")
        } else if self.coin.map_or(!empty, |coin| !(0.0..1.0).contains(&coin)) {
            Err("the coin of a sample is out of range")
        } else if !empty && libm::fabs(self.latent.size() - size) > 1e-6 * size {
            Err("the size of a sample does not fit its weights")
        } else {
            Ok(())
        }
    }
}
