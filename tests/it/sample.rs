//! Samplers: what they hold, count and refuse.

use forebay::sample::{Reservoir, WeightError, WeightedReservoir};
use forebay::{Merge, merge_all};

/// Items held, in order.
fn sorted<T: Ord + Clone, R>(sample: &Reservoir<T, R>) -> Vec<T> {
    let mut items: Vec<T> = sample.iter().cloned().collect();
    items.sort();
    items
}

#[test]
fn a_stream_shorter_than_the_capacity_is_kept_whole() {
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
        let ways: [&dyn Fn(&mut Reservoir<u64>); 5] = [
            &by_update,
            &|sample| sample.extend(items.iter().copied()),
            &|sample| sample.extend(&items),
            &|sample| sample.extend(items.iter().copied().filter(|_| true)),
            &|sample| {
                items
                    .chunks(777)
                    .for_each(|chunk| sample.extend_from_slice(chunk))
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
        let mut single = Reservoir::with_seed(k, 9);
        (0..50_000u32).for_each(|item| single.update(item));
        assert_eq!(sorted(&counted), sorted(&single));
        assert_eq!(sorted(&opaque), sorted(&single));
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
            .extend_from_slice_weighted(&[1, 2, 3], &[1.0, weight, 1.0]);
        assert_eq!(outcome, Err(error));
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
        .extend_from_slice_weighted(&[1; 500], &[0.0; 500])
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
