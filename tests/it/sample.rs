//! Samplers: what they hold, count and refuse.

use forebay::sample::{
    DecayingReservoir, Reservoir, StratifiedReservoir, WeightError, WeightedReservoir, sample,
    sample_weighted,
};
use forebay::{Merge, merge_all};

/// Items held, in order.
fn sorted<T: Ord + Clone, R>(sample: &Reservoir<T, R>) -> Vec<T> {
    let mut items: Vec<T> = sample.iter().cloned().collect();
    items.sort();
    items
}

#[test]
fn a_stream_shorter_than_the_capacity_is_kept_completely() {
    for k in 1..40usize {
        for n in 0..=k {
            let mut one_by_one = Reservoir::with_seed(k, 1);
            (0..n).for_each(|item| one_by_one.update(item));
            let mut whole = Reservoir::with_seed(k, 1);
            whole.extend_from_slice(&(0..n).collect::<Vec<_>>());
            for sample in [one_by_one, whole] {
                assert_eq!(sorted(&sample), (0..n).collect::<Vec<_>>());
                assert!(!sample.is_saturated());
                assert_eq!(sample.inclusion_probability(), 1.0);
                assert_eq!(sample.is_empty(), n == 0);
            }
        }
    }
}

#[test]
fn every_way_of_offering_counts_the_same_items() {
    let items: Vec<u64> = (0..10_000).collect();
    for k in [1, 2, 10, 100, 9_999, 10_000, 20_000] {
        let by_update = |sample: &mut Reservoir<u64>| items.iter().for_each(|&i| sample.update(i));
        type Way<'a> = &'a dyn Fn(&mut Reservoir<u64>);
        let ways: [Way<'_>; 5] = [
            &by_update,
            &|sample| sample.extend(items.iter().copied()),
            &|sample| sample.extend(&items),
            &|sample| sample.extend(items.iter().copied().filter(|_| true)),
            &|sample| {
                items
                    .chunks(777)
                    .for_each(|chunk| sample.extend_from_slice(chunk));
            },
        ];
        for (way, offer) in ways.iter().enumerate() {
            let mut sample = Reservoir::with_seed(k, 5);
            offer(&mut sample);
            assert_eq!(sample.seen(), 10_000, "way {way}");
            assert_eq!(sample.len(), k.min(10_000));
            let mut distinct = sorted(&sample);
            distinct.dedup();
            assert_eq!(distinct.len(), sample.len(), "an item is held twice");
        }
    }
}

#[test]
fn skipping_by_nth_and_one_by_one_give_the_same_sample() {
    for k in [1, 7, 100] {
        let mut counted = Reservoir::with_seed(k, 9);
        counted.extend(0..50_000u32);
        let mut opaque = Reservoir::with_seed(k, 9);
        opaque.extend((0..50_000u32).filter(|_| true));
        assert_eq!(sorted(&counted), sorted(&opaque));
    }
}

#[test]
fn merging_with_an_empty_sampler_changes_nothing_on_either_side() {
    for n in [0, 3, 5, 1_000] {
        let mut sample = Reservoir::with_seed(5, 3);
        sample.extend(0..n);
        for capacity in [1, 5, 9] {
            let mut from_empty = Reservoir::with_seed(capacity, 4);
            from_empty.merge(sample.clone());
            let mut into = sample.clone();
            into.merge(Reservoir::with_seed(capacity, 4));
            for merged in [from_empty, into] {
                assert_eq!(sorted(&merged), sorted(&sample));
                assert_eq!(merged.seen(), sample.seen());
                assert_eq!(merged.is_saturated(), sample.is_saturated());
                let even = |item: &i32| item % 2 == 0;
                assert_eq!(merged.estimate_count(even), sample.estimate_count(even));
            }
        }
    }
}

