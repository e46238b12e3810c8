//! How an `EbPps` sample takes in items and other samples.

use rand::Rng;

use super::EbPps;
use crate::Merge;
use crate::random::{open01, position};
use crate::sample::gate::Pool;
use crate::sample::weight::Weight;

impl<T, R: Rng> EbPps<T, R> {
    #[inline]
    pub(super) fn update_valid(&mut self, weight: Weight, item: impl FnOnce() -> T) {
        self.seen = self.seen.saturating_add(1);
        if !self.gate.pass(weight.get()) {
            self.consider(item, weight.get());
        }
    }

    /// Passes over the first of some items, and gives their number.
    pub(super) fn pass_first(&mut self, weights: &[f64]) -> usize {
        let passed = self.gate.pass_first(weights);
        self.seen = self.seen.saturating_add(passed as u64);
        passed
    }

    /// Offers an item that did not pass.
    #[cold]
    #[inline(never)]
    fn consider(&mut self, item: impl FnOnce() -> T, weight: f64) {
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

    fn open_gate(&mut self) {
        match self.pool() {
            Some(pool) => self.gate.open(pool, &mut self.rng),
            None => self.gate.close(),
        }
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

    /// Chooses a unit in which a weight can be added.
    fn fit(&mut self, weight: f64) {
        let factor = self.gate.fit(self.total, weight);
        self.total *= factor;
        self.heaviest *= factor;
    }

    /// Adds an item whatever its weight.
    fn insert(&mut self, item: impl FnOnce() -> T, weight: f64) {
        self.fade();
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
            // Every full item makes room alike.
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
        self.settle(size);
    }

    /// Ends an operation after which the sample is to have the given size.
    fn settle(&mut self, size: f64) {
        // At the bound nothing but rounding is left of a partial item.
        if size == self.capacity as f64 || self.is_saturated() {
            self.latent.round(self.capacity);
        }
    }

    /// Merges with a side that holds items, holding some.
    fn merge_held(&mut self, mut other: Self) {
        for side in [&mut *self, &mut other] {
            side.commit();
            side.fade();
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
        self.settle(size);
        self.open_gate();
    }
}

impl<T, R: Rng> Merge for EbPps<T, R> {
    /// Thins both sides to the smaller inclusion per weight that the largest weight and the
    /// capacity of the result allow, and puts them together, which keeps the guarantee exactly.
    /// O(k); draws from the generator of `self`, unless a side is empty.
    ///
    /// The capacity becomes the smaller one of the sides that hold anything. Sides that decay must
    /// have been decayed to the same moment.
    fn merge(&mut self, other: Self) {
        self.seen = self.seen.saturating_add(other.seen);
        match (self.latent.is_empty(), other.latent.is_empty()) {
            (true, true) => self.capacity = self.capacity.min(other.capacity),
            (_, true) => {}
            (true, false) => {
                self.capacity = other.capacity;
                self.latent = other.latent;
                self.total = other.total;
                self.heaviest = other.heaviest;
                self.faded = other.faded;
                self.coin = other.coin;
                self.gate = other.gate;
            }
            (false, false) => self.merge_held(other),
        }
    }
}
