//! Any operations on the samplers: they hold what was offered, as much as they should, and count it.

#![no_main]

mod ops;

use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, VarOpt, WeightedReservoir,
};
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

struct Replacement(usize);

impl Subject for Replacement {
    type Summary = ReplacementReservoir<u8>;

    fn make(&self, seed: u64) -> ReplacementReservoir<u8> {
        ReplacementReservoir::with_seed(self.0, seed)
    }
    fn update(summary: &mut ReplacementReservoir<u8>, item: u8, _: f64) {
        summary.update(item);
    }
    fn slice(summary: &mut ReplacementReservoir<u8>, items: &[u8]) {
        summary.extend_from_slice(items);
    }
    fn stream(summary: &mut ReplacementReservoir<u8>, items: &mut dyn Iterator<Item = u8>) {
        summary.extend(items);
    }
    fn clear(summary: &mut ReplacementReservoir<u8>) {
        summary.clear();
    }
    fn accepts(_: f64) -> bool {
        true
    }
    fn check(&self, summary: &ReplacementReservoir<u8>, offered: &[(u8, f64)]) {
        assert_eq!(summary.seen(), offered.len() as u64);
        assert_eq!(summary.len(), if offered.is_empty() { 0 } else { self.0 });
        assert!(
            summary
                .iter()
                .all(|item| offered.iter().any(|(i, _)| i == item))
        );
    }
}

struct Optimal(usize);

impl Subject for Optimal {
    type Summary = VarOpt<u8>;

    fn make(&self, seed: u64) -> VarOpt<u8> {
        VarOpt::with_seed(self.0, seed)
    }
    fn update(summary: &mut VarOpt<u8>, item: u8, weight: f64) {
        let accepted = summary.update_weighted(item, weight).is_ok();
        assert_eq!(accepted, Self::accepts(weight));
    }
    fn slice(summary: &mut VarOpt<u8>, items: &[u8]) {
        let weights = vec![1.0; items.len()];
        summary
            .extend_from_slices(items, &weights)
            .expect("valid weights");
    }
    fn stream(summary: &mut VarOpt<u8>, items: &mut dyn Iterator<Item = u8>) {
        items.for_each(|item| summary.update(item));
    }
    fn clear(summary: &mut VarOpt<u8>) {
        summary.clear();
    }
    fn accepts(weight: f64) -> bool {
        weight.is_finite() && weight >= 0.0
    }
    fn check(&self, summary: &VarOpt<u8>, offered: &[(u8, f64)]) {
        let positive: Vec<_> = offered.iter().copied().filter(|(_, w)| *w > 0.0).collect();
        assert_eq!(summary.seen(), offered.len() as u64);
        assert_eq!(summary.len(), positive.len().min(self.0));
        assert_eq!(summary.is_saturated(), positive.len() > self.0);
        contained(summary.iter(), &positive);
        sums_to(summary.total_weight(), &positive);
        let half = summary.estimate_weight(|item| item % 2 == 0);
        assert!(half.lower <= half.value && half.value <= half.upper);
    }
}

/// Panics unless `total` is the weight of all that was offered, cut to the largest number.
fn sums_to(total: f64, offered: &[(u8, f64)]) {
    let sum: f64 = offered.iter().map(|(_, weight)| weight).sum();
    let sum = sum.min(f64::MAX);
    assert!((total - sum).abs() <= 1e-9 * sum, "{total} is not {sum}");
}

struct Proportional(usize);

impl Subject for Proportional {
    type Summary = EbPps<u8>;

    fn make(&self, seed: u64) -> EbPps<u8> {
        EbPps::with_seed(self.0, seed)
    }
    fn update(summary: &mut EbPps<u8>, item: u8, weight: f64) {
        let accepted = summary.update_weighted(item, weight).is_ok();
        assert_eq!(accepted, Self::accepts(weight));
    }
    fn slice(summary: &mut EbPps<u8>, items: &[u8]) {
        let weights = vec![1.0; items.len()];
        summary
            .extend_from_slices(items, &weights)
            .expect("valid weights");
    }
    fn stream(summary: &mut EbPps<u8>, items: &mut dyn Iterator<Item = u8>) {
        items.for_each(|item| summary.update(item));
    }
    fn clear(summary: &mut EbPps<u8>) {
        summary.clear();
    }
    fn accepts(weight: f64) -> bool {
        weight.is_finite() && weight >= 0.0
    }
    fn check(&self, summary: &EbPps<u8>, offered: &[(u8, f64)]) {
        let positive: Vec<_> = offered.iter().copied().filter(|(_, w)| *w > 0.0).collect();
        assert_eq!(summary.seen(), offered.len() as u64);
        contained(summary.iter(), &positive);
        sums_to(summary.total_weight(), &positive);
        let heaviest = positive
            .iter()
            .map(|(_, weight)| *weight)
            .fold(0.0, f64::max);
        assert!((summary.max_weight() - heaviest).abs() <= 1e-9 * heaviest);
        // In the unit of the heaviest, so that nothing overflows.
        let total: f64 = positive.iter().map(|(_, weight)| weight / heaviest).sum();
        let size = total.min(self.0 as f64);
        assert!((summary.expected_len() - size).abs() <= 1e-6 * (1.0 + size));
        assert!((summary.len() as f64 - size).abs() <= 1.0 + 1e-6);
    }
}

fuzz_target!(|input: (u8, Vec<Op>)| {
    let (k, ops) = input;
    let k = usize::from(k % 40) + 1;
    apply(&Uniform(k), &ops);
    apply(&Weighted(k), &ops);
    apply(&Decaying(k), &ops);
    apply(&Replacement(k), &ops);
    apply(&Optimal(k), &ops);
    apply(&Proportional(k), &ops);
});
