//! The samplers that are not bottom-k: what they hold, count, promise and refuse.

use forebay::sample::{EbPps, ReplacementReservoir, VarOpt, Weight, WeightError};
use forebay::{Merge, merge_all};
use proptest::prelude::*;

use crate::naive::inclusion_threshold;

fn var_opt_of(k: usize, seed: u64, weights: &[f64]) -> VarOpt<usize> {
    let items: Vec<usize> = (0..weights.len()).collect();
    let mut sample = VarOpt::with_seed(k, seed);
    sample
        .extend_from_slices(&items, weights)
        .expect("valid weights");
    sample
}

fn eb_pps_of(k: usize, seed: u64, weights: &[f64]) -> EbPps<usize> {
    let items: Vec<usize> = (0..weights.len()).collect();
    let mut sample = EbPps::with_seed(k, seed);
    sample
        .extend_from_slices(&items, weights)
        .expect("valid weights");
    sample
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// Weights of every magnitude, some equal, some zero.
fn weights(most: usize) -> impl Strategy<Value = Vec<f64>> {
    let weight = prop_oneof![
        4 => (1u32..20).prop_map(f64::from),
        2 => -300f64..300.0,
        1 => Just(0.0),
    ];
    let weight = weight.prop_map(|w| if w < 0.0 { 10f64.powf(w) } else { w });
    proptest::collection::vec(weight, 0..most)
}

proptest! {
    #[test]
    fn var_opt_has_the_threshold_the_size_and_the_total_of_its_weights(
        weights in weights(200), k in 1usize..30, seed: u64,
    ) {
        let sample = var_opt_of(k, seed, &weights);
        let positive = weights.iter().filter(|&&w| w > 0.0).count();
        prop_assert_eq!(sample.len(), positive.min(k));
        prop_assert_eq!(sample.seen(), weights.len() as u64);
        prop_assert!(close(sample.tau(), inclusion_threshold(&weights, k)));
        let total: f64 = weights.iter().sum();
        prop_assert!(close(sample.total_weight(), total));
        let adjusted: f64 = sample.iter_weighted().map(|(_, w)| w).sum();
        prop_assert!(close(adjusted, total));
        for (&item, adjusted) in sample.iter_weighted() {
            prop_assert!(close(adjusted, weights[item].max(sample.tau())));
        }
    }

    #[test]
    fn merged_var_opt_has_the_threshold_of_all_weights_whatever_the_tree(
        parts in proptest::collection::vec((weights(60), 1usize..12), 1..7), seed: u64,
    ) {
        let samples = parts.iter().zip(seed / 2..).map(|((weights, k), seed)| {
            var_opt_of(*k, seed, weights)
        });
        let merged = merge_all(samples).expect("at least one part");
        let all: Vec<f64> = parts.iter().flat_map(|(weights, _)| weights.clone()).collect();
        let held = |(weights, _): &&(Vec<f64>, usize)| weights.iter().any(|&w| w > 0.0);
        let k = parts.iter().filter(held).map(|(_, k)| *k).min();
        let k = k.or(parts.iter().map(|(_, k)| *k).min()).expect("at least one part");
        prop_assert_eq!(merged.capacity(), k);
        let positive = all.iter().filter(|&&w| w > 0.0).count();
        prop_assert_eq!(merged.len(), positive.min(k));
        prop_assert_eq!(merged.seen(), all.len() as u64);
        prop_assert!(close(merged.tau(), inclusion_threshold(&all, k)));
        prop_assert!(close(merged.total_weight(), all.iter().sum()));
    }

    #[test]
    fn eb_pps_has_the_size_that_its_weights_allow_after_merges_too(
        parts in proptest::collection::vec((weights(60), 1usize..12), 1..7), seed: u64,
    ) {
        let samples = parts.iter().zip(seed / 2..).map(|((weights, k), seed)| {
            eb_pps_of(*k, seed, weights)
        });
        let merged = merge_all(samples).expect("at least one part");
        let all: Vec<f64> = parts.iter().flat_map(|(weights, _)| weights.clone()).collect();
        let (total, heaviest) = (all.iter().sum::<f64>(), all.iter().copied().fold(0.0, f64::max));
        let size = if total > 0.0 { (total / heaviest).min(merged.capacity() as f64) } else { 0.0 };
        prop_assert!(close(merged.total_weight(), total));
        prop_assert_eq!(merged.max_weight(), heaviest);
        prop_assert!(close(merged.expected_len(), size), "{} {size}", merged.expected_len());
        let held = merged.len() as f64;
        prop_assert!((held - size).abs() < 1.0 + 1e-9);
        prop_assert_eq!(merged.iter().len(), merged.len());
        prop_assert_eq!(merged.clone().into_vec().len(), merged.len());
        let one = Weight::new(heaviest).expect("a valid weight");
        let chance = if total > 0.0 { heaviest * size / total } else { 0.0 };
        prop_assert!(close(merged.inclusion_probability(one), chance));
    }

    #[test]
    fn merging_with_an_empty_sampler_changes_nothing_on_either_side(
        weights in weights(50), k in 1usize..9, other in 1usize..9,
    ) {
        let (var_opt, eb_pps) = (var_opt_of(k, 1, &weights), eb_pps_of(k, 1, &weights));
        let mut replacement = ReplacementReservoir::with_seed(k, 1);
        replacement.extend(0..weights.len());
        // Of samplers that hold nothing but differ in capacity the smaller capacity is left.
        prop_assume!(weights.iter().any(|&w| w > 0.0));

        let mut left = VarOpt::with_seed(other, 2);
        left.merge(var_opt.clone());
        let mut right = var_opt.clone();
        right.merge(VarOpt::with_seed(other, 2));
        let mut zeros = VarOpt::with_seed(other, 2);
        zeros.update_weighted(9, 0.0).expect("a valid weight");
        zeros.merge(var_opt.clone());
        prop_assert_eq!(zeros.seen(), var_opt.seen() + 1);
        prop_assert_eq!(format!("{left:?} {}", left.tau()), format!("{var_opt:?} {}", var_opt.tau()));
        prop_assert_eq!(format!("{right:?} {}", right.tau()), format!("{var_opt:?} {}", var_opt.tau()));

        let mut left = EbPps::with_seed(other, 2);
        left.merge(eb_pps.clone());
        let mut right = eb_pps.clone();
        right.merge(EbPps::with_seed(other, 2));
        let shown = |s: &EbPps<usize>| format!("{s:?} {} {}", s.expected_len(), s.max_weight());
        prop_assert_eq!(shown(&left), shown(&eb_pps));
        prop_assert_eq!(shown(&right), shown(&eb_pps));

        let mut left = ReplacementReservoir::with_seed(other, 2);
        left.merge(replacement.clone());
        let mut right = replacement.clone();
        right.merge(ReplacementReservoir::with_seed(other, 2));
        prop_assert_eq!(format!("{left:?}"), format!("{replacement:?}"));
        prop_assert_eq!(format!("{right:?}"), format!("{replacement:?}"));
    }
}

#[test]
fn the_three_fill_as_far_as_their_promise_goes() {
    let mut replacement = ReplacementReservoir::with_seed(5, 1);
    assert!(replacement.is_empty() && replacement.iter().next().is_none());
    assert_eq!(replacement.inclusion_probability(), 1.0);
    replacement.update(7);
    assert_eq!(replacement.iter().copied().collect::<Vec<_>>(), [7; 5]);
    replacement.update(8);
    let either = 1.0 - 0.5f64.powi(5);
    assert!(close(replacement.inclusion_probability(), either));
    assert_eq!(
        (
            replacement.capacity(),
            replacement.len(),
            replacement.seen()
        ),
        (5, 5, 2)
    );
    replacement.clear();
    assert!(replacement.is_empty() && replacement.into_vec().is_empty());

    let mut var_opt = VarOpt::with_seed(3, 1);
    assert_eq!(
        (var_opt.tau(), var_opt.total_weight(), var_opt.len()),
        (0.0, 0.0, 0)
    );
    var_opt
        .extend_from_slices(&["a", "b", "c"], &[1.0, 2.0, 3.0])
        .expect("valid weights");
    assert!(!var_opt.is_saturated());
    assert_eq!(var_opt.estimate_weight(|item| *item != "b").value, 4.0);
    assert_eq!(var_opt.estimate_weight(|_| true).confidence, 1.0);
    assert_eq!(var_opt.inclusion_probability(Weight::ONE), 1.0);
    var_opt.update_weighted("d", 4.0).expect("a valid weight");
    // 1 + 2 + 3 share two slots beside the 4.
    assert_eq!(
        (
            var_opt.is_saturated(),
            var_opt.tau(),
            var_opt.total_weight()
        ),
        (true, 3.0, 10.0)
    );
    assert_eq!(
        var_opt
            .iter()
            .filter(|item| ["c", "d"].contains(item))
            .count(),
        2
    );
    assert!(close(var_opt.inclusion_probability(Weight::ONE), 1.0 / 3.0));
    var_opt.clear();
    assert!(var_opt.is_empty() && !var_opt.is_saturated() && var_opt.tau() == 0.0);

    let mut eb_pps = EbPps::with_seed(3, 1);
    assert_eq!(
        (eb_pps.expected_len(), eb_pps.total_weight(), eb_pps.len()),
        (0.0, 0.0, 0)
    );
    eb_pps
        .extend_from_slices(&["a", "b", "c"], &[4.0, 2.0, 1.0])
        .expect("valid weights");
    assert_eq!(
        (
            eb_pps.expected_len(),
            eb_pps.max_weight(),
            eb_pps.total_weight()
        ),
        (1.75, 4.0, 7.0)
    );
    assert_eq!(eb_pps.inclusion_probability(Weight::ONE), 0.25);
    assert!(!eb_pps.is_saturated() && eb_pps.iter().any(|item| *item == "a"));
    eb_pps.update_weighted("d", 5.0).expect("a valid weight");
    assert!(close(eb_pps.expected_len(), 2.4) && eb_pps.max_weight() == 5.0);
    eb_pps.clear();
    assert!(eb_pps.is_empty() && eb_pps.expected_len() == 0.0 && eb_pps.max_weight() == 0.0);
}

#[test]
fn decay_fades_weights_and_leaves_the_sample_alone() {
    let mut sample = eb_pps_of(10, 1, &[1.0; 1_000]);
    let before = format!("{sample:?}");
    sample.decay(0.25);
    assert_eq!((sample.total_weight(), sample.max_weight()), (250.0, 0.25));
    sample.decay(1.0);
    assert_eq!(format!("{sample:?}"), before);
    // However long nothing comes, the sample stays; the first item after it outweighs all.
    (0..5_000).for_each(|_| sample.decay(0.5));
    assert_eq!(format!("{sample:?}"), before);
    assert!(sample.total_weight() < 1e-200 && sample.total_weight() > 0.0);
    sample.update(2_000);
    assert_eq!((sample.len(), sample.seen()), (1, 1_001));
    assert_eq!(sample.into_vec(), [2_000]);
}

#[test]
fn merges_and_decays_without_items_keep_the_sample_for_ever() {
    let mut sample = eb_pps_of(10, 1, &[1.0; 100]);
    for round in 0..20 {
        let mut other = eb_pps_of(10, 2 + round, &[1e-300; 100]);
        (0..2_000).for_each(|_| sample.decay(0.5));
        (0..2_000).for_each(|_| other.decay(0.5));
        sample.merge(other);
        assert_eq!((sample.len(), sample.expected_len()), (10, 10.0), "{round}");
    }
    assert!(sample.max_weight() > 0.0);
    sample.update(7);
    assert_eq!(sample.into_vec(), [7]);
}

#[test]
#[should_panic(expected = "the decay factor must be above 0 and at most 1, not 1.5")]
fn a_decay_that_grows_panics() {
    EbPps::<u8>::with_seed(1, 1).decay(1.5);
}

#[test]
fn bad_weights_are_refused_and_change_nothing() {
    let bad = [
        (f64::NAN, WeightError::Nan),
        (-1.0, WeightError::Negative),
        (f64::NEG_INFINITY, WeightError::Negative),
        (f64::INFINITY, WeightError::Infinite),
    ];
    for len in [0, 2, 10, 2_000] {
        let weights = vec![1.0; len];
        let (var_opt, eb_pps) = (var_opt_of(4, 1, &weights), eb_pps_of(4, 1, &weights));
        for (weight, error) in bad {
            let mut sample = var_opt.clone();
            assert_eq!(sample.update_weighted(9, weight), Err(error));
            assert_eq!(
                format!("{sample:?} {}", sample.tau()),
                format!("{var_opt:?} {}", var_opt.tau())
            );
            let mut mixed = vec![1.0; 100];
            mixed[70] = weight;
            assert_eq!(sample.extend_from_slices(&[9; 100], &mixed), Err(error));
            assert_eq!(sample.seen(), len as u64 + 70);
            let mut sample = eb_pps.clone();
            assert_eq!(sample.update_weighted(9, weight), Err(error));
            assert_eq!(format!("{sample:?}"), format!("{eb_pps:?}"));
            assert_eq!(sample.extend_from_slices(&[9; 100], &mixed), Err(error));
            assert_eq!(sample.seen(), len as u64 + 70);
        }
    }
}

#[test]
fn weight_zero_is_seen_and_never_sampled() {
    let sparse: Vec<f64> = (0..1_000)
        .map(|i| if i % 100 == 7 { 1.0 } else { 0.0 })
        .collect();
    let sample = var_opt_of(3, 1, &sparse);
    assert_eq!(
        (sample.seen(), sample.total_weight(), sample.len()),
        (1_000, 10.0, 3)
    );
    assert!(sample.iter().all(|item| item % 100 == 7));
    let sample = eb_pps_of(3, 1, &sparse);
    assert_eq!(
        (sample.seen(), sample.total_weight(), sample.len()),
        (1_000, 10.0, 3)
    );
    assert!(sample.iter().all(|item| item % 100 == 7));
    assert_eq!(var_opt_of(3, 1, &[0.0; 50]).into_vec(), [0; 0]);
    assert_eq!(eb_pps_of(3, 1, &[0.0; 50]).len(), 0);
}

#[test]
fn sums_beyond_the_largest_number_are_cut_and_do_no_harm() {
    let weights = vec![1e308; 5_000];
    let sample = var_opt_of(10, 1, &weights);
    assert_eq!(
        (sample.len(), sample.total_weight(), sample.tau()),
        (10, f64::MAX, f64::MAX)
    );
    let one = Weight::new(1e308).expect("a valid weight");
    assert!(close(sample.inclusion_probability(one), 10.0 / 5_000.0));
    let estimate = sample.estimate_weight(|item| item % 2 == 0);
    assert!(estimate.lower <= estimate.upper && estimate.upper <= f64::MAX);
    let sample = eb_pps_of(10, 1, &weights);
    assert_eq!(
        (sample.len(), sample.total_weight(), sample.max_weight()),
        (10, f64::MAX, 1e308)
    );
    assert!(close(sample.inclusion_probability(one), 10.0 / 5_000.0));
}

#[test]
fn every_way_of_offering_counts_the_same_items() {
    let pairs = || (0..3_000usize).map(|i| (i, Weight::from((i % 17) as u32)));
    let weights: Vec<f64> = pairs().map(|(_, w)| w.get()).collect();
    let mut extended = VarOpt::with_seed(20, 1);
    extended.extend(pairs());
    let sliced = var_opt_of(20, 1, &weights);
    assert_eq!(
        (extended.seen(), extended.len()),
        (sliced.seen(), sliced.len())
    );
    assert!(close(extended.tau(), sliced.tau()));
    let mut extended = EbPps::with_seed(20, 1);
    extended.extend(pairs());
    assert_eq!(extended.seen(), 3_000);
    assert!(close(extended.total_weight(), weights.iter().sum()));

    let items: Vec<u32> = (0..3_000).collect();
    type Way<'a> = &'a dyn Fn(&mut ReplacementReservoir<u32>);
    let ways: [Way; 5] = [
        &|s| items.iter().for_each(|&i| s.update(i)),
        &|s| s.extend(&items),
        &|s| s.extend(items.iter().copied().filter(|_| true)),
        &|s| s.extend_from_slice(&items),
        &|s| {
            items
                .chunks(77)
                .for_each(|chunk| s.extend_from_slice(chunk));
        },
    ];
    let drawn: Vec<Vec<u32>> = ways
        .iter()
        .map(|offer| {
            let mut sample = ReplacementReservoir::with_seed(20, 1);
            offer(&mut sample);
            assert_eq!(sample.seen(), 3_000);
            sample.into_vec()
        })
        .collect();
    assert!(drawn.iter().all(|sample| *sample == drawn[0]));
}

/// The outputs of fixed seeds. A change here is value-breaking and is said so in the changelog.
#[test]
fn samples_of_fixed_seeds_stay_what_they_are() {
    let weights: Vec<f64> = (0..2_000)
        .map(|i| f64::from(1 + i * i % 97) / 7.0)
        .collect();
    let (head, tail) = weights.split_at(700);
    let mut replacement = ReplacementReservoir::with_seed(6, 42);
    replacement.extend(0..700);
    let mut other = ReplacementReservoir::with_seed(6, 43);
    other.extend(700..2_000);
    replacement.merge(other);
    let mut var_opt = var_opt_of(6, 42, head);
    var_opt.merge(var_opt_of(6, 43, tail));
    let mut eb_pps = eb_pps_of(6, 42, head);
    eb_pps.decay(0.75);
    eb_pps.merge(eb_pps_of(6, 43, tail));
    let stable = (
        replacement.into_vec(),
        var_opt_of(6, 42, &weights).into_vec(),
        var_opt.into_vec(),
        eb_pps_of(6, 42, &weights).into_vec(),
        eb_pps.into_vec(),
    );
    let frozen = (
        vec![559, 1443, 1666, 502, 108, 1136],
        vec![1505, 1286, 1921, 1625, 262, 479],
        vec![514, 262, 456, 261, 997, 499],
        vec![992, 1872, 1269, 1410, 1805, 317],
        vec![335, 620, 303, 127, 244, 524],
    );
    assert_eq!(stable, frozen);
}
