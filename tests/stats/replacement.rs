//! `ReplacementReservoir`: every slot holds every item equally often, independently of all others.

use forebay::Merge;
use forebay::sample::ReplacementReservoir;

use crate::{fit, seed, trials_to_find};

/// A way to draw `k` of the numbers below `n` with replacement.
type Way = fn(k: usize, n: usize, seed: u64) -> Vec<usize>;

fn by_update(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut sample = ReplacementReservoir::with_seed(k, seed);
    (0..n).for_each(|item| sample.update(item));
    sample.into_vec()
}

fn by_slices(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let items: Vec<usize> = (0..n).collect();
    let mut sample = ReplacementReservoir::with_seed(k, seed);
    let (head, tail) = items.split_at(n / 4);
    sample.extend_from_slice(head);
    sample.extend_from_slice(tail);
    sample.into_vec()
}

/// Parts of sizes n/7, 2n/7 and the rest, of capacities k, k+2 and k+1, merged.
fn by_merge(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let part = |index: usize, items: core::ops::Range<usize>| {
        let mut sample = ReplacementReservoir::with_seed(k + index, seed << 2 | index as u64);
        sample.extend(items);
        sample
    };
    let (a, b) = (n / 7, 3 * n / 7);
    let mut sample = part(1, b..n);
    let mut left = part(0, 0..a);
    left.merge(part(2, a..b));
    sample.merge(left);
    let mut drawn = sample.into_vec();
    // With nothing in the first part its smaller capacity does not count.
    drawn.truncate(k);
    drawn
}

/// A merge in the middle of the stream: the wait for the next item must start afresh.
fn by_merge_and_update(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut sample = ReplacementReservoir::with_seed(k, seed << 1);
    sample.extend(0..n / 3);
    let mut other = ReplacementReservoir::with_seed(k, seed << 1 | 1);
    other.extend(n / 3..n / 2);
    sample.merge(other);
    (n / 2..n).for_each(|item| sample.update(item));
    sample.into_vec()
}

const WAYS: [(&str, Way); 4] = [
    ("update", by_update),
    ("slices", by_slices),
    ("merge", by_merge),
    ("merge and update", by_merge_and_update),
];

/// The joint law of all slots: all `n^k` outcomes are equally likely.
#[test]
fn all_slots_are_uniform_and_independent() {
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        for (index, (k, n)) in [(1, 2), (2, 2), (3, 4), (2, 7), (2, 9), (4, 3)]
            .into_iter()
            .enumerate()
        {
            let mut cells = vec![0u64; usize::pow(n, k as u32)];
            let runs = trials_to_find(0.06, cells.len());
            for trial in 0..runs {
                let drawn = sample(k, n, seed(31, (way * 10 + index) as u64, trial));
                assert_eq!(drawn.len(), k);
                cells[drawn.iter().fold(0, |cell, item| cell * n + item)] += 1;
            }
            let expected = vec![runs as f64 / cells.len() as f64; cells.len()];
            fit::chi_square(&format!("{name}: {k} of {n}"), &cells, &expected, 1.0);
        }
    }
}

/// Over a long stream: which tenth each slot's item comes from, for pairs of slots.
#[test]
fn pairs_of_slots_are_independent_over_long_streams() {
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        let mut pairs = vec![0u64; 100];
        let runs = trials_to_find(0.08, pairs.len());
        for trial in 0..runs {
            let drawn = sample(5, 2_000, seed(32, way as u64, trial));
            let pair = (trial % 4) as usize;
            pairs[drawn[pair] / 200 * 10 + drawn[pair + 1] / 200] += 1;
        }
        fit::chi_square(name, &pairs, &vec![runs as f64 / 100.0; 100], 1.0);
    }
}

/// The number of distinct items is that of independent draws: a joint law of many slots.
#[test]
fn repeats_are_as_frequent_as_among_independent_draws() {
    let (k, n) = (30, 20);
    let mut counts = vec![0u64; n + 1];
    let runs = trials_to_find(0.06, counts.len());
    for trial in 0..runs {
        let mut drawn = by_update(k, n, seed(33, 0, trial));
        drawn.sort_unstable();
        drawn.dedup();
        counts[drawn.len()] += 1;
    }
    // One draw after the other: is it one of those seen before?
    let mut law = vec![0.0; n + 1];
    law[0] = 1.0;
    for _ in 0..k {
        for distinct in (0..=n).rev() {
            let stays = law[distinct] * distinct as f64 / n as f64;
            let comes = match distinct {
                0 => 0.0,
                _ => law[distinct - 1] * (n - distinct + 1) as f64 / n as f64,
            };
            law[distinct] = stays + comes;
        }
    }
    let expected: Vec<f64> = law.iter().map(|p| p * runs as f64).collect();
    fit::chi_square("distinct items", &counts, &expected, 1.0);
}
