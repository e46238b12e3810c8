//! Misra-Gries: traces, bounds, laws, answers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use forebay::frequent::{Count, MisraGries, Side, UpdateError};
use forebay::{Merge, Summary, merge_all};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::naive::{TextbookMisraGries, exact_counts};

fn entries<K: Ord + Clone>(summary: &MisraGries<K>) -> BTreeMap<K, u64> {
    summary
        .iter()
        .map(|(key, count)| (key.clone(), count.lower))
        .collect()
}

/// Every promise about single keys and about the error, for all keys of `truth` and `absent`.
fn check_bounds<K: Ord + Hash + Clone + Debug>(
    summary: &MisraGries<K>,
    truth: &BTreeMap<K, u64>,
    absent: &K,
) {
    let total: u64 = truth.values().sum();
    assert_eq!(summary.total_weight(), total);
    let held = summary.len();
    assert_eq!(summary.is_empty(), held == 0);
    assert!(summary.len() <= summary.k());
    assert_eq!(summary.iter().len(), summary.len());
    assert!(summary.max_error() <= summary.error_bound());
    assert_eq!(summary.error_bound(), total / (summary.k() as u64 + 1));
    for (key, &weight) in truth.iter().chain([(absent, &0)]) {
        let Count { lower, upper } = summary.estimate(key);
        assert!(
            lower <= weight && weight <= upper,
            "{key:?} weighs {weight}, not {lower}..={upper}"
        );
        assert!(upper - lower <= summary.max_error());
        assert_eq!(
            (lower, upper),
            (summary.lower_bound(key), summary.upper_bound(key))
        );
    }
    for (key, row) in summary {
        let single = summary.estimate(key);
        assert!(row.lower <= single.lower && single.upper <= row.upper);
    }
}

/// A key and a weight: mostly small, some enormous, some zero.
fn weighted_key() -> impl Strategy<Value = (u8, u64)> {
    let weight = prop_oneof![
        6 => Just(1u64),
        3 => 0..20u64,
        1 => (0..40u32).prop_map(|exponent| 1u64 << exponent),
    ];
    (0..24u8, weight)
}

#[test]
fn textbook_trace_of_the_projects_origin() {
    let trace = "{A1} {A1 B1} {A1 B1 C1} {} {A1} {A2} {A3} {A3 D1} {A3 D1 F1} {A2} {A2 F1} \
                 {A2 F2} {A2 F3} {A2 F3 B1} {A2 F3 B2} {A1 F2 B1} {F1} {F1 D1} {F2 D1} {F3 D1} \
                 {F4 D1}";
    let mut expected = trace.trim_end_matches('}').split("} ");
    let mut summary: MisraGries<char> = MisraGries::new(3);
    for letter in "ABCEAAADFEFFFBBCCDFFF".chars() {
        summary.update(letter);
        let step = expected.next().expect("as many steps as letters");
        let step: BTreeMap<char, u64> = step
            .trim_start_matches('{')
            .split_whitespace()
            .map(|entry| {
                let (key, count) = entry.split_at(1);
                (key.chars().next().unwrap(), count.parse().unwrap())
            })
            .collect();
        assert_eq!(entries(&summary), step, "after {letter}");
    }
    assert_eq!(expected.next(), None);
}

type Offer = fn(&mut MisraGries<u8>, &[u8]);

