//! How narrow operators fuse: map, filter, flat_map, map over ten million integers.
//!
//! `floor` is the chain of iterator adaptors written by hand; `pipe` is the driver as it is, one
//! generic pipeline per chain; `blocks` is the design not taken: blocks of 1,024 elements passed
//! from operator to operator through `dyn`. Each ends in a sum, so that no result is stored.
//!
//! ```text
//! cargo bench --bench fusion
//! ```

#[path = "support/race.rs"]
mod race;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use forebay::stream::{BatchQueue, Driver, StreamingContext};
use forebay::{Merge, Summary};

const ITEMS: u64 = 10_000_000;
const BLOCK: usize = 1_024;

fn scale(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn keep(n: &u64) -> bool {
    n & 3 != 0
}

fn pair(n: u64) -> [u64; 2] {
    [n, n >> 7]
}

fn finish(n: u64) -> u64 {
    n ^ (n >> 3)
}

fn floor(items: Vec<u64>) -> u64 {
    items
        .into_iter()
        .map(scale)
        .filter(keep)
        .flat_map(pair)
        .map(finish)
        .fold(0, u64::wrapping_add)
}

/// An operator that consumes blocks and hands full ones on.
trait Operator {
    fn push(&mut self, block: Vec<u64>);
    fn end(&mut self) -> u64;
}

/// `.0` appends to a block what becomes of one element.
struct Stage<F> {
    each: F,
    block: Vec<u64>,
    next: Box<dyn Operator>,
}

impl<F: FnMut(u64, &mut Vec<u64>)> Operator for Stage<F> {
    fn push(&mut self, block: Vec<u64>) {
        for item in block {
            (self.each)(item, &mut self.block);
            if self.block.len() >= BLOCK {
                let full = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK + 1));
                self.next.push(full);
            }
        }
    }

    fn end(&mut self) -> u64 {
        let rest = std::mem::take(&mut self.block);
        self.next.push(rest);
        self.next.end()
    }
}

struct Sum(u64);

impl Operator for Sum {
    fn push(&mut self, block: Vec<u64>) {
        self.0 = block.into_iter().fold(self.0, u64::wrapping_add);
    }

    fn end(&mut self) -> u64 {
        self.0
    }
}

fn stage(
    each: impl FnMut(u64, &mut Vec<u64>) + 'static,
    next: Box<dyn Operator>,
) -> Box<dyn Operator> {
    let block = Vec::with_capacity(BLOCK + 1);
    Box::new(Stage { each, block, next })
}

fn blocks(items: Vec<u64>) -> u64 {
    let last = stage(|n, out| out.push(finish(n)), Box::new(Sum(0)));
    let flat = stage(|n, out| out.extend(pair(n)), last);
    let filter = stage(|n, out| out.extend(keep(&n).then_some(n)), flat);
    let mut first = stage(|n, out| out.push(scale(n)), filter);
    for block in items.chunks(BLOCK) {
        first.push(block.to_vec());
    }
    first.end()
}

/// A sum as a summary: what is fused ends in an update, as it does in use.
#[derive(Clone)]
struct Total(u64);

impl Merge for Total {
    fn merge(&mut self, other: Self) {
        self.update(other.0);
    }
}

impl Summary for Total {
    type Item = u64;

    fn update(&mut self, item: u64) {
        self.0 = self.0.wrapping_add(item);
    }
}

/// The driver with the chain, one partition, one thread; and the queue that feeds it.
fn driver() -> (Driver, BatchQueue<u64>) {
    let ctx = StreamingContext::builder("fusion")
        .threads(1)
        .partitions(1)
        .build()
        .expect("the settings are valid");
    let queue = BatchQueue::new();
    ctx.queue_stream(&queue)
        .map(scale)
        .filter(keep)
        .flat_map(pair)
        .map(finish)
        .summarize(|| Total(0))
        .for_each_batch(|batch, _| {
            black_box(batch.into_vec());
            Ok(())
        });
    (ctx.into_driver().expect("there is an output"), queue)
}

fn narrow_chain(c: &mut Criterion) {
    let items: Vec<u64> = (0..ITEMS).collect();
    let mut group = c.benchmark_group("narrow_chain");
    group
        .throughput(Throughput::Elements(ITEMS))
        .sample_size(20)
        .measurement_time(Duration::from_secs(5));
    group.bench_function("floor", |b| {
        b.iter_batched(|| items.clone(), floor, BatchSize::PerIteration);
    });
    let (mut driver, queue) = driver();
    group.bench_function("pipe", |b| {
        b.iter_batched(
            || queue.push(items.clone()),
            |()| driver.step(driver.next_time()).expect("nothing fails"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("blocks", |b| {
        b.iter_batched(|| items.clone(), blocks, BatchSize::PerIteration);
    });
    group.finish();
}

/// The figure that matters: how far the driver is from the floor.
fn ratios(_: &mut Criterion) {
    let items: Vec<u64> = (0..ITEMS).collect();
    let time = |run: fn(Vec<u64>) -> u64, items: Vec<u64>| {
        let started = Instant::now();
        black_box(run(items));
        started.elapsed()
    };
    let (mut driver, queue) = driver();
    let pipe = || {
        queue.push(items.clone());
        let started = Instant::now();
        driver.step(driver.next_time()).expect("nothing fails");
        started.elapsed()
    };
    let contestants: Vec<race::Contestant<'_>> = vec![
        ("floor", Box::new(|| time(floor, items.clone()))),
        ("pipe", Box::new(pipe)),
        ("blocks", Box::new(|| time(blocks, items.clone()))),
    ];
    race::race("narrow_chain", 25, contestants);
}

criterion_group!(benches, narrow_chain, ratios);
criterion_main!(benches);
