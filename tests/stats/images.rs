//! Samples that have been DataSketches images in between keep their laws.

use forebay::Merge;
use forebay::datasketches::{
    read_reservoir_with_seed, read_var_opt_with_seed, write_reservoir, write_reservoir_union,
};
use forebay::sample::Reservoir;

use crate::{fit, seed, trials_to_find};

/// A way to sample the numbers below `n`.
type Way = fn(k: usize, n: u64, seed: u64) -> Vec<u64>;

/// Samples numbers with a capacity, which then is lowered to `k` by way of an image.
fn part(capacity: usize, k: usize, items: core::ops::Range<u64>, seed: u64) -> Reservoir<u64> {
    let mut sample = Reservoir::with_seed(capacity, seed << 3);
    sample.extend(items);
    let image = if k == capacity {
        write_reservoir(&sample)
    } else {
        let mut image = write_reservoir_union(&sample).expect("fits");
        image[4] = k as u8;
        Ok(image)
    };
    read_reservoir_with_seed(&image.expect("fits"), seed << 3 | 1).expect("own image")
}

fn by_going_on(k: usize, n: u64, seed: u64) -> Vec<u64> {
    let mut sample = part(k, k, 0..n / 2, seed);
    (n / 2..n).for_each(|item| sample.update(item));
    sample.into_vec()
}

/// Two images, one of them cut down, merged with a sample that never was one.
fn by_merging(k: usize, n: u64, seed: u64) -> Vec<u64> {
    let mut sample = part(k, k, 0..n / 2, seed << 1);
    sample.merge(part(k + 1, k, n / 2..n - 1, seed << 1 | 1));
    let mut last = Reservoir::with_seed(k, seed << 3 | 2);
    last.update(n - 1);
    last.merge(sample);
    last.into_vec()
}

#[test]
fn every_subset_is_equally_likely_after_images() {
    for (way, (name, sample)) in [("going on", by_going_on as Way), ("merging", by_merging)]
        .into_iter()
        .enumerate()
    {
        for n in 4..=8u64 {
            for k in 2..=4 {
                let case = way as u64 * 100 + n * 10 + k as u64;
                fit::every_subset_alike(name, (k, n as usize), 0.06, |trial| {
                    sample(k, n, seed(90, case, trial))
                });
            }
        }
    }
}

/// The image of a union of at most 6 items with these weights, marked or not, and then light items
/// that share a weight.
fn union(own: &[f64], marked: &[f64], light: usize, light_weight: f64) -> Vec<u8> {
    let heavy = own.len() + marked.len();
    let mut image = vec![4, 2, 14, 0, 6, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0];
    image.extend(1e3f64.to_le_bytes());
    image.extend(9u64.to_le_bytes());
    let (longs, inner_seen) = if light == 0 { (3, heavy) } else { (4, 30) };
    image.extend([0xc0 | longs, 2, 13, 0x80, 6, 0, 0, 0]);
    image.extend((inner_seen as u64).to_le_bytes());
    image.extend((heavy as u32).to_le_bytes());
    image.extend((light as u32).to_le_bytes());
    if light > 0 {
        image.extend(light_weight.to_le_bytes());
    }
    for weight in own.iter().chain(marked) {
        image.extend(weight.to_le_bytes());
    }
    image.push(((1 << heavy) - 1) ^ ((1 << own.len()) - 1));
    (0..heavy + light).for_each(|item| image.extend((item as u64).to_le_bytes()));
    image
}

/// Every item with the probability of its adjusted weight under the one threshold there is.
#[test]
fn unions_are_resolved_without_bias() {
    for (case, (own, marked, light, light_weight)) in [
        (&[9.0, 1.0, 4.0][..], &[3.0, 3.0][..], 0, 0.0),
        (&[0.5, 7.0], &[2.0, 1.0, 4.0], 0, 0.0),
        (&[50.0], &[8.0, 6.0], 3, 9.0),
        (&[1.5, 50.0, 8.0, 2.0], &[], 2, 6.0),
    ]
    .into_iter()
    .enumerate()
    {
        let image = union(own, marked, light, light_weight);
        let shared = vec![light_weight / light as f64; light];
        let weights = [own, marked, &shared].concat();
        let mut counts = vec![0u64; weights.len()];
        let runs = trials_to_find(0.04, 2);
        let mut tau = 0.0;
        for trial in 0..runs {
            let sample =
                read_var_opt_with_seed::<u64>(&image, seed(91, case as u64, trial)).expect("sound");
            sample.iter().for_each(|&item| counts[item as usize] += 1);
            tau = sample.tau();
        }
        let own_light = marked.iter().chain(&shared);
        assert!(
            own_light
                .into_iter()
                .all(|&weight| weight <= tau * (1.0 + 1e-9))
        );
        for (item, (&weight, &count)) in weights.iter().zip(&counts).enumerate() {
            let p = (weight / tau).min(1.0);
            fit::share(&format!("union {case}: item {item}"), count, runs, p);
        }
    }
}