#[test]
fn the_result_of_merges_does_not_depend_on_order_or_grouping() {
    let part = |i: u64| {
        let mut sample = Reservoir::with_seed(4 + i as usize % 3, i);
        sample.extend(i * 1_000..i * 1_000 + 10 * i * i);
        sample
    };
    let forwards = merge_all((1..9).map(part)).expect("eight parts");
    let backwards = merge_all((1..9).rev().map(part)).expect("eight parts");
    let mut halves = merge_all((1..5).map(part)).expect("four parts");
    halves.merge(merge_all((5..9).map(part)).expect("four parts"));
    assert_eq!(sorted(&forwards), sorted(&backwards));
    assert_eq!(sorted(&forwards), sorted(&halves));
    assert_eq!(forwards.len(), 4);
}

#[test]
fn a_merged_sampler_goes_on_sampling() {
    let mut sample = Reservoir::with_seed(10, 1);
    sample.extend(0..100);
    let mut other = Reservoir::with_seed(10, 2);
    other.extend(100..200);
    sample.merge(other);
    sample.extend(200..100_000);
    assert_eq!((sample.len(), sample.seen()), (10, 100_000));
    assert!(sample.iter().any(|&item| item >= 200));
}

#[test]
fn cleared_samplers_are_empty() {
    let mut sample = Reservoir::with_seed(3, 1);
    sample.extend(0..100);
    sample.clear();
    assert!(sample.is_empty() && !sample.is_saturated() && sample.iter().next().is_none());
    sample.extend(0..2);
    assert_eq!(sorted(&sample), [0, 1]);
    let mut weighted = WeightedReservoir::with_seed(3, 1);
    (0..100).for_each(|item| weighted.update(item));
    weighted.clear();
    assert!(weighted.is_empty() && weighted.total_weight() == 0.0);
    weighted.update(7);
    assert_eq!(weighted.into_vec(), [7]);
}

#[test]
fn bad_weights_are_refused_and_change_nothing() {
    let mut sample = WeightedReservoir::with_seed(2, 1);
    (0..10).for_each(|item| sample.update(item));
    let before = format!("{sample:?} {}", sample.total_weight());
    let bad = [
        (f64::NAN, WeightError::Nan),
        (-1.0, WeightError::Negative),
        (f64::NEG_INFINITY, WeightError::Negative),
        (f64::INFINITY, WeightError::Infinite),
    ];
    for (weight, error) in bad {
        assert_eq!(sample.update_weighted(99, weight), Err(error));
        assert_eq!(format!("{sample:?} {}", sample.total_weight()), before);
        let outcome = sample
            .clone()
            .extend_from_slices(&[1, 2, 3], &[1.0, weight, 1.0]);
        assert_eq!(outcome, Err(error));
    }
}

#[test]
fn a_long_slice_is_offered_up_to_its_first_bad_weight() {
    let items: Vec<usize> = (0..20_000).collect();
    for (bad, error) in [
        (f64::NAN, WeightError::Nan),
        (-1.0, WeightError::Negative),
        (f64::INFINITY, WeightError::Infinite),
    ] {
        for at in [0, 1, 8_191, 12_345, 19_999] {
            let mut weights = vec![2.0; items.len()];
            weights[at] = bad;
            for k in [1, 50, 30_000] {
                let mut sample = WeightedReservoir::with_seed(k, 7);
                assert_eq!(sample.extend_from_slices(&items, &weights), Err(error));
                assert_eq!(
                    (sample.seen(), sample.total_weight()),
                    (at as u64, 2.0 * at as f64)
                );
                assert_eq!(sample.len(), at.min(k), "{k} of {at}");
                assert_eq!(sample.is_saturated(), at > k, "{k} of {at}");
                assert!(sample.iter().all(|&item| item < at));
            }
        }
    }
}

