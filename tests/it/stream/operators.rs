//! What the operators compute.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::stream::{Batch, StreamingContext};
use forebay::{Merge, Summary};

use super::{Seen, builder, context, run};

/// A summary whose answer depends on the order of updates and merges.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Log(Vec<u64>);

impl Merge for Log {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Summary for Log {
    type Item = u64;
    fn update(&mut self, item: u64) {
        self.0.push(item);
    }
}

#[test]
fn narrow_operators_keep_the_order() {
    let ctx = context();
    let numbers = ctx.batches([(0..10).collect::<Vec<u64>>(), vec![], vec![7]]);
    let seen = Seen::of(
        &numbers
            .map(|n| n + 1)
            .filter(|n| n % 3 != 0)
            .flat_map(|n| [n, 10 * n])
            .filter_map(|n| (n != 20).then_some(n)),
    );
    assert_eq!(run(ctx), 3);
    let expected = vec![
        vec![1, 10, 2, 4, 40, 5, 50, 7, 70, 8, 80, 10, 100],
        vec![],
        vec![8, 80],
    ];
    assert_eq!(seen.batches(), expected);
    assert_eq!(seen.times(), [1_000, 2_000, 3_000]);
}

#[test]
fn partition_operators_see_every_partition_empty_ones_included() {
    let ctx = context();
    let numbers = ctx.batches([vec![1, 2, 3, 4], vec![]]);
    let sums = Seen::of(&numbers.map_partitions(|items| [items.sum::<i32>()]));
    let indexed = Seen::of(
        &numbers.map_partitions_with_index(|index, items| items.map(move |item| (index, item))),
    );
    let glommed = Seen::of(&numbers.glom());
    run(ctx);
    assert_eq!(sums.batches(), [[1, 2, 7], [0, 0, 0]]);
    assert_eq!(indexed.batches()[0], [(0, 1), (1, 2), (2, 3), (2, 4)]);
    assert_eq!(glommed.batches()[0], [vec![1], vec![2], vec![3, 4]]);
}

#[test]
fn a_stream_with_several_consumers_is_computed_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let ctx = context();
    let shared = ctx.batches([(0..100).collect::<Vec<u64>>()]).map(move |n| {
        counter.fetch_add(1, Ordering::Relaxed);
        n
    });
    let evens = Seen::of(&shared.filter(|n| n % 2 == 0));
    let sums = Seen::of(&shared.reduce(|a, b| a + b));
    let all = Seen::of(&shared);
    // Nobody reads this one, so it is not counted as a consumer.
    let _unused = shared.map(|n| n + 1);
    run(ctx);
    assert_eq!(calls.load(Ordering::Relaxed), 100);
    assert_eq!(evens.batches()[0].len(), 50);
    assert_eq!(sums.batches(), [[4_950]]);
    assert_eq!(all.batches()[0].len(), 100);
}

#[test]
fn a_sole_consumer_gets_the_items_without_a_copy() {
    #[derive(Debug)]
    struct Counted(Arc<AtomicUsize>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::Relaxed);
            Self(Arc::clone(&self.0))
        }
    }
    let copies = Arc::new(AtomicUsize::new(0));
    let items: Vec<_> = (0..9).map(|_| Counted(Arc::clone(&copies))).collect();
    let ctx = context();
    ctx.batches([items])
        .filter(|_| true)
        .transform(|batch, _| batch.map_partitions(|_, items| items))
        .for_each_batch(|batch, _| {
            assert_eq!(batch.into_vec().len(), 9);
            Ok(())
        });
    run(ctx);
    assert_eq!(copies.load(Ordering::Relaxed), 0);
}

#[test]
fn counts_and_reductions_of_empty_batches() {
    let ctx = context();
    let numbers = ctx.batches([vec![], vec![3, 9, 2]]);
    let counts = Seen::of(&numbers.count());
    let largest = Seen::of(&numbers.reduce(i32::max));
    run(ctx);
    assert_eq!(counts.batches(), [[0], [3]]);
    assert_eq!(largest.batches(), [vec![], vec![9]]);
}

