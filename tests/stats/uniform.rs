//! `Reservoir`: every set of k items is equally likely, before and after merges.

use forebay::Merge;
use forebay::sample::Reservoir;

use crate::{fit, seed, trials, trials_to_find};

/// A way to sample the numbers below `n`.
type Way = fn(k: usize, n: usize, seed: u64) -> Vec<usize>;

fn by_update(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut sample = Reservoir::with_seed(k, seed);
    (0..n).for_each(|item| sample.update(item));
    sample.into_vec()
}

fn by_slices(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let items: Vec<usize> = (0..n).collect();
    let mut sample = Reservoir::with_seed(k, seed);
    let (head, tail) = items.split_at(n / 4);
    sample.extend_from_slice(head);
    sample.extend_from_slice(tail);
    sample.into_vec()
}

/// Parts of sizes n/7, 2n/7 and the rest, with generators of their own, merged.
fn by_merge(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let part = |index: u64, items: core::ops::Range<usize>| {
        let mut sample = Reservoir::with_seed(k, seed << 2 | index);
        sample.extend(items);
        sample
    };
    let (a, b) = (n / 7, 3 * n / 7);
    let mut sample = part(0, b..n);
    let mut left = part(1, 0..a);
    left.merge(part(2, a..b));
    sample.merge(left);
    sample.into_vec()
}

/// A merge in the middle of the stream: the wait for the next item must start afresh.
fn by_merge_and_update(k: usize, n: usize, seed: u64) -> Vec<usize> {
    let mut sample = Reservoir::with_seed(k, seed << 1);
    sample.extend(0..n / 3);
    let mut other = Reservoir::with_seed(k, seed << 1 | 1);
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

/// Every set of k of n items equally often, for all n <= 6 and every k and way.
#[test]
fn every_subset_is_equally_likely_exhaustively_for_small_streams() {
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        for n in 1..=6usize {
            for k in 1..=n {
                let case = (way * 100 + n * 10 + k) as u64;
                fit::every_subset_alike(name, (k, n), 0.06, |trial| {
                    sample(k, n, seed(1, case, trial))
                });
            }
        }
    }
}

/// The check of the project's origin: k = 10 over 0..100, every index k/n, every pair
/// k(k-1)/(n(n-1)), the index at position k and the last one included.
#[test]
fn reservoir_bounds_ten_of_a_hundred() {
    const K: usize = 10;
    const N: usize = 100;
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        let mut singles = vec![0u64; N];
        let mut pairs = vec![0u64; N * (N - 1) / 2];
        let runs = trials_to_find(0.06, pairs.len());
        for trial in 0..runs {
            let items = sample(K, N, seed(2, way as u64, trial));
            assert_eq!(items.len(), K);
            items.iter().for_each(|&item| singles[item] += 1);
            // One pair a trial, chosen by its number alone, so that trials are independent.
            let at = trial as usize % (K * (K - 1) / 2);
            let (low, high) = nth_pair(at);
            let (mut sorted, mut items) = ([0; 2], items);
            items.sort_unstable();
            sorted.copy_from_slice(&[items[low], items[high]]);
            pairs[sorted[1] * (sorted[1] - 1) / 2 + sorted[0]] += 1;
        }
        fit::inclusions(&format!("{name}: singles"), &singles, K);
        for index in [0, K - 1, K, N - 1] {
            let expected = runs as f64 * K as f64 / N as f64;
            let deviation = (expected * (1.0 - K as f64 / N as f64)).sqrt();
            let off = (singles[index] as f64 - expected).abs() / deviation;
            assert!(
                off < 4.9,
                "{name}: index {index} is {off:.1} deviations off"
            );
        }
        let total = runs as f64;
        let expected = vec![total / pairs.len() as f64; pairs.len()];
        fit::chi_square(&format!("{name}: pairs"), &pairs, &expected, 1.0);
    }
}

/// The pair numbered `at` of the positions of a sample: (0, 1), (0, 2), (1, 2), (0, 3), ...
fn nth_pair(at: usize) -> (usize, usize) {
    let high = (1..)
        .find(|high| at < (high + 1) * high / 2)
        .expect("pairs have no end");
    (at - high * (high - 1) / 2, high)
}

/// Long slices go through the pass with a fixed threshold, here also where it has to start over.
#[test]
fn slices_long_enough_for_the_block_pass_include_every_item_equally_often() {
    for (case, (k, n)) in [(1, 500), (3, 200), (64, 1_000), (100, 101), (500, 700)]
        .into_iter()
        .enumerate()
    {
        let items: Vec<usize> = (0..n).collect();
        let mut counts = vec![0; n];
        // Every trial tells of k items, whose number is fixed.
        let each = (n - k) as f64 / (n - 1) as f64 / k as f64;
        let runs = (trials_to_find(0.05, n) as f64 * each).ceil() as u64;
        for trial in 0..runs.max(1_000) {
            let mut sample = Reservoir::with_seed(k, seed(3, case as u64, trial));
            sample.extend_from_slice(&items);
            assert_eq!(sample.len(), k);
            sample.iter().for_each(|&item| counts[item] += 1);
        }
        fit::inclusions(&format!("{k} of a slice of {n}"), &counts, k);
    }
}

/// The number of items passed over between the k-th item and the next one accepted is known
/// exactly: P(at least s passed) = product of (1 - k/(k+1+i)) for i < s.
#[test]
fn the_first_skip_after_filling_follows_its_law() {
    const CELLS: usize = 40;
    for k in [1usize, 2, 5, 20] {
        let mut counts = vec![0u64; CELLS + 1];
        let runs = trials_to_find(0.03, CELLS + 1);
        for trial in 0..runs {
            let mut sample = Reservoir::with_seed(k, seed(4, k as u64, trial));
            (0..k).for_each(|item| sample.update(item));
            let passed = (0..CELLS)
                .find(|skip| {
                    sample.update(k + skip);
                    sample.iter().any(|&item| item == k + skip)
                })
                .unwrap_or(CELLS);
            counts[passed] += 1;
        }
        let mut survival = 1.0;
        let mut expected = Vec::new();
        for skip in 0..CELLS {
            let hit = k as f64 / (k + 1 + skip) as f64;
            expected.push(runs as f64 * survival * hit);
            survival *= 1.0 - hit;
        }
        expected.push(runs as f64 * survival);
        fit::chi_square(&format!("first skip, k = {k}"), &counts, &expected, 1.0);
    }
}

/// Uniform items of a long stream have uniform positions.
#[test]
fn positions_in_a_long_stream_are_uniform() {
    let n = 10_000_000u64;
    // A gap of 0.08 between the distribution functions.
    let positions = (0..trials(2_000)).flat_map(|trial| {
        let mut sample = Reservoir::with_seed(5, seed(5, 0, trial));
        sample.extend(0..n);
        // One item of each sample, so that draws are independent.
        sample.into_vec().into_iter().take(1)
    });
    let draws = positions
        .map(|position| (position as f64 + 0.5) / n as f64)
        .collect();
    fit::kolmogorov_smirnov("position", draws, |x| x);
}
