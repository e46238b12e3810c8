//! Any operations on Misra-Gries summaries: the bounds hold for every key, tracked or not.

#![no_main]

mod ops;

use forebay::frequent::MisraGries;
use libfuzzer_sys::fuzz_target;
use ops::{Op, Subject, apply};

struct Counts(usize);

/// Weights become small whole numbers, so that sums are exact.
fn whole(weight: f64) -> u64 {
    weight as u64 % 1_000
}

impl Subject for Counts {
    type Summary = MisraGries<u8>;

    fn make(&self, _: u64) -> MisraGries<u8> {
        MisraGries::new(self.0)
    }
    fn update(summary: &mut MisraGries<u8>, item: u8, weight: f64) {
        summary.update_weighted(item, whole(weight));
    }
    fn slice(summary: &mut MisraGries<u8>, items: &[u8]) {
        summary.extend_from_slice(items);
    }
    fn stream(summary: &mut MisraGries<u8>, items: &mut dyn Iterator<Item = u8>) {
        summary.extend(items);
    }
    fn clear(summary: &mut MisraGries<u8>) {
        summary.clear();
    }
    fn accepts(_: f64) -> bool {
        true
    }
    fn check(&self, summary: &MisraGries<u8>, offered: &[(u8, f64)]) {
        let mut truth = [0u64; 256];
        for (item, weight) in offered {
            truth[usize::from(*item)] += whole(*weight);
        }
        let total: u64 = truth.iter().sum();
        assert_eq!(summary.total_weight(), total);
        assert!(summary.len() <= self.0);
        assert!(summary.max_error() as u128 * (self.0 as u128 + 1) <= u128::from(total));
        for (key, truth) in (0..=255u8).zip(truth) {
            let count = summary.estimate(&key);
            assert!(
                count.lower <= truth && truth <= count.upper,
                "{key}: {count:?}, {truth}"
            );
        }
    }
}

fuzz_target!(|input: (u8, Vec<Op>)| {
    let (k, ops) = input;
    apply(&Counts(usize::from(k % 40) + 1), &ops);
});