#[test]
fn reduce_by_key_combines_every_key_once() {
    let ctx = context();
    let numbers = ctx.batches([(0..1_000u64).collect::<Vec<_>>()]);
    let sums = Seen::of(&numbers.map(|n| (n % 17, n)).reduce_by_key(|a, b| a + b));
    run(ctx);
    let mut expected = BTreeMap::new();
    for n in 0..1_000 {
        *expected.entry(n % 17).or_insert(0) += n;
    }
    assert!(sums.sorted()[0].iter().copied().eq(expected));
}

#[test]
fn union_appends_the_partitions() {
    let ctx = context();
    let left = ctx.batches([vec![1, 2, 3], vec![4]]);
    let right = left.map(|n| 10 * n);
    let all = Seen::of(&left.union(&right).map(|n| n + 1));
    run(ctx);
    assert_eq!(all.batches(), [vec![2, 3, 4, 11, 21, 31], vec![5, 41]]);
}

#[test]
fn transform_gets_the_whole_batch_and_its_time() {
    let ctx = context();
    let words = ctx.batches([vec!["c", "a", "b"], vec![]]);
    let sorted = Seen::of(&words.transform(|batch, time| {
        let mut items = batch.clone().into_vec();
        items.sort_unstable();
        let stamp = time.to_string();
        batch
            .with_items(items)
            .map(move |item| format!("{item}@{stamp}"))
    }));
    run(ctx);
    assert_eq!(sorted.batches()[0], ["a@1000 ms", "b@1000 ms", "c@1000 ms"]);
    assert!(sorted.batches()[1].is_empty());
}

#[test]
fn update_state_visits_every_known_key_and_removes_those_without_a_state() {
    let ctx = context();
    let pairs = ctx.batches([
        vec![("a", 1i64), ("b", 2), ("a", 3)],
        vec![],
        vec![("b", -2)],
        vec![("b", 5)],
    ]);
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let sums = pairs.update_state_by_key(move |_, new, old| {
        counter.fetch_add(1, Ordering::Relaxed);
        let sum = old.unwrap_or(0) + new.sum::<i64>();
        (sum != 0).then_some(sum)
    });
    let seen = Seen::of(&sums);
    let again = Seen::of(&sums);
    let counts = Seen::of(&sums.count());
    run(ctx);
    let expected = [
        vec![("a", 4), ("b", 2)],
        vec![("a", 4), ("b", 2)],
        vec![("a", 4)],
        vec![("a", 4), ("b", 5)],
    ];
    assert_eq!(seen.sorted(), expected);
    assert_eq!(again.sorted(), expected);
    assert_eq!(counts.batches(), [[2], [2], [1], [2]]);
    // 2 + 2 + 2 + 2: consumers do not run the function again.
    assert_eq!(calls.load(Ordering::Relaxed), 8);
}

#[test]
fn new_values_come_in_order_of_arrival() {
    let ctx = builder().partitions(4).build().unwrap();
    let pairs = ctx.batches([(0..100u64).map(|n| (n % 2, n)).collect::<Vec<_>>()]);
    let lists = Seen::of(&pairs.update_state_by_key(|_, new, old: Option<Vec<u64>>| {
        assert!(old.is_none() && !new.is_empty());
        Some(new.collect())
    }));
    run(ctx);
    for (parity, list) in &lists.batches()[0] {
        assert!(list.iter().copied().eq((*parity..100).step_by(2)));
    }
}

#[test]
fn windows_hold_the_last_batches_at_multiples_of_the_slide() {
    let ctx = context();
    let letters = ctx.batches(["a", "b", "c", "d", "e", "f", "g"].map(|s| vec![s]));
    let second = Duration::from_secs(1);
    let seen = Seen::of(&letters.window(5 * second, 2 * second).unwrap());
    let sparse = Seen::of(&letters.window(second, 3 * second).unwrap());
    let error = letters.window(second, second / 2).unwrap_err();
    assert_eq!(error.slide(), second);
    run(ctx);
    let text = |batches: Vec<Vec<&str>>| batches.iter().map(|b| b.concat()).collect::<Vec<_>>();
    assert_eq!(text(seen.batches()), ["ab", "abcd", "bcdef"]);
    assert_eq!(seen.times(), [2_000, 4_000, 6_000]);
    assert_eq!(text(sparse.batches()), ["c", "f"]);
}

