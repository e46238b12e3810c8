//! Batches large enough that records travel by key group, keys are combined in several pieces,
//! and look-ups go by blocks.

use std::collections::BTreeMap;

use forebay::stream::{BatchTime, Data, State, StateSpec, StreamingContext};

use super::Seen;

/// A map `x -> a x + b`. Composition is associative and does not commute.
type Affine = (u64, u64);

fn compose((a, b): Affine, (c, d): Affine) -> Affine {
    let b = c.wrapping_mul(b).wrapping_add(d);
    (c.wrapping_mul(a), b)
}

/// Half of the records have one of fifty keys, the others one of many.
fn records(from: u64, len: u64) -> Vec<(u64, Affine)> {
    let scrambled = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let key = |n: u64| match n % 2 {
        0 => scrambled(n) % 50,
        _ => 50 + scrambled(n) % 200_000,
    };
    let record = |n: u64| (key(n), (2 * scrambled(n) + 1, n));
    (from..from + len).map(record).collect()
}

fn composed<'a>(
    records: impl IntoIterator<Item = &'a (u64, Affine)>,
) -> BTreeMap<u64, Vec<Affine>> {
    let mut all: BTreeMap<u64, Vec<Affine>> = BTreeMap::new();
    for &(key, map) in records {
        all.entry(key).or_default().push(map);
    }
    all
}

fn whole(maps: Vec<Affine>) -> Affine {
    maps.into_iter().fold((1, 0), compose)
}

/// What a program makes of its input with some numbers of threads, which must not matter.
fn the_same_for_any_threads<T: Data + PartialEq + std::fmt::Debug>(
    partitions: usize,
    program: impl Fn(&StreamingContext) -> Seen<T>,
) -> Vec<Vec<T>> {
    let mut runs = [1, 2, 5].map(|threads| {
        let builder = StreamingContext::builder("large").threads(threads);
        let ctx = builder.partitions(partitions).build().unwrap();
        let seen = program(&ctx);
        super::run(ctx);
        seen.batches()
    });
    assert!(runs[0] == runs[1] && runs[1] == runs[2]);
    std::mem::take(&mut runs[0])
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[test]
fn a_reduction_keeps_the_order_of_values_however_it_is_cut() {
    // With one partition combining is given up, and taken up again.
    for partitions in [1, 3] {
        let input = records(0, 240_000);
        let reduced = the_same_for_any_threads(partitions, |ctx| {
            Seen::of(&ctx.batches([input.clone()]).reduce_by_key(compose))
        });
        let expected = composed(&input).into_iter();
        let expected: Vec<_> = expected.map(|(key, maps)| (key, whole(maps))).collect();
        assert_eq!(sorted(reduced[0].clone()), expected);
    }
}

#[test]
fn groups_hold_all_values_in_order() {
    let input = records(7, 30_000);
    let grouped = the_same_for_any_threads(3, |ctx| {
        Seen::of(&ctx.batches([input.clone()]).group_by_key())
    });
    let expected: Vec<_> = composed(&input).into_iter().collect();
    assert_eq!(sorted(grouped[0].clone()), expected);
}

#[test]
fn a_large_batch_joins_a_small_one() {
    let (large, small) = (records(0, 30_000), records(3, 100));
    for (left, right) in [(&large, &small), (&small, &large)] {
        let joined = the_same_for_any_threads(3, |ctx| {
            let right = ctx.batches([right.clone()]);
            Seen::of(&ctx.batches([left.clone()]).join(&right))
        });
        let (left, right) = (composed(left), composed(right));
        let mut expected = Vec::new();
        for (key, left) in &left {
            for &a in left {
                let right = right.get(key).into_iter().flatten();
                expected.extend(right.map(|&b| (*key, (a, b))));
            }
        }
        assert!(expected.len() > 100);
        assert_eq!(sorted(joined[0].clone()), sorted(expected));
    }
}

#[test]
fn every_known_key_is_updated_with_its_values_in_order() {
    let batches: Vec<_> = (0..4).map(|n| records(n * 9_000, 20_000)).collect();
    // Every fifth key is forgotten again.
    let states = the_same_for_any_threads(3, |ctx| {
        let maps = ctx.batches(batches.clone());
        Seen::of(&maps.update_state_by_key(|key, new, old: Option<Affine>| {
            let map = new.fold(old.unwrap_or((1, 0)), compose);
            (key % 5 != 0).then_some(map)
        }))
    });
    for (n, states) in states.into_iter().enumerate() {
        let expected = composed(batches[..=n].iter().flatten()).into_iter();
        let kept = expected.filter(|(key, _)| key % 5 != 0);
        let expected: Vec<_> = kept.map(|(key, maps)| (key, whole(maps))).collect();
        assert_eq!(sorted(states), expected);
    }
}

#[test]
fn touched_keys_are_updated_record_by_record_though_others_go_meanwhile() {
    let batches: Vec<_> = (0..4).map(|n| records(n * 9_000, 20_000)).collect();
    // Every third record of a key makes it start anew.
    let update = |_: BatchTime, key: &u64, map: Option<Affine>, state: &mut State<(u8, Affine)>| {
        let (count, so_far) = state.get().copied().unwrap_or((0, (1, 0)));
        let now = compose(so_far, map?);
        match count {
            2 => drop(state.remove()),
            _ => state.update((count + 1, now)),
        }
        Some((*key, now))
    };
    let emitted = the_same_for_any_threads(3, |ctx| {
        let maps = ctx.batches(batches.clone());
        Seen::of(&maps.state_by_key(StateSpec::new(update)))
    });
    let mut expected = Vec::new();
    for (key, maps) in composed(batches.iter().flatten()) {
        for three in maps.chunks(3) {
            let mut so_far = (1, 0);
            expected.extend(three.iter().map(|&map| {
                so_far = compose(so_far, map);
                (key, so_far)
            }));
        }
    }
    assert_eq!(sorted(emitted.concat()), sorted(expected));
}
