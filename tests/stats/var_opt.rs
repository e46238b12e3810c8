//! `VarOpt`: its exact law before merges; inclusion, pairs, total and intervals after any.

use forebay::Merge;
use forebay::sample::{VarOpt, Weight};

use crate::naive::{inclusion_threshold, var_opt};
use crate::{fit, seed, trials, trials_to_find};

/// A way to sample the positions of weights.
type Way = fn(k: usize, weights: &[f64], seed: u64) -> VarOpt<usize>;

fn offer(sample: &mut VarOpt<usize>, weights: &[f64], items: core::ops::Range<usize>) {
    for item in items {
        sample
            .update_weighted(item, weights[item])
            .expect("a valid weight");
    }
}

fn by_update(k: usize, weights: &[f64], seed: u64) -> VarOpt<usize> {
    let mut sample = VarOpt::with_seed(k, seed);
    offer(&mut sample, weights, 0..weights.len());
    sample
}

fn by_slice(k: usize, weights: &[f64], seed: u64) -> VarOpt<usize> {
    let items: Vec<usize> = (0..weights.len()).collect();
    let mut sample = VarOpt::with_seed(k, seed);
    sample
        .extend_from_slices(&items, weights)
        .expect("valid weights");
    sample
}

/// Unequal parts of unequal capacities, merged in a tree; the last part is offered to the result.
fn by_merge(k: usize, weights: &[f64], seed: u64) -> VarOpt<usize> {
    let n = weights.len();
    let cuts = [0, n / 7, n / 3, n / 2, 4 * n / 5, n];
    let part = |index: usize, capacity: usize| {
        let mut sample = VarOpt::with_seed(capacity, seed << 3 | index as u64);
        offer(&mut sample, weights, cuts[index]..cuts[index + 1]);
        sample
    };
    let mut left = part(0, k + 3);
    left.merge(part(1, k + 1));
    let mut right = part(2, k);
    right.merge(part(3, k + 2));
    right.merge(left);
    offer(&mut right, weights, cuts[4]..n);
    right
}

const WAYS: [(&str, Way); 3] = [
    ("update", by_update),
    ("slice", by_slice),
    ("merge and update", by_merge),
];

/// Weights, and a power of two that they are multiplied by before they are offered.
const SMALL: [(&[f64], f64); 8] = [
    (&[1.0; 9], 1.0),
    (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1.0),
    (&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 1.0),
    (&[0.1, 10.0, 1.0, 0.5, 7.0, 0.2, 0.1, 3.0, 0.3, 0.4], 1.0),
    (
        &[1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 1.0, 1.0, 9.0],
        1.0,
    ),
    (
        &[4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 0.5, 1.0],
        1.0,
    ),
    // The smallest subnormal.
    (&[1.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0], f64::from_bits(1)),
    // Sums overflow.
    (
        &[1.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0],
        f64::MIN_POSITIVE.recip() / 2.0,
    ),
];

fn scaled(weights: &[f64], scale: f64) -> Vec<f64> {
    weights.iter().map(|weight| weight * scale).collect()
}

/// The law of the whole sample, step by step, for short streams offered in order.
#[test]
fn every_subset_has_its_probability() {
    for (way, (name, sample)) in WAYS[..2].iter().enumerate() {
        for (index, (weights, scale)) in SMALL.into_iter().enumerate() {
            let offered = scaled(weights, scale);
            for k in 1..4 {
                let law = var_opt(weights, k);
                let possible = law.iter().filter(|&&p| p > 1e-12).count();
                let runs = match possible {
                    1 => 1_000,
                    cells => trials_to_find(0.06, cells),
                };
                let mut counts = vec![0u64; 1 << weights.len()];
                for trial in 0..runs {
                    let case = (way * 100 + index * 10 + k) as u64;
                    let items = sample(k, &offered, seed(41, case, trial)).into_vec();
                    assert_eq!(items.len(), k);
                    counts[items.iter().fold(0usize, |set, item| set | 1 << item)] += 1;
                }
                let likely = |&set: &usize| law[set] > 1e-12 || counts[set] > 0;
                let cells: Vec<usize> = (0..counts.len()).filter(likely).collect();
                let observed: Vec<u64> = cells.iter().map(|&set| counts[set]).collect();
                let expected: Vec<f64> = cells.iter().map(|&set| law[set] * runs as f64).collect();
                let label = format!("{name}: {k} of {offered:?}");
                fit::chi_square(&label, &observed, &expected, 1.0);
            }
        }
    }
}

/// Inclusion `min(1, w / tau)`, `tau` the one of all weights together, and pairs never more often
/// than if they were independent.
#[test]
fn inclusion_is_proportional_to_weight_up_to_one_after_merges_too() {
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        for (index, (weights, scale)) in SMALL.into_iter().enumerate() {
            let offered = scaled(weights, scale);
            for k in 1..4 {
                let label = format!("{name}: {k} of {offered:?}");
                let runs = trials_to_find(0.04, 2);
                let n = weights.len();
                let mut joint = vec![0u64; n * n];
                let tau = inclusion_threshold(weights, k);
                let p = |item: usize| (weights[item] / tau).min(1.0);
                for trial in 0..runs {
                    let case = (way * 100 + index * 10 + k) as u64;
                    let sample = sample(k, &offered, seed(42, case, trial));
                    for &a in &sample {
                        for &b in &sample {
                            joint[a * n + b] += 1;
                        }
                    }
                    if trial == 0 {
                        for (item, &weight) in offered.iter().enumerate() {
                            let weight = Weight::new(weight).expect("a valid weight");
                            let off = sample.inclusion_probability(weight) - p(item);
                            assert!(off.abs() < 1e-12, "{label}: {item} is {off:e} off");
                        }
                    }
                }
                for a in 0..n {
                    fit::share(&format!("{label}: {a}"), joint[a * n + a], runs, p(a));
                    for b in 0..a {
                        let bound = p(a) * p(b);
                        let spread = (runs as f64 * bound * (1.0 - bound)).sqrt();
                        let most = runs as f64 * bound + 6.0 * spread + 1.0;
                        assert!(
                            joint[a * n + b] as f64 <= most,
                            "{label}: {a} and {b} are positively correlated"
                        );
                    }
                }
            }
        }
    }
}

