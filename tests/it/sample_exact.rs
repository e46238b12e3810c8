//! What samplers call exact is exact, and a value lies in its interval.

use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, VarOpt, WeightedReservoir,
};
use forebay::{Estimate, Merge};

#[track_caller]
fn is_exactly(estimate: Estimate, truth: f64) {
    let Estimate {
        value,
        lower,
        upper,
        confidence,
        ..
    } = estimate;
    assert_eq!(
        (value, lower, upper, confidence),
        (truth, truth, truth, 1.0)
    );
}

fn all_of(n: u32) -> Reservoir<u32> {
    let mut sample = Reservoir::with_seed(1_000, 1);
    sample.extend(1..=n);
    sample
}

#[test]
fn an_exact_fraction_is_the_quotient() {
    for n in 1..=200u32 {
        let sample = all_of(n);
        for hits in 0..=n {
            let share = sample.estimate_fraction(|&i| i <= hits);
            is_exactly(share, f64::from(hits) / f64::from(n));
        }
    }
}

#[test]
fn exact_sums_and_means_of_whole_numbers_are_exact_in_any_order() {
    for n in 1..=1_000u32 {
        let truth = f64::from(n) * f64::from(n + 1) / 2.0;
        let sample = all_of(n);
        is_exactly(sample.estimate_sum(|&i| f64::from(i)), truth);
        let mean = sample.estimate_mean(|&i| f64::from(i)).expect("some items");
        is_exactly(mean, truth / f64::from(n));
        let mean = sample.estimate_mean_where_with_confidence(|&i| Some(f64::from(i)), 0.9);
        is_exactly(mean.expect("some items"), truth / f64::from(n));
    }
    // Ten times 0.1 is 1, and large numbers do not hide small ones.
    is_exactly(all_of(10).estimate_sum(|_| 0.1), 1.0);
    let cancelling = |&i: &u32| [1e100, 1.0, -1e100, 1.0][i as usize % 4];
    is_exactly(all_of(400).estimate_sum(cancelling), 200.0);
    is_exactly(
        all_of(10).estimate_sum(|&i| if i > 5 { f64::MAX } else { -f64::MAX }),
        0.0,
    );
    is_exactly(Reservoir::<u32>::with_seed(5, 1).estimate_sum(|_| 1.0), 0.0);
}

/// The quantile is the smallest value up to which at least that fraction lies, by the same arithmetic.
#[test]
fn an_exact_quantile_is_that_of_the_fractions() {
    for n in 1..=200u32 {
        let sample = all_of(n);
        for rank in 1..=n {
            let q = f64::from(rank) / f64::from(n);
            let quantile = sample.estimate_quantile(|&i| f64::from(i), q);
            is_exactly(quantile.expect("some items"), f64::from(rank));
        }
    }
}

#[test]
fn exact_sums_of_weights_are_sums() {
    for n in 1..=300u32 {
        let truth = f64::from(n) * f64::from(n + 1) / 2.0;
        let odd: f64 = (1..=n).step_by(2).map(f64::from).sum();
        let mut weighted = WeightedReservoir::with_seed(300, 1);
        let mut var_opt = VarOpt::with_seed(300, 1);
        let mut decaying = DecayingReservoir::with_seed(300, 10.0, 1);
        for i in 1..=n {
            weighted.update_weighted(i, f64::from(i)).expect("a weight");
            var_opt.update_weighted(i, f64::from(i)).expect("a weight");
            decaying.update_at(i, 3.0).expect("a time");
        }
        let is_odd = |&i: &u32| i % 2 == 1;
        is_exactly(weighted.estimate_total_weight(), truth);
        is_exactly(weighted.estimate_weight(is_odd), odd);
        is_exactly(weighted.estimate_sum(|&i| f64::from(i)), truth);
        is_exactly(weighted.estimate_count(is_odd), f64::from(n.div_ceil(2)));
        is_exactly(var_opt.estimate_weight(|_| true), truth);
        is_exactly(var_opt.estimate_weight(is_odd), odd);
        is_exactly(var_opt.estimate_sum(|&i| f64::from(i)), truth);
        let odd = f64::from(n.div_ceil(2));
        is_exactly(decaying.estimate_decayed_count(is_odd, 3.0), odd);
    }
}

