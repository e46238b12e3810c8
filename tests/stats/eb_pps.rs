//! `EbPps`: inclusion exactly proportional to weight, faded by decay, before and after merges.

use forebay::Merge;
use forebay::sample::{EbPps, Weight};

use crate::{fit, seed, trials, trials_to_find};

/// Items are numbered; each has the weight `weights[item]`, multiplied by `decay` for every later
/// item whose number is a multiple of `BATCH`.
const BATCH: usize = 4;

/// A way to sample the positions of weights.
type Way = fn(k: usize, weights: &[f64], decay: f64, seed: u64) -> EbPps<usize>;

fn offer(sample: &mut EbPps<usize>, weights: &[f64], decay: f64, items: core::ops::Range<usize>) {
    for item in items {
        if item.is_multiple_of(BATCH) {
            sample.decay(decay);
        }
        sample
            .update_weighted(item, weights[item])
            .expect("a valid weight");
    }
}

fn by_update(k: usize, weights: &[f64], decay: f64, seed: u64) -> EbPps<usize> {
    let mut sample = EbPps::with_seed(k, seed);
    offer(&mut sample, weights, decay, 0..weights.len());
    sample
}

fn by_slice(k: usize, weights: &[f64], decay: f64, seed: u64) -> EbPps<usize> {
    let items: Vec<usize> = (0..weights.len()).collect();
    let mut sample = EbPps::with_seed(k, seed);
    for (items, weights) in items.chunks(BATCH).zip(weights.chunks(BATCH)) {
        sample.decay(decay);
        sample
            .extend_from_slices(items, weights)
            .expect("valid weights");
    }
    sample
}

/// Unequal parts of unequal capacities, decayed to the same moment and merged in a tree; the last
/// part is offered to the result.
fn by_merge(k: usize, weights: &[f64], decay: f64, seed: u64) -> EbPps<usize> {
    let n = weights.len();
    let cuts = [0, n / 7, n / 3, n / 2, 4 * n / 5, n];
    let part = |index: usize, capacity: usize| {
        let mut sample = EbPps::with_seed(capacity, seed << 3 | index as u64);
        offer(&mut sample, weights, decay, cuts[index]..cuts[index + 1]);
        let later = (cuts[index + 1]..cuts[4]).filter(|item| item.is_multiple_of(BATCH));
        later.for_each(|_| sample.decay(decay));
        sample
    };
    let mut left = part(0, k + 3);
    left.merge(part(1, k + 1));
    let mut right = part(2, k);
    right.merge(part(3, k + 2));
    right.merge(left);
    offer(&mut right, weights, decay, cuts[4]..n);
    right
}

const WAYS: [(&str, Way); 3] = [
    ("update", by_update),
    ("slice", by_slice),
    ("merge and update", by_merge),
];

/// Weights, what they are multiplied by before they are offered, and the decay.
const SMALL: [(&[f64], f64, f64); 10] = [
    (&[1.0; 9], 1.0, 1.0),
    (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1.0, 1.0),
    (&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 1.0, 1.0),
    (
        &[0.1, 10.0, 1.0, 0.5, 7.0, 0.2, 0.1, 3.0, 0.3, 0.4],
        1.0,
        1.0,
    ),
    (
        &[1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 1.0, 1.0, 9.0, 1.0],
        1.0,
        1.0,
    ),
    (&[1.0; 30], 1.0, 0.7),
    (
        &[0.1, 10.0, 1.0, 0.5, 7.0, 0.2, 0.1, 3.0, 0.3, 0.4],
        1.0,
        0.5,
    ),
    (
        &[0.4, 0.3, 3.0, 0.1, 0.2, 7.0, 0.5, 1.0, 10.0, 0.1],
        1e300,
        0.8,
    ),
    // The smallest subnormal.
    (&[1.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0], f64::from_bits(1), 1.0),
    // Sums overflow.
    (
        &[1.0, 3.0, 2.0, 1.0, 4.0, 1.0, 1.0],
        f64::MIN_POSITIVE.recip() / 2.0,
        0.5,
    ),
];