proptest! {
    #[test]
    fn unit_weights_give_the_textbook_entries_after_every_update(
        k in 1..9usize,
        stream in vec(0..16u8, 0..400),
    ) {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        let mut twin = TextbookMisraGries::new(k);
        for key in stream {
            summary.update(key);
            twin.update(key);
            prop_assert_eq!(&entries(&summary), &twin.counters);
        }
    }

    #[test]
    fn bounds_hold_after_every_prefix_of_any_weights(
        k in 1..9usize,
        stream in vec(weighted_key(), 0..200),
    ) {
        let mut summary = MisraGries::new(k);
        let mut truth = BTreeMap::new();
        for (key, weight) in stream {
            summary.update_weighted(key, weight);
            *truth.entry(key).or_insert(0) += weight;
            check_bounds(&summary, &truth, &u8::MAX);
        }
    }

    #[test]
    fn bounds_hold_after_any_tree_of_merges(
        parts in vec((1..9usize, vec(weighted_key(), 0..40)), 1..12),
        picks in vec(any::<prop::sample::Index>(), 12),
    ) {
        let mut trees: Vec<_> = parts
            .into_iter()
            .map(|(k, stream)| {
                let mut summary = MisraGries::new(k);
                summary.extend(stream.iter().copied());
                (summary, exact_counts(stream))
            })
            .collect();
        for pick in picks {
            let (summary, truth) = trees.swap_remove(pick.index(trees.len()));
            check_bounds(&summary, &truth, &u8::MAX);
            let Some((onto, onto_truth)) = trees.first_mut() else { break };
            onto.merge(summary);
            for (key, weight) in truth {
                *onto_truth.entry(key).or_insert(0) += weight;
            }
        }
    }

    #[test]
    fn merging_with_an_empty_summary_changes_no_answer(
        k in 1..9usize,
        other_k in 1..9usize,
        stream in vec(weighted_key(), 1..100),
    ) {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        summary.extend(stream);
        prop_assume!(summary.total_weight() > 0);
        let mut left = summary.clone();
        left.merge(MisraGries::new(other_k));
        let mut right = MisraGries::new(other_k);
        right.merge(summary.clone());
        for merged in [left, right] {
            prop_assert_eq!(merged.k(), summary.k());
            prop_assert_eq!(merged.max_error(), summary.max_error());
            prop_assert_eq!(merged.total_weight(), summary.total_weight());
            prop_assert_eq!(merged.top(9), summary.top(9));
        }
    }

    #[test]
    fn heavy_hitters_keep_their_promise_for_every_threshold(
        k in 1..9usize,
        phi in 0.0..=1.0f64,
        stream in vec(weighted_key(), 0..200),
    ) {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        summary.extend(stream.iter().copied());
        let truth = exact_counts(stream);
        let sure = summary.heavy_hitters(phi, Side::NoFalsePositives);
        for row in &sure {
            prop_assert!(truth[row.key] > sure.threshold);
        }
        prop_assert!(!sure.raised);
        let all = summary.heavy_hitters(phi, Side::NoFalseNegatives);
        for (key, &weight) in &truth {
            let listed = all.rows.iter().any(|row| row.key == key);
            prop_assert!(listed || weight <= all.threshold, "{} is missing", key);
        }
        prop_assert_eq!(all.raised, all.threshold > sure.threshold);
    }

    #[test]
    fn a_certain_rank_is_right(k in 1..9usize, stream in vec(weighted_key(), 0..200)) {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        summary.extend(stream.iter().copied());
        let truth = exact_counts(stream);
        let rows = summary.top(k);
        for (rank, row) in rows.iter().enumerate().filter(|(_, row)| row.certain) {
            let earlier: Vec<_> = rows[..rank].iter().map(|row| row.key).collect();
            for (key, weight) in truth.iter().filter(|(key, _)| !earlier.contains(key)) {
                prop_assert!(truth[row.key] >= *weight, "{} is heavier than {}", key, row.key);
            }
        }
        for n in 0..=rows.len() {
            prop_assert_eq!(&summary.top(n), &rows[..n]);
        }
    }

    #[test]
    fn every_way_of_offering_is_the_same(k in 1..9usize, stream in vec(0..16u8, 0..200)) {
        let ways: [Offer; 9] = [
            |s, keys| keys.iter().for_each(|&key| s.update(key)),
            |s, keys| keys.iter().for_each(|key| s.update_ref(key)),
            |s, keys| keys.iter().for_each(|&key| s.update_weighted(key, 1)),
            |s, keys| keys.iter().for_each(|key| s.update_weighted_ref(key, 1)),
            |s, keys| keys.iter().for_each(|&key| Summary::update(s, key)),
            |s, keys| s.extend(keys),
            |s, keys| s.extend(keys.to_vec()),
            |s, keys| s.extend(keys.iter().map(|&key| (key, 1))),
            |s, keys| s.extend_from_slice(keys),
        ];
        let mut twin = TextbookMisraGries::new(k);
        stream.iter().for_each(|&key| twin.update(key));
        for offer in ways {
            let mut summary = MisraGries::new(k);
            offer(&mut summary, &stream);
            prop_assert_eq!(&entries(&summary), &twin.counters);
        }
    }

    #[test]
    fn a_slice_is_its_items_one_by_one(k in 1..9usize, stream in vec(weighted_key(), 0..300)) {
        let mut whole: MisraGries<u8> = MisraGries::new(k);
        whole.extend_from_slice_weighted(&stream);
        let mut single = MisraGries::new(k);
        stream.iter().for_each(|&(key, weight)| single.update_weighted(key, weight));
        prop_assert_eq!(entries(&whole), entries(&single));
        prop_assert_eq!(whole.max_error(), single.max_error());
        prop_assert_eq!(whole.total_weight(), single.total_weight());
    }

    #[test]
    fn slices_keep_the_guarantee(k in 1..9usize, stream in vec(weighted_key(), 0..200)) {
        let mut summary = MisraGries::new(k);
        summary.extend_from_slice_weighted(&stream);
        let keys: Vec<u8> = stream.iter().map(|&(key, _)| key).collect();
        summary.extend_from_slice(&keys);
        let truth = exact_counts(stream.into_iter().chain(keys.into_iter().map(|key| (key, 1))));
        check_bounds(&summary, &truth, &u8::MAX);
    }
}

