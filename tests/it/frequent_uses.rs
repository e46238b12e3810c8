//! Misra-Gries in use: decayed counts, windows, private release, adversarial weights.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

#[cfg(feature = "serde")]
use forebay::frequent::Weight;
use forebay::frequent::{MisraGries, PrivateError, Side};
use forebay::{Merge, merge_all};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

proptest! {
    #[test]
    fn bounds_hold_for_decayed_counts(
        k in 1..9usize,
        ticks in vec(vec((0..16u8, 0..1000u32), 0..30), 1..8),
    ) {
        // Halving whole numbers is exact, and so is the comparison.
        let mut summary: MisraGries<u8, f64> = MisraGries::with_weights(k);
        let mut truth = BTreeMap::new();
        for tick in ticks {
            summary.scale(0.5);
            truth.values_mut().for_each(|weight| *weight *= 0.5);
            for (key, weight) in tick {
                summary.update_weighted(key, f64::from(weight));
                *truth.entry(key).or_insert(0.0) += f64::from(weight);
            }
            for (key, &weight) in &truth {
                let count = summary.estimate(key);
                prop_assert!(count.lower <= weight && weight <= count.upper);
            }
            prop_assert!(summary.max_error() <= summary.error_bound());
        }
    }

    #[test]
    fn a_window_of_panes_keeps_the_guarantee(
        panes in vec(vec(0..32u8, 0..60), 1..20),
        k in 1..9usize,
        window in 1..6usize,
    ) {
        let summaries: Vec<MisraGries<u8>> = panes
            .iter()
            .map(|pane| {
                let mut summary = MisraGries::new(k);
                summary.extend_from_slice(pane);
                summary
            })
            .collect();
        for (panes, summaries) in panes.windows(window).zip(summaries.windows(window)) {
            let merged = merge_all(summaries.iter().cloned()).expect("a window is not empty");
            let total: usize = panes.iter().map(Vec::len).sum();
            prop_assert_eq!(merged.total_weight(), total as u64);
            prop_assert!(merged.max_error() <= merged.error_bound());
            prop_assert!(merged.len() <= k);
            for key in 0..32 {
                let weight = panes.iter().flatten().filter(|&&seen| seen == key).count() as u64;
                let count = merged.estimate(&key);
                prop_assert!(count.lower <= weight && weight <= count.upper);
            }
        }
    }

    /// Bytes are counted as 64 bits are, and floats that are whole as integers are.
    #[test]
    fn types_that_can_hold_the_total_count_alike(
        k in 1..9usize,
        stream in vec((0..16u8, 0..9u8), 0..60),
    ) {
        let total: u32 = stream.iter().map(|&(_, weight)| u32::from(weight)).sum();
        prop_assume!(total <= u32::from(u8::MAX));
        let mut bytes: MisraGries<u8, u8> = MisraGries::with_weights(k);
        let mut words: MisraGries<u8, u64> = MisraGries::with_weights(k);
        let mut floats: MisraGries<u8, f32> = MisraGries::with_weights(k);
        for (key, weight) in stream {
            bytes.update_weighted(key, weight);
            words.update_weighted(key, weight.into());
            floats.update_weighted(key, weight.into());
            for key in 0..16 {
                let (byte, word) = (bytes.estimate(&key), words.estimate(&key));
                let float = floats.estimate(&key);
                prop_assert_eq!((u64::from(byte.lower), u64::from(byte.upper)), (word.lower, word.upper));
                prop_assert_eq!((float.lower as u64, float.upper as u64), (word.lower, word.upper));
            }
        }
    }

    /// Merged again and again, a byte cannot hold the total; lower bounds hold all the same.
    #[test]
    fn bounds_of_a_total_beyond_the_type_hold_as_far_as_it_goes(
        k in 1..5usize,
        parts in vec(vec((0..8u8, 1..30u8), 1..9), 1..40),
    ) {
        let mut merged: MisraGries<u8, u8> = MisraGries::with_weights(k);
        let mut truth = BTreeMap::new();
        for part in parts {
            let mut summary = MisraGries::with_weights(k);
            for (key, weight) in part {
                summary.update_weighted(key, weight);
                *truth.entry(key).or_insert(0) += u32::from(weight);
            }
            merged.merge(summary);
            prop_assert!(merged.len() <= k);
            prop_assert_eq!(merged.iter().count(), merged.len());
            for (key, &weight) in &truth {
                let count = merged.estimate(key);
                prop_assert!(u32::from(count.lower) <= weight);
                prop_assert!(weight.min(255) <= u32::from(count.upper));
            }
        }
    }

    #[test]
    fn with_error_keeps_its_error(epsilon in 0.01..=1.0f64) {
        let summary: MisraGries<u8> = MisraGries::with_error(epsilon);
        prop_assert!(1.0 / (summary.k() as f64 + 1.0) <= epsilon);
        prop_assert!(summary.k() == 1 || 1.0 / summary.k() as f64 > epsilon * 0.999_999);
    }
}

