//! `DecayingReservoir`: successive sampling with weights 2^(t/h), in any order of timestamps.

use forebay::Merge;
use forebay::sample::DecayingReservoir;

use crate::naive::successive_sampling;
use crate::{fit, seed, trials_to_find};

const HALF_LIFE: f64 = 3.0;

fn offer(sample: &mut DecayingReservoir<usize>, times: &[f64], items: core::ops::Range<usize>) {
    for item in items {
        sample.update_at(item, times[item]).expect("a finite time");
    }
}

/// The law of the whole sample by enumeration, whatever the order of timestamps, their origin and
/// the parts that were merged.
#[test]
fn every_subset_has_its_successive_sampling_probability() {
    let streams: [&[f64]; 4] = [
        &[0.0, 1.0, 2.0, 3.0, 9.0],
        &[9.0, 0.0, 3.0, 1.0, 2.0],
        &[-5.0, -5.0, 4.0, 4.0, 4.0],
        &[1e6, 1e6 + 1.0, 1e6 + 6.0, 1e6, 1e6 + 3.0],
    ];
    for (index, times) in streams.into_iter().enumerate() {
        let newest = times.iter().copied().fold(f64::MIN, f64::max);
        let weights: Vec<f64> = times
            .iter()
            .map(|t| f64::exp2((t - newest) / HALF_LIFE))
            .collect();
        for k in 1..times.len() {
            let law = successive_sampling(&weights, k);
            for merged in [false, true] {
                let possible = (0..law.len()).filter(|set| set.count_ones() as usize == k);
                let runs = trials_to_find(0.05, possible.count());
                let mut counts = vec![0u64; law.len()];
                for trial in 0..runs {
                    let case = (index * 100 + k * 10 + usize::from(merged)) as u64;
                    let seed = seed(21, case, trial);
                    let mut sample = DecayingReservoir::with_seed(k, HALF_LIFE, seed << 1);
                    let cut = if merged { 2 } else { 0 };
                    if merged {
                        let mut other = DecayingReservoir::with_seed(k, HALF_LIFE, seed << 1 | 1);
                        offer(&mut other, times, 0..cut);
                        offer(&mut sample, times, cut..cut + 1);
                        sample.merge(other);
                        offer(&mut sample, times, cut + 1..times.len());
                    } else {
                        offer(&mut sample, times, 0..times.len());
                    }
                    counts[sample.iter().fold(0usize, |set, item| set | 1 << item)] += 1;
                }
                let cells: Vec<usize> = (0..law.len())
                    .filter(|set| set.count_ones() as usize == k)
                    .collect();
                let observed: Vec<u64> = cells.iter().map(|&set| counts[set]).collect();
                let expected: Vec<f64> = cells.iter().map(|&set| law[set] * runs as f64).collect();
                fit::chi_square(
                    &format!("{k} of {times:?}, merged: {merged}"),
                    &observed,
                    &expected,
                    1.0,
                );
            }
        }
    }
}

/// With one slot the age of the item held is geometric: each half-life halves its chance.
#[test]
fn the_age_of_a_single_item_is_geometric() {
    let mut ages = vec![0u64; 21];
    let runs = trials_to_find(0.06, ages.len());
    for trial in 0..runs {
        let mut sample = DecayingReservoir::with_seed(1, HALF_LIFE, seed(22, 0, trial));
        for time in 0..400u32 {
            sample
                .update_at(time, f64::from(time))
                .expect("a finite time");
        }
        let held = *sample.iter().next().expect("one item");
        ages[(399 - held).min(20) as usize] += 1;
    }
    let ratio = f64::exp2(-1.0 / HALF_LIFE);
    let mut expected: Vec<f64> = (0..20)
        .map(|age| runs as f64 * (1.0 - ratio) * ratio.powi(age))
        .collect();
    expected.push(runs as f64 * ratio.powi(20));
    fit::chi_square("age", &ages, &expected, 1.0);
}
