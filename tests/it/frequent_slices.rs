//! Long slices offered to many counters: the weights of frequent keys are gathered there, and what
//! is promised holds all the same.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use forebay::frequent::{MisraGries, PrivateError};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// A key so wide that some thousand counters are many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wide([u64; 63]);

impl Wide {
    fn of(key: u64) -> Self {
        Self([key; 63])
    }
}

impl Hash for Wide {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0[0].hash(state);
    }
}

/// 2 MB of counters for weights of one.
const K: usize = 3_000;
const LEN: usize = 20_000;

/// Keys below 2^`bits`, the small ones often.
fn skewed(bits: u32, seed: u64) -> Vec<Wide> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut key = || (rng.random::<f64>() * f64::from(bits)).exp2() as u64;
    (0..LEN).map(|_| Wide::of(key())).collect()
}

fn truth_of(items: impl IntoIterator<Item = (Wide, u64)>) -> BTreeMap<Wide, u64> {
    let mut truth = BTreeMap::new();
    for (key, weight) in items {
        *truth.entry(key).or_insert(0) += weight;
    }
    truth
}

#[track_caller]
fn check(summary: &MisraGries<Wide>, truth: &BTreeMap<Wide, u64>) {
    assert_eq!(summary.total_weight(), truth.values().sum::<u64>());
    assert!(summary.max_error() <= summary.error_bound());
    assert!(summary.len() <= summary.k());
    for (key, &weight) in truth {
        let count = summary.estimate(key);
        assert!(count.lower <= weight && weight <= count.upper);
    }
    for (key, _) in summary {
        assert!(truth.contains_key(key));
    }
}

fn release(summary: &MisraGries<Wide>) -> Result<(), PrivateError> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    summary.release_private(1.0, 1e-6, &mut rng).map(|_| ())
}

#[test]
fn bounds_hold_when_a_slice_is_taken_out_of_order() {
    for seed in 0..4 {
        let keys = skewed(14, seed);
        let mut summary = MisraGries::new(K);
        summary.extend_from_slice(&keys);
        check(&summary, &truth_of(keys.iter().map(|&key| (key, 1))));
        assert!(summary.max_error() > 0);
        assert_eq!(release(&summary), Err(PrivateError::Reordered));
        // What is offered singly goes on as the textbook says.
        summary.extend(keys.iter().copied());
        check(&summary, &truth_of(keys.iter().map(|&key| (key, 2))));
    }
}

#[test]
fn a_slice_whose_keys_all_find_a_counter_gives_the_textbooks() {
    let keys = skewed(11, 5);
    let mut summary = MisraGries::new(K);
    summary.extend_from_slice(&keys);
    let mut textbook = MisraGries::new(K);
    keys.iter().for_each(|&key| textbook.update(key));
    assert!(summary.iter().eq(textbook.iter()));
    assert_eq!(release(&summary), Ok(()));
}

#[test]
fn bounds_hold_for_gathered_weights() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(6);
    for bits in [6, 14, 40] {
        let weight = |key| {
            (
                key,
                rng.random_range(0..1u64 << 20) >> rng.random_range(0..20),
            )
        };
        let items: Vec<(Wide, u64)> = skewed(bits, 7).into_iter().map(weight).collect();
        let mut summary = MisraGries::new(1_000);
        summary.extend_from_slice_weighted(&items);
        check(&summary, &truth_of(items));
    }
}

#[test]
fn ones_and_zeros_and_then_other_weights() {
    let keys = skewed(14, 8);
    let weight = |(at, key)| (key, if at < LEN / 2 { at as u64 % 2 } else { 3 });
    let items: Vec<(Wide, u64)> = keys.into_iter().enumerate().map(weight).collect();
    let mut summary = MisraGries::new(K);
    summary.extend_from_slice_weighted(&items);
    check(&summary, &truth_of(items));
}

#[test]
fn what_came_before_a_refused_weight_is_counted() {
    let mut items: Vec<(Wide, u64)> = skewed(14, 9).into_iter().map(|key| (key, 2)).collect();
    items[LEN - 3_000].1 = u64::MAX;
    let mut summary = MisraGries::new(K);
    let offer = || summary.extend_from_slice_weighted(&items);
    assert!(catch_unwind(AssertUnwindSafe(offer)).is_err());
    items.truncate(LEN - 3_000);
    check(&summary, &truth_of(items));
}
