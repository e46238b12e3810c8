//! The operations on a batch that `transform` may call.

use std::time::Duration;

use forebay::sample::Reservoir;
use forebay::stream::{Batch, StaticTable};

use super::{Seen, builder, context, run};

/// What `f` makes of a batch of these items in three partitions.
fn on<T, U>(items: Vec<T>, f: impl Fn(Batch<T>) -> Vec<U> + Send + 'static) -> Vec<U>
where
    T: Clone + Send + Sync + 'static,
    U: Clone + Send + Sync + 'static,
{
    let ctx = context();
    let seen = Seen::of(
        &ctx.batches([items])
            .transform(move |batch, _| batch.with_items(f(batch.clone()))),
    );
    run(ctx);
    seen.batches().remove(0)
}

#[test]
fn the_largest_are_found_in_order_and_ties_go_to_the_first() {
    let items: Vec<(u32, usize)> = (0..100).map(|i| ((i * 37 % 50) as u32, i)).collect();
    let mut expected = items.clone();
    expected.sort_by_key(|item| std::cmp::Reverse(item.0));
    for n in [0, 1, 7, 100, 200] {
        let top = on(items.clone(), move |batch| {
            batch.top_by(n, |a, b| a.0.cmp(&b.0)).unwrap()
        });
        assert_eq!(top, expected[..n.min(100)]);
    }
}

#[test]
fn sorting_is_stable_and_spreads_evenly() {
    let items: Vec<(u32, usize)> = (0..100).map(|i| ((i * 37 % 10) as u32, i)).collect();
    let mut expected = items.clone();
    expected.sort_by_key(|item| item.0);
    let sorted = on(items, |batch| {
        let sorted = batch.sort_by_key(|item| item.0);
        assert!(
            sorted
                .partitions()
                .all(|part| (33..=34).contains(&part.len()))
        );
        sorted.into_vec()
    });
    assert_eq!(sorted, expected);
}

#[test]
fn items_are_numbered_through_the_partitions() {
    let numbered = on(vec!["a", "b", "c", "d"], |batch| {
        batch.zip_with_index().into_vec()
    });
    assert_eq!(numbered, [("a", 0), ("b", 1), ("c", 2), ("d", 3)]);
}

#[test]
fn distinct_group_count_and_joins() {
    let mut distinct = on(vec![3, 1, 3, 2, 1], |batch| batch.distinct().into_vec());
    distinct.sort_unstable();
    assert_eq!(distinct, [1, 2, 3]);
    let pairs = vec![("a", 1), ("b", 2), ("a", 3), ("c", 4)];
    let mut groups = on(pairs.clone(), |batch| batch.group_by_key().into_vec());
    groups.sort_unstable();
    assert_eq!(groups, [("a", vec![1, 3]), ("b", vec![2]), ("c", vec![4])]);
    let mut itself = on(pairs.clone(), |batch| batch.clone().join(batch).into_vec());
    itself.sort_unstable();
    let expected = [
        ("a", (1, 1)),
        ("a", (1, 3)),
        ("a", (3, 1)),
        ("a", (3, 3)),
        ("b", (2, 2)),
        ("c", (4, 4)),
    ];
    assert_eq!(itself, expected);
    let table: StaticTable<_, _> = [("a", 'x'), ("c", 'y'), ("a", 'z')].into_iter().collect();
    let named = on(pairs, move |batch| batch.join_static(&table).into_vec());
    let expected = [
        ("a", (1, 'x')),
        ("a", (1, 'z')),
        ("a", (3, 'x')),
        ("a", (3, 'z')),
        ("c", (4, 'y')),
    ];
    assert_eq!(named, expected);
}

#[test]
fn outer_joins_have_the_keys_that_are_alone() {
    let left = || vec![("a", 1), ("b", 2), ("a", 3)];
    let on_both = |f: fn(Pairs, Pairs) -> Vec<(&'static str, Ends)>| {
        let mut found = on(left(), move |batch| {
            let right = batch.with_items(vec![("c", 9), ("a", 8)]);
            f(batch, right)
        });
        found.sort_unstable();
        found
    };
    let (a, b, c) = (
        [("a", (Some(1), Some(8))), ("a", (Some(3), Some(8)))],
        ("b", (Some(2), None)),
        ("c", (None, Some(9))),
    );
    let lefts = on_both(|left, right| {
        let joined = left.left_outer_join(right).into_iter();
        joined.map(|(key, (l, r))| (key, (Some(l), r))).collect()
    });
    assert_eq!(lefts, [a[0], a[1], b]);
    let rights = on_both(|left, right| {
        let joined = left.right_outer_join(right).into_iter();
        joined.map(|(key, (l, r))| (key, (l, Some(r)))).collect()
    });
    assert_eq!(rights, [a[0], a[1], c]);
    let all = on_both(|left, right| left.full_outer_join(right).into_vec());
    assert_eq!(all, [a[0], a[1], b, c]);
    let mut sides = on(left(), |batch| {
        let right = batch.with_items(vec![("c", 'x')]);
        batch.cogroup(right).into_vec()
    });
    sides.sort_unstable();
    let expected = [
        ("a", (vec![1, 3], vec![])),
        ("b", (vec![2], vec![])),
        ("c", (vec![], vec!['x'])),
    ];
    assert_eq!(sides, expected);
}

type Pairs = Batch<(&'static str, i32)>;
type Ends = (Option<i32>, Option<i32>);

#[test]
fn values_are_mapped_and_combined_and_partitions_become_items() {
    let pairs = || vec![("a", 1), ("b", 2), ("a", 3)];
    let doubled = on(pairs(), |batch| batch.map_values(|n| 2 * n).into_vec());
    assert_eq!(doubled, [("a", 2), ("b", 4), ("a", 6)]);
    let ranges = on(pairs(), |batch| batch.flat_map_values(|n| 1..n).into_vec());
    assert_eq!(ranges, [("b", 1), ("a", 1), ("a", 2)]);
    let mut means = on(pairs(), |batch| {
        let sums = batch.combine_by_key(
            |n| (n, 1),
            |(sum, count), n| {
                *sum += n;
                *count += 1;
            },
            |(sum, count), (more, others)| {
                *sum += more;
                *count += others;
            },
        );
        sums.map_values(|(sum, count)| sum / count).into_vec()
    });
    means.sort_unstable();
    assert_eq!(means, [("a", 2), ("b", 2)]);
    let parts = on(vec![1, 2, 3, 4], |batch| batch.glom().into_vec());
    assert_eq!(parts, [vec![1], vec![2], vec![3, 4]]);
}

#[test]
fn aggregates_take_and_repartition() {
    let sum = on((1..=10).collect(), |batch: Batch<u64>| {
        vec![batch.aggregate(|| 0, |a, b| a + b, |a, b| a + b).unwrap()]
    });
    assert_eq!(sum, [55]);
    assert_eq!(on(vec![5, 6, 7], |batch| batch.take(2).unwrap()), [5, 6]);
    let lens = on((0..10).collect::<Vec<u32>>(), |batch| {
        let wide = batch.repartition(4);
        wide.partitions().map(<[u32]>::len).collect()
    });
    assert_eq!(lens.iter().sum::<usize>(), 10);
    assert!(lens.len() == 4 && lens.iter().all(|len| (2..=3).contains(len)));
}

#[test]
fn a_sample_has_its_size_and_does_not_depend_on_threads() {
    let sample = |threads: usize, seed: u64| {
        let ctx = builder().threads(threads).seed(seed).build().unwrap();
        let numbers = ctx.batches([(0..1_000u32).collect::<Vec<_>>(), vec![1, 2]]);
        let seen = Seen::of(&numbers.transform(|batch, _| {
            let all = batch.clone();
            batch.sample(5).map(|sample| all.with_items(sample))
        }));
        run(ctx);
        seen.batches()
    };
    let first = sample(1, 1);
    assert_eq!((first[0].len(), first[1].len()), (5, 2));
    assert_eq!(sample(8, 1), first);
    assert_ne!(sample(1, 2), first);
}

#[test]
fn window_summaries_by_key_hold_the_keys_of_the_window() {
    let ctx = context();
    let second = Duration::from_secs(1);
    let pairs = ctx.batches([
        vec![("a", 1), ("b", 2)],
        vec![("a", 3)],
        vec![],
        vec![("c", 4)],
        vec![],
    ]);
    let all = |rng| Reservoir::with_rng(10, rng);
    let kept = pairs.summarize_by_key_and_window(2 * second, second, all);
    let keyed = Seen::of(&kept.unwrap().map(|(key, sample)| {
        let mut items = sample.into_vec();
        items.sort_unstable();
        (key, items)
    }));
    let whole = pairs
        .map(|(_, value)| value)
        .summarize_window(2 * second, 2 * second, all);
    let whole = Seen::of(&whole.unwrap().map(|sample| sample.seen()));
    run(ctx);
    let expected = [
        vec![("a", vec![1]), ("b", vec![2])],
        vec![("a", vec![1, 3]), ("b", vec![2])],
        vec![("a", vec![3])],
        vec![("c", vec![4])],
        vec![("c", vec![4])],
    ];
    assert_eq!(keyed.sorted(), expected);
    assert_eq!(whole.batches(), [[3], [1]]);
}

#[test]
fn states_are_read_by_reference() {
    /// A state that must not be copied.
    #[derive(Debug)]
    struct Unique(u64);
    impl Clone for Unique {
        fn clone(&self) -> Self {
            panic!("copied");
        }
    }
    let ctx = context();
    let pairs = ctx.batches([vec![("a", 1), ("b", 2), ("a", 3)], vec![]]);
    let states = pairs.update_state_by_key(|_, new, old: Option<Unique>| {
        Some(Unique(old.map_or(0, |old| old.0) + new.sum::<u64>()))
    });
    let seen = Seen::of(&states.filter_map_ref(|key, sum| (sum.0 > 2).then_some((*key, sum.0))));
    let count = Seen::of(&states.count());
    run(ctx);
    assert_eq!(seen.batches(), [[("a", 4)], [("a", 4)]]);
    assert_eq!(count.batches(), [[2], [2]]);
}
