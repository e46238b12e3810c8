//! Updates and merges of an `EbPps` sample.

use rand::Rng;

use super::EbPps;
use crate::random::{open01, position};
use crate::sample::gate::Pool;
use crate::sample::whole::whole;

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
        // The caller's code may panic. The item is counted again when it is in.
        self.gate.close();
        self.seen = self.seen.saturating_sub(1);
        let left_out = match self.pool().filter(|_| candidate) {
            Some(pool) => self.join(pool, item, weight),
            None => self.insert(item, weight),
        };
        self.seen = self.seen.saturating_add(1);
        self.open_gate();
        drop(left_out);
    }

    /// Adds a candidate to the pool. Returns the item that it replaces, if it does.
    fn join(&mut self, pool: Pool, item: impl FnOnce() -> T, weight: f64) -> Option<T> {
        let scaled = weight * self.gate.unit();
        let takes_slot = pool.takes_slot(scaled, &mut self.rng);
        let replaced = if self.is_saturated() {
            takes_slot.then(|| self.replace_any(item))
        } else {
            let item = takes_slot.then(item);
            let replaced = item.and_then(|item| self.latent.replace_partial(item));
            self.latent.grow(scaled / self.heaviest);
            replaced
        };
        self.fit(weight);
        self.total += weight * self.gate.unit();
        replaced
    }

    /// Replaces one of `capacity` full items, each with the same probability.
    fn replace_any(&mut self, item: impl FnOnce() -> T) -> T {
        let slot = position(&mut self.rng, self.capacity);
        self.latent.replace_full(slot, item())
    }

    /// Chooses a unit in which the weight can be added to the total.
    fn fit(&mut self, weight: f64) {
        let factor = self.gate.fit(self.total, weight);
        self.total *= factor;
        self.heaviest *= factor;
    }

    /// Adds an item of any weight. Returns the item that it replaces, if it replaces one.
    fn insert(&mut self, item: impl FnOnce() -> T, weight: f64) -> Option<T> {
        self.apply_decay_but(1.0);
        if self.coin.is_none() {
            self.coin = Some(open01(&mut self.rng));
        }
        self.fit(weight);
        let scaled = weight * self.gate.unit();
        let (before, after) = (self.total, self.total + scaled);
        let heavier = scaled > self.heaviest;
        let heaviest = self.heaviest.max(scaled);
        let most = self.capacity as f64;
        if self.is_saturated() && (!heavier || scaled * most <= after) {
            // Every full item is equally likely to make room.
            let takes_slot = open01(&mut self.rng) * after < most * scaled;
            let replaced = takes_slot.then(|| self.replace_any(item));
            (self.total, self.heaviest) = (after, heaviest);
            return replaced;
        }
        let item = item();
        whole(self, Self::clear, |sample| {
            (sample.total, sample.heaviest) = (after, heaviest);
            let size = (after / heaviest).min(most);
            if heavier || size == most {
                let shrunk = size * (before / after);
                sample.latent.shrink(shrunk, &mut sample.rng);
            }
            let probability = size * (scaled / after);
            sample.latent.add(item, probability, &mut sample.rng);
            sample.round_to(size);
        });
        None
    }

    /// Rounds the sample to whole items if its size is the capacity: a partial item is then only a
    /// rounding error.
    fn round_to(&mut self, size: f64) {
        if size == self.capacity as f64 || self.is_saturated() {
            self.latent.round(self.capacity);
        }
    }

    /// Merges two sides that both hold items.
    pub(super) fn merge_held(&mut self, other: Self, seen: u64) {
        whole(self, Self::clear, |sample| sample.merge_items(other));
        self.seen = seen;
        self.open_gate();
    }

    fn merge_items(&mut self, mut other: Self) {
        // Decay that is pending on both sides stays pending, so merges alone never make sums underflow.
        let faded = self.faded.max(other.faded);
        for side in [&mut *self, &mut other] {
            side.commit();
            side.apply_decay_but(faded);
        }
        self.gate.close();
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
    }
}