/// Mixed weights: a few heavy, a tail of Pareto with shape 1.2, many even ones.
fn mixed(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| match i % 50 {
            7 => 400.0,
            j if j < 20 => (1.0 - (i as f64 * 0.618_033_988_75).fract()).powf(-1.0 / 1.2),
            _ => 1.0,
        })
        .collect()
}

/// Over long streams: by tenths of the stream and by tenths of the weights, one item of every
/// sample each.
#[test]
fn inclusion_is_proportional_over_long_streams() {
    let weights: Vec<f64> = mixed(4_000);
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        for k in [1, 20, 150] {
            let runs = trials_to_find(0.1, 10);
            let tau = inclusion_threshold(&weights, k);
            let (mut by_place, mut by_weight) = (vec![0u64; 10], vec![0u64; 10]);
            let (mut place_law, mut weight_law) = (vec![0.0; 10], vec![0.0; 10]);
            let kind = |item: usize| match weights[item] {
                w if w >= 400.0 => 9,
                w => (w.ln() * 3.0).min(8.0) as usize,
            };
            for (item, &weight) in weights.iter().enumerate() {
                let chance = runs as f64 * (weight / tau).min(1.0) / k as f64;
                place_law[item * 10 / weights.len()] += chance;
                weight_law[kind(item)] += chance;
            }
            for trial in 0..runs {
                let seed = seed(43, (way * 1_000 + k) as u64, trial);
                let items = sample(k, &weights, seed).into_vec();
                assert_eq!(items.len(), k);
                // A place in the sample that does not depend on what is there.
                let item = items[(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % k];
                by_place[item * 10 / weights.len()] += 1;
                by_weight[kind(item)] += 1;
            }
            let label = format!("{name}: {k} of many");
            fit::chi_square(&format!("{label} by place"), &by_place, &place_law, 1.0);
            fit::chi_square(&format!("{label} by weight"), &by_weight, &weight_law, 1.0);
        }
    }
}

/// Estimates of subset sums are unbiased, before and after merges.
#[test]
fn subset_sums_are_unbiased() {
    let weights = mixed(3_000);
    let part = |item: usize| item % 7 < 2;
    let truth: f64 = (0..weights.len())
        .filter(|&i| part(i))
        .map(|i| weights[i])
        .sum();
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        // A bias of a tenth of the deviation of one estimate: 6.3 deviations of the mean.
        let runs = trials(4_000);
        let (mut sum, mut squares) = (0.0, 0.0);
        for trial in 0..runs {
            let sample = sample(60, &weights, seed(44, way as u64, trial));
            let off = sample.estimate_weight(|&item| part(item)).value - truth;
            sum += off;
            squares += off * off;
        }
        let error = (squares / runs as f64 / runs as f64).sqrt();
        let mean = sum / runs as f64;
        // Five standard deviations: below ALPHA.
        assert!(
            mean.abs() < 5.0 * error,
            "{name}: biased by {mean}, error {error}"
        );
    }
}

/// Intervals at 0.95 cover the truth in 93 to 97 % of runs where the normal regime applies, and in
/// 90 % at least elsewhere.
#[test]
fn intervals_cover_the_truth() {
    struct Case(&'static str, Vec<f64>, usize, usize, [f64; 2]);
    let (normal, other) = ([0.93, 0.97], [0.90, 1.0]);
    // Name, weights, sample size, one item in how many is of the part, least and most coverage.
    let cases = [
        Case("even, half", vec![1.0; 20_000], 400, 2, normal),
        Case("even, large sample", vec![1.0; 1_000], 700, 3, normal),
        Case("mixed, half", mixed(20_000), 400, 2, normal),
        Case("mixed, a tenth", mixed(20_000), 400, 10, normal),
        Case("even, rare", vec![1.0; 20_000], 100, 50, other),
        Case("mixed, small sample", mixed(2_000), 30, 3, other),
    ];
    for (case, Case(name, weights, k, every, [least, most])) in cases.into_iter().enumerate() {
        let part = |item: usize| item.is_multiple_of(every);
        let truth: f64 = (0..weights.len())
            .filter(|&i| part(i))
            .map(|i| weights[i])
            .sum();
        for (way, (by, sample)) in WAYS.into_iter().enumerate() {
            // Two points of coverage are four deviations.
            let runs = trials(2_000);
            let covered = (0..runs)
                .filter(|&trial| {
                    let seed = seed(45, (case * 10 + way) as u64, trial);
                    let estimate = sample(k, &weights, seed).estimate_weight(|&item| part(item));
                    assert!(estimate.lower <= estimate.value && estimate.value <= estimate.upper);
                    estimate.contains(truth)
                })
                .count();
            let coverage = covered as f64 / runs as f64;
            println!("{name}, {by}: {coverage:.4}");
            assert!(
                (least..=most).contains(&coverage),
                "{name}, {by}: covered in {:.1} % of runs",
                coverage * 100.0
            );
        }
    }
}