#[test]
fn merges_in_any_order_promise_the_same_k_and_total() {
    let part = |k: usize, key: u8| {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        summary.update_weighted(key, 3);
        summary
    };
    let parts = [part(4, 0), part(2, 1), MisraGries::new(1), part(7, 2)];
    let forward = merge_all(parts.clone()).expect("four parts");
    let backward = merge_all(parts.into_iter().rev()).expect("four parts");
    for merged in [forward, backward] {
        assert_eq!((merged.k(), merged.total_weight()), (2, 9));
        assert_eq!(merged.max_error(), 3);
    }
}

#[test]
fn a_refused_weight_leaves_the_summary_as_it_was() {
    let mut summary: MisraGries<&str, f64> = MisraGries::with_weights(2);
    summary.update_weighted("ebb", 1.5);
    let refusals = [
        (f64::NAN, UpdateError::NotANumber),
        (-1.0, UpdateError::Negative),
        (f64::NEG_INFINITY, UpdateError::Negative),
        (f64::INFINITY, UpdateError::Infinite),
    ];
    for (weight, error) in refusals {
        assert_eq!(summary.try_update_weighted("ebb", weight), Err(error));
        assert_eq!(summary.try_update_weighted_ref(&"flow", weight), Err(error));
    }
    assert_eq!(summary.total_weight(), 1.5);
    assert_eq!(
        summary.estimate("ebb"),
        Count {
            lower: 1.5,
            upper: 1.5
        }
    );
    assert_eq!(summary.len(), 1);

    let mut full: MisraGries<u8, u8> = MisraGries::with_weights(2);
    full.update_weighted(1, u8::MAX);
    assert_eq!(full.try_update_weighted(1, 1), Err(UpdateError::Overflow));
    assert_eq!(full.lower_bound(&1), u8::MAX);
    let mut heavy: MisraGries<u8, f64> = MisraGries::with_weights(2);
    heavy.update_weighted(1, f64::MAX);
    assert_eq!(
        heavy.try_update_weighted(2, f64::MAX),
        Err(UpdateError::Overflow)
    );
}

#[test]
fn weight_zero_is_taken_and_changes_nothing() {
    let mut summary: MisraGries<&str, f32> = MisraGries::with_weights(1);
    summary.update_weighted("ebb", 0.0);
    summary.update_weighted("flow", -0.0);
    assert!(summary.is_empty());
    assert_eq!(summary.len(), 0);
}

#[test]
#[should_panic(expected = "total weight overflows its type")]
fn the_plain_update_panics_on_overflow() {
    let mut summary: MisraGries<u8, u8> = MisraGries::with_weights(1);
    summary.extend((0..=u8::MAX).map(|_| 7));
}

#[test]
#[should_panic(expected = "1 to 2^30 counters, not 0")]
fn no_counters_are_a_mistake_of_the_programmer() {
    let _ = MisraGries::<u8>::new(0);
}

#[test]
fn a_summary_without_counters_is_empty_and_has_a_weight() {
    let mut summary: MisraGries<char> = MisraGries::new(1);
    summary.extend("ab".chars());
    assert_eq!(summary.len(), 0);
    assert!(summary.is_empty());
    assert_eq!(summary.total_weight(), 2);
    assert_eq!(summary.estimate(&'c'), Count { lower: 0, upper: 1 });
    summary.clear();
    assert_eq!((summary.total_weight(), summary.max_error()), (0, 0));
}

#[test]
fn merged_totals_beyond_the_type_saturate() {
    let mut left: MisraGries<u8, u8> = MisraGries::with_weights(1);
    left.update_weighted(1, 200);
    left.merge(left.clone());
    assert_eq!(
        left.estimate(&1),
        Count {
            lower: 255,
            upper: 255
        }
    );
    let mut right: MisraGries<u8, f64> = MisraGries::with_weights(1);
    right.update_weighted(1, f64::MAX);
    right.merge(right.clone());
    assert_eq!(right.total_weight(), f64::MAX);
}

#[test]
fn a_key_by_reference_is_cloned_only_when_it_is_new() {
    thread_local!(static CLONES: Cell<u32> = const { Cell::new(0) });

    #[derive(PartialEq, Eq, Hash)]
    struct Watched(Box<u8>);
    impl Clone for Watched {
        fn clone(&self) -> Self {
            CLONES.set(CLONES.get() + 1);
            Self(self.0.clone())
        }
    }

    let watched = |key: u8| Watched(Box::new(key));
    let mut summary: MisraGries<Watched> = MisraGries::new(2);
    for key in [3, 3, 1, 3, 1] {
        summary.update_ref(&watched(key));
    }
    summary.extend_from_slice(&[watched(1), watched(3)]);
    assert_eq!(summary.lower_bound(&watched(3)), 4);
    assert_eq!(CLONES.get(), 2);
}