#[test]
fn decay_to_nothing_is_empty() {
    let mut summary: MisraGries<u8, f32> = MisraGries::with_weights(2);
    summary.update_weighted(1, 3.0);
    summary.scale(0.0);
    assert!(summary.is_empty());
    assert_eq!(summary.len(), 0);
    summary.update_weighted(1, f32::MIN_POSITIVE);
    for _ in 0..100 {
        summary.scale(0.5);
    }
    assert!(summary.is_empty());
}

#[test]
#[should_panic(expected = "between 0 and 1")]
fn growing_is_not_decay() {
    MisraGries::<u8, f64>::with_weights(2).scale(1.5);
}

#[test]
fn adversarial_weights_keep_the_bounds() {
    let streams: [fn(u64) -> (u64, u64); 3] = [
        // k enormous keys, then many small ones.
        |i| if i < 64 { (i, 1 << 40) } else { (i, 1) },
        |i| (i, i + 1),
        |i| (i, 1 << (i % 50)),
    ];
    for stream in streams {
        let mut summary: MisraGries<u64> = MisraGries::new(64);
        for i in 0..20_000 {
            let (key, weight) = stream(i);
            summary.update_weighted(key, weight);
        }
        assert!(summary.len() <= 64);
        assert!(summary.max_error() <= summary.error_bound());
        for i in 0..20_000 {
            let (key, weight) = stream(i);
            let count = summary.estimate(&key);
            assert!(count.lower <= weight && weight <= count.upper);
        }
    }
}

/// A stream of 60,000 keys by a skewed law, weighing 1 to 1,000, in some fixed order.
fn packets() -> impl Iterator<Item = (u64, u64)> {
    (1..120_000u64).map(|i| {
        let mixed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed >> 32) % (1 + i % 60_000), 1 + (mixed >> 20) % 1_000)
    })
}

#[test]
fn a_large_buffered_table_keeps_the_bounds_and_their_order_of_size() {
    let mut summary: MisraGries<u64> = MisraGries::new(2_000);
    let mut truth = BTreeMap::new();
    for (i, (key, weight)) in packets().enumerate() {
        summary.update_weighted(key, weight);
        *truth.entry(key).or_insert(0) += weight;
        if i % 10_007 == 0 {
            assert!(summary.len() <= 2_000);
            assert!(summary.max_error() <= summary.error_bound());
        }
    }
    for (key, &weight) in &truth {
        let count = summary.estimate(key);
        assert!(count.lower <= weight && weight <= count.upper);
    }
    assert_eq!(summary.total_weight(), truth.values().sum::<u64>());
}

/// Stored and read again and again, a summary of these weights is at the end what it is without.
#[cfg(feature = "serde")]
fn goes_on_when_stored<W>(weight: impl Fn(u64) -> W)
where
    W: Weight + serde::Serialize + serde::de::DeserializeOwned,
{
    let mut unbroken: MisraGries<u64, W> = MisraGries::with_weights(700);
    let mut resumed = unbroken.clone();
    for (i, (key, number)) in packets().take(20_000).enumerate() {
        unbroken.update_weighted(key, weight(number));
        resumed.update_weighted(key, weight(number));
        if i % 1_777 == 0 {
            let bytes = postcard::to_allocvec(&resumed).expect("encodes");
            resumed = postcard::from_bytes(&bytes).expect("decodes");
        }
    }
    assert_eq!(resumed.max_error(), unbroken.max_error());
    assert!(resumed.iter().eq(unbroken.iter()));
}

#[cfg(feature = "serde")]
#[test]
fn a_summary_stored_with_its_buffer_half_full_goes_on_as_the_unbroken_run() {
    goes_on_when_stored(|number| number);
    // Sums of these are rounded, and the same whether or not they were stored in between.
    goes_on_when_stored(|number| number as f64 / 3.0);
}

#[test]
fn memory_is_taken_as_keys_come_and_stays_bounded() {
    let mut summary: MisraGries<u64> = MisraGries::new(1 << 12);
    assert!(summary.memory() < 512);
    summary.extend(0..1_000_000);
    let most = (1 << 12) * (16 + 8 + 1) * 2;
    assert!(summary.memory() < most, "{}", summary.memory());
}

fn generator() -> impl Rng {
    Xoshiro256PlusPlus::seed_from_u64(3)
}