#[test]
fn summaries_merge_in_the_order_of_the_partitions() {
    let ctx = context();
    let numbers = ctx.batches([(0..10).collect::<Vec<u64>>(), vec![]]);
    let log = Seen::of(&numbers.summarize(Log::default));
    let inner = Seen::of(&numbers.transform(|batch, _| batch.summarize(Log::default)));
    let by_key = Seen::of(
        &numbers
            .map(|n| (n % 2, n))
            .summarize_by_key(|_| Log::default()),
    );
    run(ctx);
    let expected = [vec![Log((0..10).collect())], vec![Log::default()]];
    assert_eq!(log.batches(), expected);
    assert_eq!(inner.batches(), expected);
    let halves = vec![(0, Log(vec![0, 2, 4, 6, 8])), (1, Log(vec![1, 3, 5, 7, 9]))];
    assert_eq!(by_key.sorted(), [halves.clone(), halves]);
}

#[test]
fn print_shows_ten_items_and_says_if_there_are_more() {
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let sink = Sink::default();
    let ctx = context();
    ctx.batches([vec![1, 2, 3], vec![], vec![8]])
        .print_to(sink.clone(), 2);
    run(ctx);
    let rule = "-".repeat(43);
    let head = |time: u32| format!("{rule}\nTime: {time} ms\n{rule}\n");
    let expected = [
        head(1_000) + "1\n2\n...\n\n",
        head(2_000) + "\n",
        head(3_000) + "8\n\n",
    ];
    let printed = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    assert_eq!(printed, expected.concat());
}

/// A job with every kind of operator; its outputs in the order in which they came.
fn outputs(threads: usize) -> Vec<String> {
    let ctx = StreamingContext::builder("all")
        .threads(threads)
        .partitions(5)
        .seed(3)
        .build()
        .unwrap();
    let input = (0..6u64).map(|batch| (0..500 * (batch % 3)).map(|n| n * n % 91 + batch).collect());
    let numbers = ctx.batches(input.collect::<Vec<Vec<u64>>>());
    let pairs = numbers.map(|n| (n % 13, n)).filter(|(_, n)| n % 7 != 0);
    let second = Duration::from_secs(1);
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = |name: &'static str| {
        let log = Arc::clone(&log);
        move |text: String| log.lock().unwrap().push(format!("{name} {text}"))
    };
    macro_rules! record {
        ($name:literal, $stream:expr) => {
            let push = sink($name);
            $stream.for_each_batch(move |batch: Batch<_>, time| {
                push(format!(
                    "{time} {:?}",
                    batch.partitions().collect::<Vec<_>>()
                ));
                Ok(())
            });
        };
    }
    record!("pairs", pairs);
    record!(
        "sums",
        pairs.reduce_by_key(|a, b| a.wrapping_mul(31).wrapping_add(b))
    );
    record!(
        "state",
        pairs.update_state_by_key(|_, new, old: Option<u64>| Some(
            new.fold(old.unwrap_or(0), |a, b| a.wrapping_mul(31).wrapping_add(b))
        ))
    );
    record!(
        "window",
        numbers.window(3 * second, second).unwrap().count()
    );
    record!("summary", numbers.summarize(Log::default));
    record!(
        "random",
        numbers.summarize_with_rng(|mut rng| {
            use rand::Rng;
            Log(vec![rng.next_u64()])
        })
    );
    record!(
        "by key",
        pairs.summarize_by_key(|mut rng| {
            use rand::Rng;
            Log(vec![rng.next_u64()])
        })
    );
    run(ctx);
    Arc::into_inner(log).unwrap().into_inner().unwrap()
}

#[test]
fn outputs_are_the_same_for_1_2_and_8_threads() {
    let single = outputs(1);
    assert_eq!(single.len(), 7 * 6);
    assert_eq!(outputs(2), single);
    assert_eq!(outputs(8), single);
}