#[test]
fn weight_zero_is_seen_and_never_sampled() {
    let mut sample = WeightedReservoir::with_seed(3, 1);
    for item in 0..1_000 {
        let weight = if item % 100 == 7 { 1.0 } else { 0.0 };
        sample
            .update_weighted(item, weight)
            .expect("a valid weight");
    }
    assert_eq!((sample.seen(), sample.total_weight()), (1_000, 10.0));
    assert!(sample.iter().all(|item| item % 100 == 7));
    let mut zeros = WeightedReservoir::with_seed(3, 1);
    zeros
        .extend_from_slices(&[1; 500], &[0.0; 500])
        .expect("valid weights");
    assert_eq!(
        (zeros.len(), zeros.seen(), zeros.is_saturated()),
        (0, 500, false)
    );
}

#[test]
fn weights_of_every_magnitude_are_sampled_in_order_of_magnitude() {
    // The heavy items outweigh all others by 1e200 and more: they are all in the sample.
    let mut sample = WeightedReservoir::with_seed(4, 1);
    for item in 0..10_000u32 {
        let weight = match item % 2_500 {
            1_000 => 1e300,
            i if i % 3 == 0 => 5e-324,
            i if i % 3 == 1 => 1e-300,
            _ => 1e100,
        };
        sample
            .update_weighted(item, weight)
            .expect("a valid weight");
    }
    let mut items = sample.into_vec();
    items.sort_unstable();
    assert_eq!(items, [1_000, 3_500, 6_000, 8_500]);
}

#[test]
#[should_panic(expected = "capacity of a sample must be at least 1")]
fn capacity_zero_panics() {
    let _ = Reservoir::<u8>::with_seed(0, 0);
}

#[test]
fn timestamps_that_are_not_finite_are_refused_and_change_nothing() {
    let mut recent = DecayingReservoir::with_seed(2, 10.0, 1);
    for time in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = recent.update_at(1, time).expect_err("not finite");
        assert!(error.to_string().contains("not a finite number"), "{error}");
    }
    assert!(recent.is_empty());
}

#[test]
fn any_span_of_time_keeps_the_most_recent_when_the_half_life_is_short() {
    // A million years in nanoseconds, a half-life of one: age decides alone.
    let times: Vec<f64> = (0..1_000).map(|i| f64::from(i % 500) * 6.3e19).collect();
    let mut recent = DecayingReservoir::with_seed(4, 1.0, 1);
    for (item, &time) in times.iter().enumerate() {
        recent.update_at(item, time).expect("finite");
    }
    let mut items = recent.into_vec();
    items.sort_unstable();
    assert_eq!(items, [498, 499, 998, 999]);
}

#[test]
fn merged_decaying_samples_do_not_depend_on_order_or_grouping() {
    let part = |i: u64| {
        let mut sample = DecayingReservoir::with_seed(5, 100.0, i);
        for t in 0..200 * i {
            sample.update_at((i, t), t as f64).expect("finite");
        }
        sample
    };
    let held = |sample: DecayingReservoir<(u64, u64)>| {
        let mut items = sample.into_vec();
        items.sort_unstable();
        items
    };
    let forwards = merge_all((1..7).map(part)).expect("six parts");
    let backwards = merge_all((1..7).rev().map(part)).expect("six parts");
    assert_eq!(forwards.seen(), 200 * 21);
    assert_eq!(held(forwards), held(backwards));
}

#[test]
#[should_panic(expected = "half-lives differ")]
fn decaying_samples_of_different_half_lives_do_not_merge() {
    let mut a = DecayingReservoir::with_seed(1, 1.0, 1);
    let mut b = DecayingReservoir::with_seed(1, 2.0, 1);
    a.update_at(1, 0.0).expect("finite");
    b.update_at(1, 0.0).expect("finite");
    a.merge(b);
}

/// Items and caps of a stratified sample by key, in order.
fn by_key(sample: &StratifiedReservoir<u32, u32>) -> Vec<(u32, Vec<u32>, u64)> {
    let mut keys: Vec<_> = sample
        .iter()
        .map(|(key, held)| (*key, sorted(held), held.seen()))
        .collect();
    keys.sort();
    keys
}