#[test]
fn a_private_release_hides_what_was_seen_once_and_is_near_for_the_rest() {
    let mut summary: MisraGries<u32> = MisraGries::new(100);
    summary.extend((0..50).flat_map(|key| std::iter::repeat_n(key, 500)));
    summary.extend(1_000..1_040);
    let (epsilon, delta) = (1.0, 1e-6);
    let release = summary
        .release_private(epsilon, delta, &mut generator())
        .expect("a textbook summary");
    assert_eq!(release.rows.len(), 50);
    assert!(release.threshold > 20.0 && release.threshold < 60.0);
    for (key, noisy) in &release.rows {
        assert!(**key < 50 && (noisy - 500.0).abs() < 40.0 && noisy.fract() == 0.0);
    }
    assert!(release.rows.is_sorted_by(|a, b| a.1 >= b.1));
}

#[test]
fn only_textbook_summaries_are_released() {
    let release = |summary: &MisraGries<u8>| {
        let release = summary.release_private(1.0, 1e-6, &mut generator());
        release.map(|_| ())
    };
    let mut summary: MisraGries<u8> = MisraGries::new(4);
    assert_eq!(release(&summary), Ok(()));
    summary.update(1);
    assert_eq!(release(&summary), Ok(()));
    let mut merged = summary.clone();
    merged.merge(summary.clone());
    assert_eq!(release(&merged), Err(PrivateError::Merged));
    summary.update_weighted(1, 2);
    assert_eq!(release(&summary), Err(PrivateError::Weighted));
    let told = [
        (PrivateError::Weighted, "weights other than one"),
        (PrivateError::Merged, "merged counters"),
        (PrivateError::Reordered, "counted out of order"),
    ];
    assert!(
        told.iter()
            .all(|(error, cause)| error.to_string().contains(cause))
    );
}

/// The sensitivity on which the private release rests: one update more changes one counter by one,
/// or all of k counters by one.
#[test]
fn one_update_more_changes_one_counter_or_all_by_one() {
    const K: usize = 3;
    let run = |stream: &[u8]| {
        let mut summary: MisraGries<u8> = MisraGries::new(K);
        stream.iter().for_each(|&key| summary.update(key));
        move |key: u8| summary.lower_bound(&key)
    };
    // Every stream of seven updates of five keys, and every one of its updates left out.
    for code in 0..5u32.pow(7) {
        let stream: Vec<u8> = (0..7).map(|at| (code / 5u32.pow(at) % 5) as u8).collect();
        let whole = run(&stream);
        for left_out in 0..stream.len() {
            let mut less = stream.clone();
            less.remove(left_out);
            let less = run(&less);
            let change: Vec<i64> = (0..5)
                .map(|key| whole(key) as i64 - less(key) as i64)
                .collect();
            let one = change.iter().filter(|&&by| by != 0).eq([&1]);
            let none = change.iter().all(|&by| by == 0);
            let all = (0..5).filter(|&key| less(key) > 0).count() == K
                && (0..5).all(|key| change[key as usize] == -i64::from(less(key) > 0));
            assert!(
                one || all || none,
                "{stream:?} without {left_out}: {change:?}"
            );
        }
    }
}

#[cfg(feature = "serde")]
proptest! {
    #[test]
    fn a_buffered_summary_merged_with_a_smaller_one_can_be_stored(
        k in 1..40usize,
        smaller in 1..20usize,
        streams in vec(vec((0..64u8, 1..1u64 << 30), 0..60), 2),
    ) {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        summary.extend_from_slice_weighted(&streams[0]);
        let mut other = MisraGries::new(smaller);
        other.extend_from_slice_weighted(&streams[1]);
        summary.merge(other);
        let bytes = postcard::to_allocvec(&summary).expect("encodes");
        let back: MisraGries<u8> = postcard::from_bytes(&bytes).expect("its own bytes");
        prop_assert!(back.iter().eq(summary.iter()));
    }

    /// Storing checks all invariants, of the buffer too.
    #[test]
    fn a_buffered_summary_can_be_stored_after_every_update(
        k in 1..20usize,
        stream in vec((0..64u8, prop_oneof![3 => 1..50u64, 1 => 1..1u64 << 40]), 0..200),
    ) {
        let mut summary: MisraGries<u8> = MisraGries::new(k);
        for (key, weight) in stream {
            summary.update_weighted(key, weight);
            let bytes = postcard::to_allocvec(&summary).expect("encodes");
            let back: MisraGries<u8> = postcard::from_bytes(&bytes).expect("its own bytes");
            prop_assert!(back.iter().eq(summary.iter()));
        }
    }
}

