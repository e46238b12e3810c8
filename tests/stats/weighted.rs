//! `WeightedReservoir`: successive sampling, exactly, before and after merges.

use forebay::Merge;
use forebay::sample::WeightedReservoir;

use crate::naive::successive_sampling;
use crate::{fit, seed, trials_to_find};

/// A way to sample the positions of weights.
type Way = fn(k: usize, weights: &[f64], seed: u64) -> Vec<usize>;

fn offer(sample: &mut WeightedReservoir<usize>, weights: &[f64], items: core::ops::Range<usize>) {
    for item in items {
        sample
            .update_weighted(item, weights[item])
            .expect("a valid weight");
    }
}

fn by_update(k: usize, weights: &[f64], seed: u64) -> Vec<usize> {
    let mut sample = WeightedReservoir::with_seed(k, seed);
    offer(&mut sample, weights, 0..weights.len());
    sample.into_vec()
}

fn by_slice(k: usize, weights: &[f64], seed: u64) -> Vec<usize> {
    let items: Vec<usize> = (0..weights.len()).collect();
    let mut sample = WeightedReservoir::with_seed(k, seed);
    sample
        .extend_from_slices(&items, weights)
        .expect("valid weights");
    sample.into_vec()
}

fn by_merge_and_update(k: usize, weights: &[f64], seed: u64) -> Vec<usize> {
    let (a, b) = (weights.len() / 3, 2 * weights.len() / 3);
    let mut sample = WeightedReservoir::with_seed(k, seed << 1);
    offer(&mut sample, weights, 0..a);
    let mut other = WeightedReservoir::with_seed(k, seed << 1 | 1);
    offer(&mut other, weights, a..b);
    other.merge(sample);
    offer(&mut other, weights, b..weights.len());
    other.into_vec()
}

/// The weights among many of zero, in a slice so long that its threshold is guessed from some of
/// them: half of the weights are among these, which makes the guess too low, too high or right.
fn by_sparse_slice(k: usize, weights: &[f64], seed: u64) -> Vec<usize> {
    const LEN: usize = 1 << 14;
    let mut sparse = vec![0.0; LEN];
    let gap = (LEN / weights.len()).max(1);
    let places: Vec<usize> = (0..weights.len()).map(|i| i * gap).collect();
    for (&place, &weight) in places.iter().zip(weights) {
        sparse[place] = weight;
    }
    let drawn = by_slice(k, &sparse, seed).into_iter();
    drawn.map(|place| place / gap).collect()
}

/// Each with the relative error that is found.
const WAYS: [(&str, Way, f64); 4] = [
    ("update", by_update, 0.05),
    ("slice", by_slice, 0.05),
    ("sparse slice", by_sparse_slice, 0.15),
    ("merge and update", by_merge_and_update, 0.05),
];

/// The law of the whole sample, by enumeration of all orders of drawing, for n <= 6.
#[test]
fn every_subset_has_its_successive_sampling_probability() {
    let sets: [&[f64]; 5] = [
        &[1.0, 2.0],
        &[5.0, 1.0, 1.0, 3.0],
        &[0.1, 10.0, 1.0, 0.5, 7.0],
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        &[1e-300, 3e-300, 2e-300, 1e-300],
    ];
    for (way, (name, sample, error)) in WAYS.into_iter().enumerate() {
        for (index, weights) in sets.into_iter().enumerate() {
            for k in 1..weights.len() {
                let cells = (0..1u32 << weights.len())
                    .filter(|set| set.count_ones() as usize == k)
                    .count();
                let runs = trials_to_find(error, cells);
                let mut counts = vec![0u64; 1 << weights.len()];
                for trial in 0..runs {
                    let case = (way * 100 + index * 10 + k) as u64;
                    let items = sample(k, weights, seed(11, case, trial));
                    counts[items.iter().fold(0usize, |set, item| set | 1 << item)] += 1;
                }
                let law = successive_sampling(weights, k);
                let possible = |&set: &usize| set.count_ones() as usize == k;
                let cells: Vec<usize> = (0..counts.len()).filter(possible).collect();
                let observed: Vec<u64> = cells.iter().map(|&set| counts[set]).collect();
                let expected: Vec<f64> = cells.iter().map(|&set| law[set] * runs as f64).collect();
                fit::chi_square(
                    &format!("{name}: {k} of {weights:?}"),
                    &observed,
                    &expected,
                    1.0,
                );
            }
        }
    }
}