/// The weights once all items have come.
fn faded(weights: &[f64], decay: f64) -> Vec<f64> {
    let later = |item: usize| {
        (item + 1..weights.len())
            .filter(|i| i.is_multiple_of(BATCH))
            .count()
    };
    let fade = |item: usize| decay.powi(later(item) as i32);
    weights
        .iter()
        .enumerate()
        .map(|(item, w)| w * fade(item))
        .collect()
}

/// Every item with probability `w * min(1 / w_max, k / W)`; the size one of two whole numbers.
#[test]
fn inclusion_is_exactly_proportional_to_faded_weight_after_merges_too() {
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        for (index, (weights, scale, decay)) in SMALL.into_iter().enumerate() {
            let offered: Vec<f64> = weights.iter().map(|w| w * scale).collect();
            let now = faded(weights, decay);
            let total: f64 = now.iter().sum();
            let heaviest = running_maximum(weights, decay);
            for k in 1..5 {
                let label = format!("{name}: {k} of {offered:?}, decay {decay}");
                let rho = (k as f64 / total).min(1.0 / heaviest);
                let size = rho * total;
                let runs = trials_to_find(0.04, 2);
                let mut counts = vec![0u64; weights.len()];
                for trial in 0..runs {
                    let case = (way * 100 + index * 10 + k) as u64;
                    let sample = sample(k, &offered, decay, seed(51, case, trial));
                    let off = (sample.expected_len() - size) / size;
                    assert!(off.abs() < 1e-9, "{label}: size is {off:e} off");
                    let whole = size.round();
                    let sharp = (size - whole).abs() > 1e-9;
                    let held = sample.len() as f64;
                    let fits = if sharp {
                        (held - size).abs() < 1.0
                    } else {
                        held == whole
                    };
                    assert!(fits, "{label}: {held} items of {size}");
                    assert_eq!(sample.iter().len(), sample.len());
                    if trial == 0 && scale == 1.0 {
                        let weight = Weight::new(now[1]).expect("a valid weight");
                        let off = sample.inclusion_probability(weight) - now[1] * rho;
                        assert!(off.abs() < 1e-9, "{label}: probability {off:e} off");
                    }
                    sample.into_iter().for_each(|item| counts[item] += 1);
                }
                for (item, &count) in counts.iter().enumerate() {
                    fit::share(&format!("{label}: {item}"), count, runs, now[item] * rho);
                }
            }
        }
    }
}

/// The largest faded weight: decay fades the maximum too.
fn running_maximum(weights: &[f64], decay: f64) -> f64 {
    faded(weights, decay).into_iter().fold(0.0, f64::max)
}

/// Equal weights, no merges: every set of k items is equally likely. (A merge takes from each side
/// its share of the result to within one item, which is less than sets of items are left to chance.)
#[test]
fn equal_weights_give_a_uniform_sample() {
    for (way, (name, sample)) in WAYS[..2].iter().enumerate() {
        for (n, k) in [(5, 2), (6, 3), (9, 1), (9, 2)] {
            let cells = (0..1u32 << n).filter(|set| set.count_ones() as usize == k);
            let runs = trials_to_find(0.06, cells.count());
            let mut sets = vec![0u64; 1 << n];
            for trial in 0..runs {
                let case = (way * 100 + n * 10 + k) as u64;
                let items = sample(k, &vec![0.3; n], 1.0, seed(52, case, trial)).into_vec();
                sets[items.iter().fold(0usize, |set, item| set | 1 << item)] += 1;
            }
            let right = |set: &usize| set.count_ones() as usize == k;
            let observed: Vec<u64> = (0..sets.len()).filter(right).map(|set| sets[set]).collect();
            assert_eq!(
                observed.iter().sum::<u64>(),
                runs,
                "{name}: a sample of another size"
            );
            let expected = vec![runs as f64 / observed.len() as f64; observed.len()];
            fit::chi_square(&format!("{name}: {k} of {n}"), &observed, &expected, 1.0);
        }
    }
}

