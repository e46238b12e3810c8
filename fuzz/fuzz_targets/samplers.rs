//! Any operations on the samplers: they hold what was offered, as much as they should, and count it.

#![no_main]

mod ops;

use forebay::sample::{DecayingReservoir, Reservoir, WeightedReservoir};
use libfuzzer_sys::fuzz_target;
use ops::{Op, Subject, apply};

/// Panics unless every item held was offered at least as often as it is held.
fn contained<'a>(held: impl Iterator<Item = &'a u8>, offered: &[(u8, f64)]) {
    let mut left = [0usize; 256];
    offered
        .iter()
        .for_each(|(item, _)| left[usize::from(*item)] += 1);
    for item in held {
        let left = &mut left[usize::from(*item)];
        *left = left
            .checked_sub(1)
            .expect("an item is held more often than it was offered");
    }
}

struct Uniform(usize);

impl Subject for Uniform {
    type Summary = Reservoir<u8>;

    fn make(&self, seed: u64) -> Reservoir<u8> {
        Reservoir::with_seed(self.0, seed)
    }
    fn update(summary: &mut Reservoir<u8>, item: u8, _: f64) {
        summary.update(item);
    }
    fn slice(summary: &mut Reservoir<u8>, items: &[u8]) {
        summary.extend_from_slice(items);
    }
    fn stream(summary: &mut Reservoir<u8>, items: &mut dyn Iterator<Item = u8>) {
        summary.extend(items);
    }
    fn clear(summary: &mut Reservoir<u8>) {
        summary.clear();
    }
    fn accepts(_: f64) -> bool {
        true
    }
    fn check(&self, summary: &Reservoir<u8>, offered: &[(u8, f64)]) {
        assert_eq!(summary.seen(), offered.len() as u64);
        assert_eq!(summary.len(), offered.len().min(self.0));
        assert_eq!(summary.is_saturated(), offered.len() > self.0);
        contained(summary.iter(), offered);
    }
}

struct Weighted(usize);

impl Subject for Weighted {
    type Summary = WeightedReservoir<u8>;

    fn make(&self, seed: u64) -> WeightedReservoir<u8> {
        WeightedReservoir::with_seed(self.0, seed)
    }
    fn update(summary: &mut WeightedReservoir<u8>, item: u8, weight: f64) {
        assert_eq!(
            summary.update_weighted(item, weight).is_ok(),
            Self::accepts(weight)
        );
    }
    fn slice(summary: &mut WeightedReservoir<u8>, items: &[u8]) {
        let weights = vec![1.0; items.len()];
        summary
            .extend_from_slices(items, &weights)
            .expect("valid weights");
    }
    fn stream(summary: &mut WeightedReservoir<u8>, items: &mut dyn Iterator<Item = u8>) {
        items.for_each(|item| summary.update(item));
    }
    fn clear(summary: &mut WeightedReservoir<u8>) {
        summary.clear();
    }
    fn accepts(weight: f64) -> bool {
        weight.is_finite() && weight >= 0.0
    }
    fn check(&self, summary: &WeightedReservoir<u8>, offered: &[(u8, f64)]) {
        let positive: Vec<_> = offered.iter().copied().filter(|(_, w)| *w > 0.0).collect();
        assert_eq!(summary.seen(), offered.len() as u64);
        assert_eq!(summary.len(), positive.len().min(self.0));
        contained(summary.iter(), &positive);
        let estimate = summary.estimate_count(|_| true);
        assert!(!estimate.value.is_nan() && estimate.lower <= estimate.upper);
    }
}

/// Weights are timestamps here.
struct Decaying(usize);

impl Subject for Decaying {
    type Summary = DecayingReservoir<u8>;

    fn make(&self, seed: u64) -> DecayingReservoir<u8> {
        DecayingReservoir::with_seed(self.0, 10.0, seed)
    }
    fn update(summary: &mut DecayingReservoir<u8>, item: u8, weight: f64) {
        assert_eq!(
            summary.update_at(item, weight).is_ok(),
            Self::accepts(weight)
        );
    }
    fn slice(summary: &mut DecayingReservoir<u8>, items: &[u8]) {
        Self::stream(summary, &mut items.iter().copied());
    }
    fn stream(summary: &mut DecayingReservoir<u8>, items: &mut dyn Iterator<Item = u8>) {
        items.for_each(|item| summary.update_at(item, 1.0).expect("a finite time"));
    }
    fn clear(summary: &mut DecayingReservoir<u8>) {
        summary.clear();
    }
    fn accepts(weight: f64) -> bool {
        weight.is_finite()
    }
    fn check(&self, summary: &DecayingReservoir<u8>, offered: &[(u8, f64)]) {
        assert_eq!(summary.seen(), offered.len() as u64);
        assert_eq!(summary.len(), offered.len().min(self.0));
        contained(summary.iter(), offered);
    }
}

fuzz_target!(|input: (u8, Vec<Op>)| {
    let (k, ops) = input;
    let k = usize::from(k % 40) + 1;
    apply(&Uniform(k), &ops);
    apply(&Weighted(k), &ops);
    apply(&Decaying(k), &ops);
});