#[test]
fn equal_weights_make_an_eb_pps_sample_exact() {
    for weight in [1.0, 0.1, 3.7] {
        for n in 1..=100u32 {
            let mut sample = EbPps::with_seed(100, 1);
            (0..n).for_each(|i| sample.update_weighted(i, weight).expect("a weight"));
            for hits in 0..=n {
                let found = sample.estimate_weight(|&i| i < hits);
                let truth = f64::from(hits) * weight;
                // Of some weights the sum is rounded, and the sample then not known to be whole.
                assert!(found.contains(truth), "{hits} of {n}: {found:?}");
                if weight == 1.0 {
                    is_exactly(found, truth);
                }
            }
        }
    }
}

#[test]
fn draws_of_a_single_item_are_exact() {
    let mut draws = ReplacementReservoir::with_seed(7, 1);
    draws.update(0.3);
    is_exactly(draws.estimate_sum(|&x| x), 0.3);
    is_exactly(draws.estimate_count(|_| true), 1.0);
    is_exactly(draws.estimate_fraction(|_| true), 1.0);
    is_exactly(draws.estimate_mean(|&x| x).expect("an item"), 0.3);
    is_exactly(draws.estimate_quantile(|&x| x, 0.5).expect("an item"), 0.3);
}

/// Inclusion probabilities that are rounded to 1 do not make an answer exact.
#[test]
fn nothing_is_exact_once_an_item_was_left_out() {
    let weights = [1e20, 1e20, 1.0];
    let mut var_opt = VarOpt::with_seed(2, 1);
    let mut weighted = WeightedReservoir::with_seed(2, 1);
    for weight in weights {
        var_opt.update_weighted(weight, weight).expect("a weight");
        weighted.update_weighted(weight, weight).expect("a weight");
    }
    assert!(var_opt.is_saturated() && weighted.is_saturated());
    assert!(var_opt.estimate_count(|_| true).confidence < 1.0);
    assert!(weighted.estimate_count(|_| true).confidence < 1.0);
    assert!(weighted.estimate_weight(|_| true).confidence < 1.0);
}

fn is_ordered(estimate: Estimate) {
    let Estimate {
        value,
        lower,
        upper,
        ..
    } = estimate;
    assert!(lower <= value && value <= upper, "{estimate:?}");
}

#[test]
fn a_value_lies_in_its_interval_however_many_items_there_are() {
    for k in 2..200usize {
        let mut sample = Reservoir::with_seed(k, 1);
        sample.extend(0..k as u64 + 1);
        let mut draws = ReplacementReservoir::with_seed(k, 1);
        draws.extend(0..k as u64 + 1);
        for _ in 0..55 {
            sample.merge(sample.clone());
            draws.merge(draws.clone());
            is_ordered(sample.estimate_count(|_| true));
            is_ordered(sample.estimate_fraction(|_| true));
            is_ordered(sample.estimate_count(|i| i % 2 == 0));
            is_ordered(draws.estimate_count(|_| true));
            is_ordered(sample.estimate_sum(|&i| i as f64));
        }
    }
}

#[test]
fn nothing_is_sampled_after_as_many_items_as_can_be_counted() {
    let mut sample = Reservoir::with_seed(3, 1);
    let mut draws = ReplacementReservoir::with_seed(3, 1);
    sample.extend(0..100);
    draws.extend(0..100);
    for _ in 0..64 {
        sample.merge(sample.clone());
        draws.merge(draws.clone());
    }
    assert_eq!((sample.seen(), draws.seen()), (u64::MAX, u64::MAX));
    for item in 100..200 {
        sample.update(item);
        draws.update(item);
    }
    sample.extend(200..300);
    draws.extend(200..300);
    assert_eq!(sample.seen(), u64::MAX);
    assert!(sample.iter().chain(&draws).all(|&item| item < 100));
    #[cfg(feature = "serde")]
    {
        let bytes = postcard::to_allocvec(&sample).expect("it can be stored");
        assert!(postcard::from_bytes::<Reservoir<i32>>(&bytes).is_ok());
    }
}