proptest! {
    #[test]
    fn summaries_that_hold_the_same_are_visited_in_the_same_order(
        keys in vec(0..500u16, 1..400),
        k in 300..400usize,
    ) {
        // One that grew as keys came, one that had room for all, one that was larger before.
        let grown = summarized(&keys, k);
        let merged = merge_all(keys.chunks(7).map(|keys| summarized(keys, k))).expect("not empty");
        let mut cleared = summarized(&(0..300).collect::<Vec<u16>>(), k);
        cleared.clear();
        cleared.extend(keys.iter().rev());
        for other in [&merged, &cleared] {
            prop_assert!(grown.iter().eq(other.iter()));
            prop_assert!(grown.clone().into_iter().eq(other.clone()));
        }
    }
}

fn summarized(keys: &[u16], k: usize) -> MisraGries<u16> {
    let mut summary = MisraGries::new(k);
    summary.extend_from_slice(keys);
    summary
}

/// A key that counts how often it is compared.
#[derive(Clone)]
struct Compared<'a>(u32, &'a Cell<usize>);

impl PartialEq for Compared<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.1.set(self.1.get() + 1);
        self.0 == other.0
    }
}

impl Eq for Compared<'_> {}

impl Hash for Compared<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn keys_of_one_table_offered_to_a_smaller_one_are_not_compared_with_all_others() {
    const KEYS: usize = 30_000;
    let comparisons = Cell::new(0);
    let mut large: MisraGries<Compared> = MisraGries::new(KEYS);
    large.extend((0..KEYS as u32).map(|key| Compared(key, &comparisons)));
    let mut small: MisraGries<Compared> = MisraGries::new(KEYS / 10);
    comparisons.set(0);
    small.extend(large.iter().map(|(key, _)| key.clone()));
    // One without asking why, and one for each tag that is equal by chance, one in 255.
    let comparisons = comparisons.get();
    assert!(comparisons < KEYS + KEYS / 4, "{comparisons} comparisons");
}

#[test]
fn the_memory_of_dropped_words_serves_new_ones() {
    thread_local! { static COPIES: Cell<(usize, usize)> = const { Cell::new((0, 0)) } }
    #[derive(PartialEq, Eq, Hash)]
    struct Word(u32);
    impl Clone for Word {
        fn clone(&self) -> Self {
            COPIES.with(|copies| copies.set((copies.get().0 + 1, copies.get().1)));
            Self(self.0)
        }
        fn clone_from(&mut self, other: &Self) {
            COPIES.with(|copies| copies.set((copies.get().0, copies.get().1 + 1)));
            self.0 = other.0;
        }
    }
    impl Drop for Word {
        fn drop(&mut self) {}
    }
    let mut summary: MisraGries<Word> = MisraGries::new(100);
    (0..10_000).for_each(|word| summary.update_ref(&Word(word)));
    let (made, reused) = COPIES.with(Cell::get);
    assert!(made <= 176, "{made} made for a table of 11 buckets");
    assert_eq!(made + reused, 10_000 - 10_000 / 101);
}

#[test]
fn a_key_exactly_at_the_threshold_is_not_heavier_than_it() {
    let mut summary: MisraGries<char> = MisraGries::new(4);
    summary.extend([('a', 5), ('b', 4), ('c', 1)]);
    for side in [Side::NoFalsePositives, Side::NoFalseNegatives] {
        let found = summary.heavy_hitters(0.4, side);
        assert_eq!((found.threshold, found.raised), (4, false));
        let listed: Vec<char> = (&found).into_iter().map(|row| *row.key).collect();
        assert_eq!(listed, ['a']);
        let owned: Vec<_> = found.into_iter().map(|row| row.count.lower).collect();
        assert_eq!(owned, [5]);
    }
}

#[test]
fn a_threshold_equal_to_the_error_is_not_raised() {
    let mut summary: MisraGries<u8> = MisraGries::new(1);
    summary.extend([1, 2, 1, 1]);
    assert_eq!((summary.max_error(), summary.total_weight()), (1, 4));
    let found = summary.heavy_hitters(0.25, Side::NoFalseNegatives);
    assert_eq!((found.threshold, found.raised), (1, false));
    let found = summary.heavy_hitters(0.0, Side::NoFalseNegatives);
    assert_eq!((found.threshold, found.raised), (1, true));
}

#[test]
fn a_summary_whose_counters_have_all_gone_can_be_scaled() {
    let mut reduced: MisraGries<u8, f64> = MisraGries::with_weights(1);
    reduced.update(1);
    reduced.update(2);
    assert_eq!((reduced.len(), reduced.total_weight()), (0, 2.0));
    let mut merged = MisraGries::with_weights(1);
    merged.merge(reduced);
    merged.scale(0.5);
    assert_eq!((merged.len(), merged.total_weight()), (0, 1.0));
    merged.update(3);
    assert_eq!(merged.estimate(&3).upper, 1.0 + merged.max_error());
}
