//! Weights in other units: times a power of two, which no bit of a weight feels, every sampler by
//! weight holds the same items, and its answers scale.

use forebay::Merge;
use forebay::sample::{EbPps, VarOpt, Weight, WeightedReservoir};

const SCALES: [i32; 4] = [-900, -330, 330, 900];

/// Heavy-tailed, a few of zero, with 23 significant bits so that sums of them are exact.
fn weights(n: u32, seed: u32) -> Vec<f64> {
    (0..n)
        .map(|i| {
            let mixed = (i + seed).wrapping_mul(2_654_435_769) >> 9;
            match mixed % 50 {
                0 => 0.0,
                1 => f64::from(mixed),
                _ => f64::from(mixed % 1_000 + 1),
            }
        })
        .collect()
}

/// Offers 1,500 items as a slice, 300 one by one, merges 700 from elsewhere, and offers 100 more.
macro_rules! history {
    ($Sampler:ident, $k:expr, $seed:expr, $scale:expr) => {{
        let scaled = |n, seed| -> Vec<f64> {
            let unscaled = weights(n, seed).into_iter();
            unscaled.map(|weight| weight * 2f64.powi($scale)).collect()
        };
        let items = |from: u32, to: u32| (from..to).collect::<Vec<_>>();
        let mut sample = $Sampler::with_seed($k, $seed);
        let offered = sample.extend_from_slices(&items(0, 1_500), &scaled(1_500, 1));
        offered.expect("valid weights");
        for (item, weight) in (1_500..1_800).zip(scaled(300, 2)) {
            sample.update_weighted(item, weight).expect("valid");
        }
        let mut other = $Sampler::with_seed($k, $seed + 1);
        let offered = other.extend_from_slices(&items(1_800, 2_500), &scaled(700, 3));
        offered.expect("valid weights");
        sample.merge(other);
        for (item, weight) in (2_500..2_600).zip(scaled(100, 4)) {
            sample.update_weighted(item, weight).expect("valid");
        }
        sample
    }};
}

fn items_of<T: Ord + Copy>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items
}

#[test]
fn var_opt_does_not_feel_the_unit_of_weight() {
    for scale in SCALES {
        let unit = 2f64.powi(scale);
        for (k, seed) in [(1, 1), (7, 2), (64, 3), (3_000, 4)] {
            let plain = history!(VarOpt, k, seed, 0);
            let scaled = history!(VarOpt, k, seed, scale);
            assert_eq!(items_of(plain.iter()), items_of(scaled.iter()));
            assert_eq!(plain.tau() * unit, scaled.tau());
            assert_eq!(plain.total_weight() * unit, scaled.total_weight());
            let odd = |sample: &VarOpt<u32>| sample.estimate_weight(|i| i % 2 == 1);
            let (a, b) = (odd(&plain), odd(&scaled));
            assert_eq!(
                (a.value * unit, a.lower * unit, a.upper * unit),
                (b.value, b.lower, b.upper)
            );
            let count = |sample: &VarOpt<u32>| sample.estimate_count(|i| i % 2 == 1);
            assert_eq!(count(&plain), count(&scaled));
            for weight in [0.0, 1.0, 700.0, 1e6] {
                let probability = |sample: &VarOpt<u32>, weight: f64| {
                    sample.inclusion_probability(Weight::new(weight).expect("valid"))
                };
                let expected = probability(&plain, weight);
                assert_eq!(probability(&scaled, weight * unit), expected);
                let tau = plain.tau();
                if tau > 0.0 {
                    assert_eq!(expected, (weight / tau).min(1.0));
                }
            }
        }
    }
}

#[test]
fn eb_pps_does_not_feel_the_unit_of_weight() {
    for scale in SCALES {
        let unit = 2f64.powi(scale);
        for (k, seed) in [(1, 1), (7, 2), (64, 3), (300, 4)] {
            let mut plain = history!(EbPps, k, seed, 0);
            let mut scaled = history!(EbPps, k, seed, scale);
            for _ in 0..2 {
                assert_eq!(items_of(plain.iter()), items_of(scaled.iter()));
                assert_eq!(plain.expected_len(), scaled.expected_len());
                assert_eq!(plain.total_weight() * unit, scaled.total_weight());
                assert_eq!(plain.max_weight() * unit, scaled.max_weight());
                let odd = |sample: &EbPps<u32>| sample.estimate_weight(|i| i % 2 == 1);
                let (a, b) = (odd(&plain), odd(&scaled));
                assert_eq!((a.value * unit, a.upper * unit), (b.value, b.upper));
                for weight in [0.0, 1.0, 700.0] {
                    let valid = |weight| Weight::new(weight).expect("valid");
                    let expected = plain.inclusion_probability(valid(weight));
                    assert_eq!(scaled.inclusion_probability(valid(weight * unit)), expected);
                    let law = plain.expected_len() * (weight / plain.total_weight());
                    assert!((expected - law).abs() <= 1e-12 * law, "{expected} {law}");
                }
                plain.decay(0.5);
                scaled.decay(0.5);
            }
        }
    }
}

#[test]
fn weighted_reservoirs_do_not_feel_the_unit_of_weight() {
    for scale in SCALES {
        let unit = 2f64.powi(scale);
        for (k, seed) in [(1, 1), (7, 2), (64, 3), (3_000, 4)] {
            let plain = history!(WeightedReservoir, k, seed, 0);
            let scaled = history!(WeightedReservoir, k, seed, scale);
            assert_eq!(items_of(plain.iter()), items_of(scaled.iter()));
            assert_eq!(plain.total_weight() * unit, scaled.total_weight());
            // Ranks are logarithms, which a unit shifts by what does not fit all their bits.
            let odd = |sample: &WeightedReservoir<u32>| sample.estimate_weight(|i| i % 2 == 1);
            let (a, b) = (odd(&plain), odd(&scaled));
            for (a, b) in [(a.value, b.value), (a.lower, b.lower), (a.upper, b.upper)] {
                assert!((a * unit - b).abs() <= 1e-9 * b.abs(), "{a} {b}");
            }
        }
    }
}

#[test]
fn light_items_next_to_nothing_never_push_out_heavy_ones_that_sink() {
    for seed in 0..50 {
        let mut light = VarOpt::with_seed(2, seed);
        let mut heavy = VarOpt::with_seed(3, seed);
        for (item, weight) in [(0, 1e-300), (1, 2e-300), (2, 3e-300)] {
            light.update_weighted(item, weight).expect("valid");
        }
        for (item, weight) in [(10, 1.0e300), (11, 1.5e300), (12, 1.7e300)] {
            heavy.update_weighted(item, weight).expect("valid");
        }
        light.merge(heavy);
        assert_eq!((light.len(), light.tau()), (2, 2.1e300));
        assert!(light.iter().all(|&item| item >= 10), "{light:?}");
    }
}