#[test]
fn the_tail_bounds_the_error() {
    // j = 2 heavy keys, a tail of 40 single ones: the error is at most 40 / (k + 1 - 2).
    let mut summary: MisraGries<u32> = MisraGries::new(9);
    for i in 0..40 {
        summary.extend([0, 1, 0, 100 + i]);
    }
    assert!(summary.max_error() <= 40 / 8);
}

#[test]
fn every_type_of_weight_counts() {
    fn total<W: forebay::frequent::Weight>() -> String {
        let mut summary: MisraGries<char, W> = MisraGries::with_weights(1);
        summary.extend("aab".chars());
        let (lower, upper) = (summary.lower_bound(&'a'), summary.upper_bound(&'a'));
        format!(
            "{} {lower}..={upper} {}",
            summary.total_weight(),
            summary.error_bound()
        )
    }
    for integer in [
        total::<u8>(),
        total::<u16>(),
        total::<u32>(),
        total::<u64>(),
    ] {
        assert_eq!(integer, "3 1..=2 1");
    }
    assert_eq!(total::<u128>(), "3 1..=2 1");
    assert_eq!(total::<usize>(), "3 1..=2 1");
    assert_eq!(total::<f32>(), "3 1..=2 1.5");
    assert_eq!(total::<f64>(), "3 1..=2 1.5");
}

#[test]
fn answers_are_printed_for_people() {
    let mut summary: MisraGries<char> = MisraGries::new(1);
    summary.extend("aab".chars());
    assert_eq!(summary.top(1)[0].to_string(), "a  1..=2  rank certain");
    assert_eq!(summary.estimate(&'b').to_string(), "0..=1");
    assert_eq!(
        format!("{summary:?}"),
        "MisraGries { k: 1, total_weight: 3, max_error: 1, counters: {'a': 1}, .. }"
    );
    assert_eq!(
        summary.into_iter().next(),
        Some(('a', Count { lower: 1, upper: 2 }))
    );
}

#[cfg(feature = "serde")]
mod stored {
    use super::*;

    type Stored = MisraGries<String, u64>;

    fn sample() -> Stored {
        let mut summary = Stored::new(3);
        for word in "ebb flow ebb neap spring ebb ebb flow".split(' ') {
            summary.update_ref(word);
        }
        summary
    }

    #[test]
    fn a_stored_summary_resumes_with_the_same_answers() {
        let summary = sample();
        let bytes = postcard::to_allocvec(&summary).expect("encodes");
        let mut back: Stored = postcard::from_bytes(&bytes).expect("decodes");
        assert_eq!(back.top(3), summary.top(3));
        assert_eq!(back.max_error(), summary.max_error());
        assert_eq!(back.k(), 3);
        back.update_ref("ebb");
        assert_eq!(back.lower_bound("ebb"), summary.lower_bound("ebb") + 1);
        let json = serde_json::to_string(&summary).expect("encodes");
        let back: Stored = serde_json::from_str(&json).expect("decodes");
        assert_eq!(back.top(3), summary.top(3));
    }

    #[test]
    fn broken_invariants_are_refused_by_name() {
        let cases = [
            (
                r#"{"k":0,"total_weight":0,"steps":"Textbook","subtracted":0,"counters":[]}"#,
                "out of range",
            ),
            (
                r#"{"k":1,"total_weight":9,"steps":"Textbook","subtracted":0,"counters":[["a",1],["b",1]]}"#,
                "more counters than k",
            ),
            (
                r#"{"k":2,"total_weight":9,"steps":"Textbook","subtracted":0,"counters":[["a",1],["a",1]]}"#,
                "twice",
            ),
            (
                r#"{"k":2,"total_weight":9,"steps":"Textbook","subtracted":0,"counters":[["a",0]]}"#,
                "positive",
            ),
            (
                r#"{"k":2,"total_weight":9,"steps":"Textbook","subtracted":3,"counters":[["a",1]]}"#,
                "exceed",
            ),
        ];
        for (json, cause) in cases {
            let error = serde_json::from_str::<Stored>(json).expect_err(json);
            assert!(error.to_string().contains(cause), "{error}");
        }
    }

    #[test]
    fn every_truncation_and_bit_flip_is_refused_or_sound() {
        let bytes = postcard::to_allocvec(&sample()).expect("encodes");
        for end in 0..bytes.len() {
            assert!(postcard::from_bytes::<Stored>(&bytes[..end]).is_err());
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(summary) = postcard::from_bytes::<Stored>(&flipped) {
                assert!(summary.max_error() <= summary.error_bound());
                assert!(summary.len() <= summary.k());
            }
        }
    }
}
