//! Drivers that criterion steps.

use std::hash::Hash;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkGroup, Criterion, measurement::WallTime};
use forebay::hash::DefaultHashBuilder;
use forebay::stream::{BatchQueue, Data, Driver, StreamingContext};
use hashbrown::HashMap;

pub(crate) type Map<K> = HashMap<K, u64, DefaultHashBuilder>;

/// How many batches criterion measures of each routine.
const SAMPLES: usize = 10;

pub(crate) fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    group
}

pub(crate) fn context(threads: usize, partitions: usize) -> StreamingContext {
    let builder = StreamingContext::builder("bench").threads(threads);
    let built = builder.partitions(partitions).build();
    built.expect("the settings are valid")
}

/// Measures the steps of a driver; what makes a batch and pushes it is not counted.
pub(crate) fn steps<T: Data>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (queue, mut driver): (BatchQueue<T>, Driver),
    mut make: impl FnMut() -> Vec<T>,
) {
    group.bench_function(name, |b| {
        b.iter_batched(
            || queue.push(make()),
            |()| driver.step(driver.next_time()).expect("nothing fails"),
            BatchSize::PerIteration,
        );
    });
}

/// Measures what is done with batches; what makes them is not counted.
pub(crate) fn by_hand<T, R>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut make: impl FnMut() -> Vec<T>,
    mut work: impl FnMut(Vec<T>) -> R,
) {
    group.bench_function(name, |b| {
        b.iter_batched(&mut make, &mut work, BatchSize::PerIteration);
    });
}

/// Running counts of all keys by `update_state_by_key`.
pub(crate) fn counting<K: Data + Hash + Eq>(ctx: StreamingContext) -> (BatchQueue<K>, Driver) {
    let queue = BatchQueue::new();
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

/// The same after a batch.
pub(crate) fn after<T: Data>(
    (queue, mut driver): (BatchQueue<T>, Driver),
    batch: Vec<T>,
) -> (BatchQueue<T>, Driver) {
    queue.push(batch);
    driver.step(driver.next_time()).expect("nothing fails");
    (queue, driver)
}