/// R-TBS over many batches: the share of every age in the sample is `exp(-lambda * age)`.
#[test]
fn the_age_of_items_is_exponential_over_many_batches() {
    let lambda = 0.2f64;
    let (k, batches, batch) = (50, 60u64, 100);
    let runs = trials_to_find(0.1, batches as usize);
    let mut ages = vec![0u64; batches as usize];
    for trial in 0..runs {
        let mut sample = EbPps::with_seed(k, seed(53, 0, trial));
        for time in 0..batches {
            sample.decay((-lambda).exp());
            let items = vec![time; batch];
            sample
                .extend_from_slices(&items, &vec![1.0; batch])
                .expect("valid weights");
        }
        let items = sample.into_vec();
        assert_eq!(items.len(), k);
        let item =
            items[(seed(53, 1, trial).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % k];
        ages[(batches - 1 - item) as usize] += 1;
    }
    let fade: Vec<f64> = (0..batches)
        .map(|age| (-lambda * age as f64).exp())
        .collect();
    let total: f64 = fade.iter().sum();
    let expected: Vec<f64> = fade.iter().map(|f| runs as f64 * f / total).collect();
    fit::chi_square("ages", &ages, &expected, 1.0);
}

/// Over long streams of unequal weights, most items passing the gate: by tenths of the stream.
#[test]
fn inclusion_is_proportional_over_long_streams() {
    let weights: Vec<f64> = (0..4_000).map(|i| 0.5 + f64::from(i % 10)).collect();
    for (way, (name, sample)) in WAYS.into_iter().enumerate() {
        for (k, first) in [(1, 0.5), (20, 0.5), (150, 0.5), (40, 9_000.0)] {
            // With a first item that outweighs half of all others the sample stays small.
            let mut weights = weights.clone();
            weights[0] = first;
            let total: f64 = weights.iter().sum();
            let rho = (k as f64 / total).min(1.0 / first.max(9.5));
            // An error of 15 % in a tenth of the items: 1.29 deviations beyond those of `close`.
            let held = rho * (total - weights[0]) / 10.0;
            let runs = trials((((5.5 + 1.29) / 0.15f64).powi(2) / held).ceil() as u64);
            let (mut by_place, mut by_weight) = (vec![0u64; 10], vec![0u64; 10]);
            for trial in 0..runs {
                let seed = seed(54, (way * 1_000 + k) as u64, trial);
                let sample = sample(k, &weights, 1.0, seed);
                assert!((sample.expected_len() / (rho * total) - 1.0).abs() < 1e-9);
                for item in sample {
                    by_place[item * 10 / weights.len()] += u64::from(item != 0);
                    by_weight[item % 10] += u64::from(item != 0);
                }
            }
            let expect = |place: &dyn Fn(usize) -> bool| -> f64 {
                (1..weights.len())
                    .filter(|&i| place(i))
                    .map(|i| weights[i] * rho * runs as f64)
                    .sum()
            };
            let n = weights.len();
            for tenth in 0..10 {
                let label = format!("{name}: {k} of many, {first} first, {tenth}");
                close(
                    &format!("{label} by place"),
                    by_place[tenth],
                    expect(&|i| i * 10 / n == tenth),
                );
                close(
                    &format!("{label} by weight"),
                    by_weight[tenth],
                    expect(&|i| i % 10 == tenth),
                );
            }
        }
    }
}

/// Fails unless a count whose variance is at most its mean is within five and a half standard
/// deviations of it.
#[track_caller]
fn close(label: &str, count: u64, mean: f64) {
    let off = (count as f64 - mean) / mean.sqrt();
    assert!(
        off.abs() < 5.5,
        "{label}: {count}, {off:.1} deviations from {mean}"
    );
}
