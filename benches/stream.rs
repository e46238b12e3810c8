//! The driver against loops written by hand, in alternating runs; each line is a median and the
//! median ratio to the first of its table.
//!
//! ```text
//! cargo bench --bench stream
//! ```

#[path = "support/race.rs"]
mod race;

use std::hash::{BuildHasher, Hash};
use std::hint::black_box;
use std::time::{Duration, Instant};

use forebay::hash::DefaultHashBuilder;
use forebay::stream::{BatchQueue, BatchTime, Data, Driver, State, StateSpec, StreamingContext};
use hashbrown::HashMap;
use race::{Contestant, race};
use rayon::prelude::*;

type Map<K> = HashMap<K, u64, DefaultHashBuilder>;

fn context(threads: usize, partitions: usize) -> StreamingContext {
    let builder = StreamingContext::builder("bench").threads(threads);
    let built = builder.partitions(partitions).build();
    built.expect("the settings are valid")
}

/// Numbers that look random, the same in every run.
fn scrambled(n: u64) -> u64 {
    DefaultHashBuilder::default().hash_one(n)
}

fn words(distinct: u64, batch: u64) -> Vec<String> {
    let word = |n| format!("word-{}", scrambled(n) % distinct);
    (batch * 1_000_000..(batch + 1) * 1_000_000)
        .map(word)
        .collect()
}

/// A driver, its queue, and a run that times one batch.
fn stepper<'a, T: Data>(
    queue: BatchQueue<T>,
    mut driver: Driver,
    mut make: impl FnMut() -> Vec<T> + 'a,
) -> Box<dyn FnMut() -> Duration + 'a> {
    Box::new(move || {
        queue.push(make());
        let started = Instant::now();
        driver.step(driver.next_time()).expect("nothing fails");
        started.elapsed()
    })
}

/// Running counts of all keys by `update_state_by_key`.
fn counting<K: Data + Hash + Eq>(threads: usize, partitions: usize) -> (BatchQueue<K>, Driver) {
    let (ctx, queue) = (context(threads, partitions), BatchQueue::new());
    ctx.queue_stream(&queue)
        .map(|key| (key, 1u64))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .count()
        .for_each_batch(|batch, _| {
            black_box(batch.into_vec());
            Ok(())
        });
    (queue, ctx.into_driver().expect("there is an output"))
}

fn word_count(distinct: u64) {
    let batches: Vec<Vec<String>> = (0..4).map(|batch| words(distinct, batch)).collect();
    let next = || {
        let mut turn = 0;
        let batches = &batches;
        move || {
            turn += 1;
            batches[turn % batches.len()].clone()
        }
    };
    let mut map: Map<String> = Map::default();
    let mut make = next();
    let by_hand = Box::new(move || {
        let batch = make();
        let started = Instant::now();
        for word in batch {
            *map.entry(word).or_insert(0) += 1;
        }
        black_box(map.len());
        started.elapsed()
    });
    let ours = |threads, partitions| {
        let (queue, driver) = counting(threads, partitions);
        stepper(queue, driver, next())
    };
    let contestants: Vec<Contestant<'_>> = vec![
        ("by hand", by_hand),
        ("1 thread", ours(1, 1)),
        ("1 thread, 8 partitions", ours(1, 8)),
        ("2 threads, 8 partitions", ours(2, 8)),
    ];
    race(&format!("word count, {distinct} distinct"), 12, contestants);
}

/// One million keys known, then batches of which few or none are touched.
fn idle_keys() {
    const KNOWN: u64 = 1_000_000;
    let touched = || {
        (0..1_000)
            .map(|n| scrambled(n) % KNOWN)
            .collect::<Vec<u64>>()
    };
    let ready = |(queue, mut driver): (BatchQueue<u64>, Driver)| {
        queue.push((0..KNOWN).collect());
        driver
            .step(BatchTime::from_millis(1_000))
            .expect("nothing fails");
        (queue, driver)
    };
    let (queue, driver) = ready(counting(1, 1));
    let all = stepper(queue, driver, touched);
    let (queue, driver) = ready(counting(1, 1));
    let idle = stepper(queue, driver, Vec::new);
    let (ctx, queue) = (context(1, 1), BatchQueue::new());
    let count = |_: BatchTime, _: &u64, one: Option<u64>, sum: &mut State<u64>| {
        let new = sum.get().copied().unwrap_or(0) + one?;
        sum.update(new);
        None::<()>
    };
    ctx.queue_stream(&queue)
        .map(|key| (key, 1))
        .state_by_key(StateSpec::new(count))
        .for_each_batch(|_, _| Ok(()));
    let (queue, driver) = ready((queue, ctx.into_driver().expect("there is an output")));
    let few = stepper(queue, driver, touched);
    let contestants: Vec<Contestant<'_>> = vec![
        ("visit all, touch 1,000", all),
        ("visit all, touch none", idle),
        ("state_by_key, touch 1,000", few),
    ];
    race("1 M keys known", 30, contestants);
}

fn reduce_by_key() {
    let pairs: Vec<(u64, u64)> = (0..10_000_000)
        .map(|n| (scrambled(n) % 1_000_000, n))
        .collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    let pool = pool.expect("two threads");
    let merge = |mut a: Map<u64>, b: Map<u64>| {
        for (key, value) in b {
            *a.entry(key).or_insert(0) += value;
        }
        a
    };
    let by_rayon = || {
        let pairs = pairs.clone();
        let started = Instant::now();
        let reduced = pool.install(|| {
            let add = |mut map: Map<u64>, (key, value)| {
                *map.entry(key).or_insert(0) += value;
                map
            };
            pairs
                .into_par_iter()
                .fold(Map::default, add)
                .reduce(Map::default, merge)
        });
        black_box(reduced.len());
        started.elapsed()
    };
    let (ctx, queue) = (context(2, 8), BatchQueue::new());
    let reduced = ctx.queue_stream(&queue).reduce_by_key(|a: u64, b| a + b);
    reduced.count().for_each_batch(|_, _| Ok(()));
    let driver = ctx.into_driver().expect("there is an output");
    let contestants: Vec<Contestant<'_>> = vec![
        ("rayon fold and reduce", Box::new(by_rayon)),
        ("reduce_by_key", stepper(queue, driver, || pairs.clone())),
    ];
    race("10 M pairs, 1 M keys, 2 threads", 5, contestants);
}

fn empty_batch() {
    let (ctx, queue) = (context(2, 8), BatchQueue::<u64>::new());
    let numbers = ctx
        .queue_stream(&queue)
        .map(|n| n + 1)
        .filter(|n| n % 2 == 0);
    let pairs = numbers.map(|n| (n % 10, n)).flat_map(|pair| [pair, pair]);
    pairs
        .reduce_by_key(|a, b| a + b)
        .map_values(|v| v + 1)
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .repartition(8)
        .count()
        .for_each_batch(|_, _| Ok(()));
    let driver = ctx.into_driver().expect("there is an output");
    race(
        "empty batch, 10 operators, 8 partitions",
        2_000,
        vec![("driver", stepper(queue, driver, Vec::new))],
    );
}

fn main() {
    // `cargo bench --bench stream -- word` runs the tables whose name has the text in it.
    let wanted = std::env::args().skip(1).find(|text| !text.starts_with('-'));
    let tables: [(&str, fn()); 5] = [
        ("empty", empty_batch),
        ("idle", idle_keys),
        ("word count 100k", || word_count(100_000)),
        ("word count 1M", || word_count(1_000_000)),
        ("reduce_by_key", reduce_by_key),
    ];
    for (name, table) in tables {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted)) {
            table();
        }
    }
}