/// With one slot the inclusion is proportional to weight, whatever the length of the stream.
#[test]
fn one_slot_is_proportional_to_weight_over_long_streams() {
    let weights: Vec<f64> = (0..3_000).map(|i| 1.0 + f64::from(i % 10)).collect();
    for (way, (name, sample, error)) in WAYS.into_iter().enumerate() {
        let runs = trials_to_find(error, 10);
        let mut by_weight = vec![0u64; 10];
        let mut by_place = vec![0u64; 10];
        for trial in 0..runs {
            let item = sample(1, &weights, seed(12, way as u64, trial))[0];
            by_weight[item % 10] += 1;
            by_place[item * 10 / weights.len()] += 1;
        }
        let expected: Vec<f64> = (0..10)
            .map(|i| runs as f64 * f64::from(1 + i) / 55.0)
            .collect();
        fit::chi_square(&format!("{name}: by weight"), &by_weight, &expected, 1.0);
        fit::chi_square(
            &format!("{name}: by place"),
            &by_place,
            &[runs as f64 / 10.0; 10],
            1.0,
        );
    }
}

/// Two of very many, by classes of weight: exactly `w/W + sum over the others of
/// (v/W) (w/(W - v))`, from slices whose threshold is guessed, on top of items held already or not.
#[test]
fn long_slices_are_sampled_by_weight() {
    const LEN: usize = 1 << 14;
    const CLASSES: [f64; 4] = [1.0, 2.0, 5.0, 12.0];
    // Every trial tells of two items.
    let runs = trials_to_find(0.05, CLASSES.len()) / 2;
    let weights: Vec<f64> = (0..LEN).map(|i| CLASSES[i / 7 % 4]).collect();
    let total: f64 = weights.iter().sum();
    let first = |w: f64| w / total;
    let law: Vec<f64> = weights
        .iter()
        .map(|&w| {
            let others = |v: f64| {
                let same = weights.iter().filter(|&&x| x == v).count() - usize::from(v == w);
                same as f64 * first(v) * w / (total - v)
            };
            first(w) + CLASSES.into_iter().map(others).sum::<f64>()
        })
        .collect();
    for held in [0, 10] {
        let mut counts = [0u64; 4];
        for trial in 0..runs {
            let mut sample = WeightedReservoir::with_seed(2, seed(14, held as u64, trial));
            offer(&mut sample, &weights, 0..held);
            let items: Vec<usize> = (held..LEN).collect();
            sample
                .extend_from_slices(&items, &weights[held..])
                .expect("valid weights");
            sample.iter().for_each(|&item| counts[item / 7 % 4] += 1);
        }
        let mut expected = [0.0; 4];
        for (item, probability) in law.iter().enumerate() {
            expected[item / 7 % 4] += runs as f64 * probability;
        }
        // Two draws a run, so that the counts vary less than twice as many single ones would.
        fit::chi_square(&format!("{held} held"), &counts, &expected, 1.0);
    }
}

/// Weights whose sum overflows an `f64`, and the weight to pass over between two acceptances too,
/// are sampled as their scaled-down images are.
#[test]
fn huge_weights_are_sampled_like_small_ones() {
    // A trial holds 100 items; one by one there are a tenth of the trials.
    let runs = trials_to_find(0.08, 100).next_multiple_of(1_000);
    for (case, weight) in [1e304, f64::MAX].into_iter().enumerate() {
        let weights = vec![weight; 1_000_000];
        let items: Vec<usize> = (0..weights.len()).collect();
        for by_slice in [true, false] {
            let mut counts = vec![0u64; 100];
            // One by one, a tenth of the items and runs.
            let len = if by_slice {
                weights.len()
            } else {
                weights.len() / 10
            };
            let runs = if by_slice { runs } else { runs / 10 };
            for trial in 0..runs / 100 {
                let seed = seed(13, (2 * case + usize::from(by_slice)) as u64, trial);
                let mut sample = WeightedReservoir::with_seed(100, seed);
                if by_slice {
                    let offered = sample.extend_from_slices(&items, &weights);
                    offered.expect("valid weights");
                } else {
                    offer(&mut sample, &weights, 0..len);
                }
                sample
                    .iter()
                    .for_each(|&item| counts[item * 100 / len] += 1);
            }
            let expected = vec![runs as f64 / 100.0; 100];
            fit::chi_square(&format!("{weight:e} by place"), &counts, &expected, 1.0);
        }
    }
}
