//! Updates and merges of an `EbPps` sample.

use rand::Rng;

use super::EbPps;
use crate::random::{open01, position};
use crate::sample::gate::Pool;

impl<T, R: Rng> EbPps<T, R> {
    /// Offers an item that the gate stopped.
    #[cold]
    #[inline(never)]
    pub(super) fn consider(&mut self, item: impl FnOnce() -> T, weight: f64) {
        if weight == 0.0 {
            return;
        }
        let candidate = self.gate.stopped_by_jump(weight);
        self.commit();
        match self.pool().filter(|_| candidate) {
            Some(pool) => self.join(pool, item, weight),
            None => self.insert(item, weight),
        }
        self.open_gate();
    }

    /// Adds a candidate to the pool.
    fn join(&mut self, pool: Pool, item: impl FnOnce() -> T, weight: f64) {
        let scaled = weight * self.gate.unit();
        let takes_slot = pool.takes_slot(scaled, &mut self.rng);
        if self.is_saturated() {
            if takes_slot {
                let slot = position(&mut self.rng, self.capacity);
                self.latent.replace_full(slot, item());
            }
        } else {
            if takes_slot {
                self.latent.replace_partial(item());
            }
            self.latent.grow(scaled / self.heaviest);
        }
        self.fit(weight);
        self.total += weight * self.gate.unit();
    }

    /// Chooses a unit in which the weight can be added to the total.
    fn fit(&mut self, weight: f64) {
        let factor = self.gate.fit(self.total, weight);
        self.total *= factor;
        self.heaviest *= factor;
    }

    /// Adds an item of any weight.
    fn insert(&mut self, item: impl FnOnce() -> T, weight: f64) {
        self.apply_decay_but(1.0);
        if self.coin == 0.0 {
            self.coin = open01(&mut self.rng);
        }
        self.fit(weight);
        let scaled = weight * self.gate.unit();
        let (before, after) = (self.total, self.total + scaled);
        let heavier = scaled > self.heaviest;
        self.total = after;
        self.heaviest = self.heaviest.max(scaled);
        let most = self.capacity as f64;
        if self.is_saturated() && (!heavier || scaled * most <= after) {
            // Every full item is equally likely to make room.
            if open01(&mut self.rng) * after < most * scaled {
                let slot = position(&mut self.rng, self.capacity);
                self.latent.replace_full(slot, item());
            }
            return;
        }
        let size = (after / self.heaviest).min(most);
        if heavier || size == most {
            self.latent.shrink(size * (before / after), &mut self.rng);
        }
        let probability = size * (scaled / after);
        self.latent.add(item(), probability, &mut self.rng);
        self.round_to(size);
    }

    /// Rounds the sample to whole items if its size is the capacity: a partial item is then only a
    /// rounding error.
    fn round_to(&mut self, size: f64) {
        if size == self.capacity as f64 || self.is_saturated() {
            self.latent.round(self.capacity);
        }
    }

    /// Merges two sides that both hold items.
    pub(super) fn merge_held(&mut self, mut other: Self) {
        // Decay that is pending on both sides stays pending, so merges alone never make sums underflow.
        let faded = self.faded.max(other.faded);
        for side in [&mut *self, &mut other] {
            side.commit();
            side.apply_decay_but(faded);
        }
        self.capacity = self.capacity.min(other.capacity);
        let factors = self.gate.align(self.total, &other.gate, other.total);
        let (ours, theirs) = (self.total * factors.0, other.total * factors.1);
        self.total = ours + theirs;
        self.heaviest = (self.heaviest * factors.0).max(other.heaviest * factors.1);
        let size = (self.total / self.heaviest).min(self.capacity as f64);
        self.latent
            .shrink(size * (ours / self.total), &mut self.rng);
        other
            .latent
            .shrink(size * (theirs / self.total), &mut self.rng);
        self.latent.merge(other.latent, &mut self.rng);
        self.round_to(size);
        self.open_gate();
    }
}