#[test]
fn strata_hold_their_cap_and_all_of_smaller_keys() {
    let mut sample = StratifiedReservoir::with_seed(3, 1);
    sample.extend((0..1_000u32).map(|i| (i % 37, i)));
    sample.update(99, 5);
    assert_eq!(
        (sample.keys(), sample.len(), sample.seen()),
        (38, 37 * 3 + 1, 1_001)
    );
    assert_eq!(sample.get(&99).map(sorted), Some(vec![5]));
    assert!(
        by_key(&sample)
            .iter()
            .all(|(key, items, _)| *key == 99 || items.iter().all(|i| i % 37 == *key))
    );
    assert_eq!(
        (
            sample.dropped_keys_from(),
            sample.key_inclusion_probability()
        ),
        (None, 1.0)
    );
}

#[test]
fn the_keys_that_a_cap_leaves_do_not_depend_on_order_or_cut() {
    let stream: Vec<(u32, u32)> = (0..6_000).map(|i| (i * i % 701, i)).collect();
    let caps = [(usize::MAX, 200), (20, usize::MAX), (50, 77)];
    for (max_keys, max_items) in caps {
        let make = |seed| {
            let sample = StratifiedReservoir::with_seed(4, seed);
            sample.with_max_keys(max_keys).with_max_items(max_items)
        };
        let mut direct = make(1);
        direct.extend(stream.iter().copied());
        let mut reversed = make(2);
        reversed.extend(stream.iter().rev().copied());
        let parts = stream.chunks(700).enumerate().map(|(i, chunk)| {
            let mut part = make(3 + i as u64);
            part.extend(chunk.iter().copied());
            part
        });
        let merged = merge_all(parts).expect("some parts");
        let keys = |sample: &StratifiedReservoir<u32, u32>| {
            by_key(sample)
                .into_iter()
                .map(|(key, _, seen)| (key, seen))
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&direct), keys(&reversed));
        assert_eq!(keys(&direct), keys(&merged));
        assert_eq!(direct.dropped_keys_from(), merged.dropped_keys_from());
        assert!(merged.keys() <= max_keys && merged.len() <= max_items);
        assert!(merged.dropped_keys_from().is_some());
        assert_eq!((merged.seen(), direct.seen()), (6_000, 6_000));
        // No key that is kept has lost anything to the cap.
        for (key, items, seen) in by_key(&merged) {
            let offered = stream.iter().filter(|(k, _)| *k == key).count();
            assert_eq!((seen, items.len()), (offered as u64, offered.min(4)));
        }
    }
}

#[test]
fn one_shot_functions_take_what_there_is() {
    let mut rng = forebay::random::JobSeed::new(1).partition_rng(0, 0, 0);
    assert!(sample(0..0, 5, &mut rng).is_empty());
    assert!(sample(0..9, 0, &mut rng).is_empty());
    let mut few = sample(0..3, 5, &mut rng);
    few.sort_unstable();
    assert_eq!(few, [0, 1, 2]);
    assert_eq!(sample(0..1_000_000, 5, &mut rng).len(), 5);
    let heavy = sample_weighted(0..100, |&i| if i < 2 { 1.0 } else { 0.0 }, 5, &mut rng);
    let mut heavy = heavy.expect("valid weights");
    heavy.sort_unstable();
    assert_eq!(heavy, [0, 1]);
    let bad = sample_weighted(0..100, |_| f64::NAN, 5, &mut rng);
    assert_eq!(bad, Err(WeightError::Nan));
}

#[test]
fn a_full_reservoir_takes_sixteen_bytes_an_item_and_160_besides() {
    // The heap holds exactly `capacity` entries: see the unit test of the core.
    assert!(size_of::<Reservoir<u64>>() <= 160 + 16);
}
