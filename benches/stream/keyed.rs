//! State and reductions by key.

use std::hint::black_box;

use criterion::Criterion;
use forebay::frequent::MisraGries;
use forebay::stream::{
    BatchQueue, BatchTime, Driver, FailurePolicy, State, StateSpec, StreamingContext,
};
use rayon::prelude::*;

use crate::stepping::{Map, after, by_hand, context, counting, group, steps};
use crate::words::scrambled;

pub(crate) const TOUCHED: &str = "1 M keys known, 1 k touched";
pub(crate) const IDLE: &str = "1 M keys known, none touched";
pub(crate) const POLICIES: &str = "failure policies, 1 M keys known, 1 k touched";
pub(crate) const REDUCE: &str = "10 M pairs, 1 M keys, 2 threads";

/// Keys known.
pub(crate) const KNOWN: u64 = 1_000_000;

fn touched() -> Vec<u64> {
    (0..1_000).map(|n| scrambled(n) % KNOWN).collect()
}

fn known() -> Vec<u64> {
    (0..KNOWN).collect()
}

/// Running counts of all keys by `state_by_key`.
fn counting_touched(ctx: StreamingContext) -> (BatchQueue<u64>, Driver) {
    let queue = BatchQueue::new();
    let count = |_: BatchTime, _: &u64, one: Option<u64>, sum: &mut State<u64>| {
        let new = sum.get().copied().unwrap_or(0) + one?;
        sum.update(new);
        None::<()>
    };
    ctx.queue_stream(&queue)
        .map(|key| (key, 1))
        .state_by_key(StateSpec::new(count))
        .for_each_batch(|_, _| Ok(()));
    (queue, ctx.into_driver().expect("there is an output"))
}

/// A summary of eight counters for each key.
fn summarizing(ctx: StreamingContext) -> (BatchQueue<u64>, Driver) {
    let queue = BatchQueue::new();
    ctx.queue_stream(&queue)
        .map(|key| (key, key % 10))
        .summarize_by_key(|_| MisraGries::<u64>::new(8))
        .count()
        .for_each_batch(|_, _| Ok(()));
    (queue, ctx.into_driver().expect("there is an output"))
}

pub(crate) fn touched_keys(c: &mut Criterion) {
    let mut group = group(c, TOUCHED);
    let all = after(counting(context(1, 8)), known());
    steps(&mut group, "update_state_by_key", all, touched);
    let few = after(counting_touched(context(1, 8)), known());
    steps(&mut group, "state_by_key", few, touched);
    let summaries = after(summarizing(context(1, 8)), known());
    steps(&mut group, "summarize_by_key", summaries, touched);
}

pub(crate) fn idle_keys(c: &mut Criterion) {
    let mut group = group(c, IDLE);
    let mut states: Vec<(u64, u64, Option<u64>)> = (0..KNOWN).map(|n| (n, n, Some(n))).collect();
    // What any visit of as many bytes costs.
    group.bench_function("loop over a vector", |b| {
        b.iter(|| {
            for (_, _, state) in black_box(&mut states) {
                *state = Some(state.take().unwrap_or(0) + black_box(0));
            }
        });
    });
    let idle = after(counting(context(1, 8)), known());
    steps(&mut group, "update_state_by_key", idle, Vec::new);
}

pub(crate) fn policies(c: &mut Criterion) {
    let mut group = group(c, POLICIES);
    for (name, policy) in [
        ("Stop", FailurePolicy::Stop),
        ("Retry", FailurePolicy::Retry(1)),
        ("Skip", FailurePolicy::Skip),
    ] {
        let builder = StreamingContext::builder("bench").threads(1);
        let ctx = builder.on_failure(policy).build();
        let driver = counting_touched(ctx.expect("the settings are valid"));
        steps(&mut group, name, after(driver, known()), touched);
    }
}

pub(crate) fn reduce_by_key(c: &mut Criterion) {
    let pair = |n| (scrambled(n) % KNOWN, n);
    let pairs: Vec<(u64, u64)> = (0..10 * KNOWN).map(pair).collect();
    let mut group = group(c, REDUCE);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    let pool = pool.expect("two threads");
    let name = "rayon fold and reduce";
    by_hand(
        &mut group,
        name,
        || pairs.clone(),
        |pairs| {
            let add = |mut map: Map<u64>, (key, value)| {
                *map.entry(key).or_insert(0) += value;
                map
            };
            let merge = |map, other: Map<u64>| other.into_iter().fold(map, add);
            let parts = pairs.into_par_iter().fold(Map::default, add);
            pool.install(|| parts.reduce(Map::default, merge).len())
        },
    );
    let (ctx, queue) = (context(2, 8), BatchQueue::new());
    let reduced = ctx.queue_stream(&queue).reduce_by_key(|a: u64, b| a + b);
    reduced.count().for_each_batch(|_, _| Ok(()));
    let driver = ctx.into_driver().expect("there is an output");
    steps(&mut group, "reduce_by_key", (queue, driver), || {
        pairs.clone()
    });
}
