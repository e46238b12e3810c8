//! Updates and merges of a `VarOpt` sample.

use rand::Rng;

use super::VarOpt;
use crate::random::{open01, position};
use crate::sample::aggregate::aggregate;
use crate::sample::split::Weighted;
use crate::sample::whole::whole;

impl<T, R: Rng> VarOpt<T, R> {
    /// Offers an item that the gate stopped.
    #[cold]
    #[inline(never)]
    pub(super) fn consider(&mut self, item: impl FnOnce() -> T, weight: f64) {
        if weight == 0.0 {
            return;
        }
        let candidate = self.gate.stopped_by_jump(weight);
        self.light_weight += self.gate.take_passed();
        // The caller's code may panic. The item is counted again when it is in.
        self.gate.close();
        self.seen = self.seen.saturating_sub(1);
        let left_out = match self.pool().filter(|_| candidate) {
            Some(pool) => {
                let taken = pool.takes_slot(weight * self.gate.unit(), &mut self.rng);
                let replaced = taken.then(|| {
                    let slot = position(&mut self.rng, self.split.light().len());
                    let item = item();
                    self.split.replace_light(slot, Weighted { weight, item })
                });
                self.add_light(weight);
                replaced
            }
            None => {
                let item = item();
                self.split.push_heavy(Weighted { weight, item });
                let is_over = self.split.len() > self.capacity;
                is_over.then(|| whole(self, Self::clear, Self::take_one_out))
            }
        };
        self.seen = self.seen.saturating_add(1);
        self.open_gate();
        drop(left_out);
    }

    /// Takes out one item of `capacity + 1`: an item of weight w with probability `1 - w / tau`. These
    /// probabilities sum to 1.
    fn take_one_out(&mut self) -> Weighted<T> {
        if !self.is_saturated() {
            self.split.shrink_to(self.capacity + 1);
        }
        let unmoved = self.split.light().len();
        let tau = self.raise_tau();
        let (light, unit) = (self.split.light(), self.gate.unit());
        let moved = light.len() - unmoved;
        let mut left = open01(&mut self.rng);
        let dropped = light[..moved].iter().position(|entry| {
            left -= 1.0 - entry.weight * unit / tau;
            left < 0.0
        });
        // The items that were light before have equal adjusted weights. If there are none, rounding
        // brought us here.
        let dropped = dropped.unwrap_or_else(|| match unmoved {
            0 => 0,
            _ => moved + position(&mut self.rng, unmoved),
        });
        self.split.remove_light(dropped)
    }

    /// Merges two sides that both hold items.
    ///
    /// The items of both sides are sampled again by their adjusted weights. A side holds at least as many
    /// items as the result, or all its items, so the new threshold `tau` is at least the `tau_1` of either
    /// side. An item held with probability `w / tau_1` and then kept with probability `tau_1 / tau` is
    /// held with probability `w / tau`.
    pub(super) fn merge_held(&mut self, other: Self, seen: u64) {
        whole(self, Self::clear, |sample| sample.merge_items(other));
        self.seen = seen;
        self.open_gate();
    }

    fn merge_items(&mut self, mut other: Self) {
        self.capacity = self.capacity.min(other.capacity);
        let (ours, theirs) = (self.split.take_light(), other.split.take_light());
        let our_weight = self.light_weight + self.gate.take_passed();
        let their_weight = other.light_weight + other.gate.take_passed();
        self.gate.close();
        let factors = self.gate.align(our_weight, &other.gate, their_weight);
        let (our_weight, their_weight) = (our_weight * factors.0, their_weight * factors.1);
        self.light_weight = our_weight + their_weight;
        for entry in other.split.into_entries() {
            self.split.push_heavy(entry);
        }
        if self.split.len() + ours.len() + theirs.len() > self.capacity {
            let our_tau = our_weight / ours.len() as f64;
            let their_tau = their_weight / theirs.len() as f64;
            let ours = ours.into_iter().map(|entry| (our_tau, entry));
            self.sample_again(ours.chain(theirs.into_iter().map(|entry| (their_tau, entry))));
        }
    }

    /// Samples `capacity` items from the heavy items held and from `light`, whose scaled adjusted weights
    /// sum to `light_weight`.
    pub(super) fn sample_again(&mut self, light: impl Iterator<Item = (f64, Weighted<T>)>) {
        let unit = self.gate.unit();
        let tau = self.raise_tau();
        let factor = self.gate.unit() / unit;
        let unit = self.gate.unit();
        let moved = self.split.take_light().into_iter();
        let candidates = moved
            .map(|entry| (entry.weight * unit / tau, entry))
            .chain(light.map(|(adjusted, entry)| (adjusted * factor / tau, entry)));
        let slots = self.capacity - self.split.heavy().len();
        let chosen = aggregate(candidates, slots, &mut self.rng);
        self.split.append_light(chosen);
    }
}
