//! What a stratified sample counts, and what it says of the keys it left out.

use forebay::Merge;
use forebay::sample::{Reservoir, StratifiedReservoir};

type Strata = StratifiedReservoir<u32, u32>;

/// `n` items of `keys` keys, offered under caps on items of a key, keys, and items.
fn strata((per_key, keys, items): (usize, usize, usize), n: u32, of: u32) -> Strata {
    let sample = Strata::with_seed(per_key, 7);
    let mut sample = sample.with_max_keys(keys).with_max_items(items);
    sample.extend((0..n).map(|i| (i % of, i)));
    sample
}

/// What is counted is what is there, and the caps are kept.
fn counts_are_right(sample: &Strata, (per_key, keys, items): (usize, usize, usize)) {
    let held: Vec<&Reservoir<u32>> = sample.iter().map(|(_, held)| held).collect();
    assert_eq!(sample.keys(), held.len());
    let total: usize = held.iter().map(|held| held.len()).sum();
    assert_eq!(sample.len(), total);
    assert!(held.iter().all(|held| held.len() <= per_key));
    assert!(sample.keys() <= keys && sample.len() <= items);
}

const MANY: usize = 1 << 40;

#[test]
fn merges_under_other_caps_count_what_they_leave() {
    let all_caps = [
        (5, MANY, MANY),
        (2, MANY, MANY),
        (5, 20, MANY),
        (3, MANY, 60),
        (4, 11, 30),
    ];
    for (ours, theirs) in all_caps.iter().flat_map(|&a| all_caps.map(|b| (a, b))) {
        // The keys of one side are some of the other's.
        for (our_keys, their_keys) in [(71, 97), (97, 71)] {
            let mut sample = strata(ours, 900, our_keys);
            counts_are_right(&sample, ours);
            sample.merge(strata(theirs, 700, their_keys));
            let caps = (
                ours.0.min(theirs.0),
                ours.1.min(theirs.1),
                ours.2.min(theirs.2),
            );
            counts_are_right(&sample, caps);
            assert_eq!(sample.capacity_per_key(), caps.0);
            sample.extend((0..500).map(|i| (i % 130, i)));
            counts_are_right(&sample, caps);
            assert_eq!(
                sample.dropped_keys_from().is_some(),
                caps.1.min(caps.2) < MANY
            );
            assert_eq!(sample.seen(), 2_100);
        }
    }
}

#[test]
fn caps_that_are_just_reached_drop_nothing() {
    // 71 keys, 5 items each.
    let mut sample = strata((5, 71, 355), 900, 71);
    assert_eq!((sample.keys(), sample.len()), (71, 355));
    assert_eq!(sample.dropped_keys_from(), None);
    // A lower cap for a key makes room for the items of other keys.
    let mut narrow = strata((2, 75, 150), 900, 71);
    narrow.extend((71..75).map(|key| (key, key)));
    sample = sample.with_max_keys(75);
    sample.merge(narrow);
    assert_eq!((sample.keys(), sample.len()), (75, 146));
    assert_eq!(sample.dropped_keys_from(), None);
    // A tie between caps is no drop; one more key is.
    sample.update(75, 1);
    assert_eq!(sample.keys(), 75);
    assert!(sample.dropped_keys_from().is_some());
}

#[test]
fn the_share_of_keys_kept_is_that_of_the_hashes_below_the_first_dropped() {
    let sample = strata((1, 100, MANY), 10_000, 2_500);
    let from = sample.dropped_keys_from().expect("a cap binds");
    let share = sample.key_inclusion_probability();
    assert_eq!(share, from as f64 / 2f64.powi(64));
    // 100 keys of 2,500, within five standard deviations of a negative binomial number.
    assert!((0.02..0.06).contains(&share), "{share}");
    assert_eq!(
        strata((1, 100, MANY), 100, 100).key_inclusion_probability(),
        1.0
    );
}

#[test]
fn inclusion_probabilities_are_k_over_n() {
    let mut sample = Reservoir::with_seed(10, 1);
    for n in 1..=40u32 {
        sample.update(n);
        let law = (10.0 / f64::from(n)).min(1.0);
        assert_eq!(sample.inclusion_probability(), law);
    }
}
