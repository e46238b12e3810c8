//! A window of summaries that cannot be subtracted.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::Criterion;
use forebay::frequent::MisraGries;
use forebay::stream::{BatchQueue, Driver};
use forebay::{Merge, Summary};

use crate::race::{Contestant, race};
use crate::stepping::{context, group, steps};
use crate::words::scrambled;

pub(crate) const WINDOW: &str = "window of 60 panes of MisraGries k=1024, slide 1";

pub(crate) const ALL: &str = "the new pane and all merged";
pub(crate) const ONE: &str = "the new pane alone";

const PANES: u32 = 60;
const COUNTERS: usize = 1_024;
/// Items in a pane.
const ITEMS: u64 = 10_000;

/// Merges of all summaries so far.
static MERGES: AtomicU64 = AtomicU64::new(0);

/// A summary whose merges are counted.
#[derive(Clone)]
struct Counted(MisraGries<u64>);

impl Merge for Counted {
    fn merge(&mut self, other: Self) {
        MERGES.fetch_add(1, Ordering::Relaxed);
        self.0.merge(other.0);
    }
}

impl Summary for Counted {
    type Item = u64;

    fn update(&mut self, item: u64) {
        self.0.update(item);
    }
}

fn summary(items: &[u64]) -> Counted {
    let mut summary = Counted(MisraGries::new(COUNTERS));
    // One by one, as the driver does.
    items.iter().for_each(|&item| summary.update(item));
    summary
}

fn pane(number: u64) -> Vec<u64> {
    // The smaller of two is more frequent the smaller it is.
    let item = |n| (scrambled(n) % 3_000) & scrambled(!n);
    (number * ITEMS..(number + 1) * ITEMS).map(item).collect()
}

fn windowed() -> (BatchQueue<u64>, Driver) {
    let (ctx, queue) = (context(1, 1), BatchQueue::new());
    let second = Duration::from_secs(1);
    let make = |_| Counted(MisraGries::new(COUNTERS));
    ctx.queue_stream(&queue)
        .summarize_window(PANES * second, second, make)
        .expect("multiples of the interval")
        .for_each_batch(|batch, _| {
            black_box(batch.into_vec());
            Ok(())
        });
    (queue, ctx.into_driver().expect("there is an output"))
}

fn panes() -> Vec<Counted> {
    let panes = 0..u64::from(PANES);
    panes.map(|number| summary(&pane(number))).collect()
}

fn all_merged(items: &[u64], panes: &[Counted]) -> Counted {
    let mut all = summary(items);
    panes[1..].iter().for_each(|pane| all.merge(pane.clone()));
    all
}

pub(crate) fn summaries(c: &mut Criterion) {
    let (items, panes) = (pane(0), panes());
    let mut group = group(c, WINDOW);
    group.bench_function(ALL, |b| b.iter(|| all_merged(&items, &panes)));
    group.bench_function(ONE, |b| b.iter(|| summary(&items)));
    let mut numbers = 0..;
    let next = || pane(numbers.next().unwrap_or(0));
    steps(&mut group, "summarize_window", windowed(), next);
}

/// The same in alternation: differences of times from different moments would tell nothing.
pub(crate) fn alternating() {
    let (panes, items) = (panes(), pane(0));
    let (queue, mut driver) = windowed();
    let mut numbers = 0..;
    let timed = |work: &dyn Fn() -> Counted| {
        let started = Instant::now();
        black_box(work());
        started.elapsed()
    };
    let contestants: Vec<Contestant<'_>> = vec![
        (ALL, Box::new(|| timed(&|| all_merged(&items, &panes)))),
        (ONE, Box::new(|| timed(&|| summary(&items)))),
        (
            "summarize_window",
            Box::new(|| {
                queue.push(pane(numbers.next().unwrap_or(0)));
                let started = Instant::now();
                driver.step(driver.next_time()).expect("nothing fails");
                started.elapsed()
            }),
        ),
    ];
    race("window, in alternation", 10 * PANES as usize, contestants);
}

/// Merges a step, over ten windows.
pub(crate) fn merges_a_step() -> f64 {
    let (items, (queue, mut driver)) = (pane(0), windowed());
    let steps = 10 * PANES;
    let before = MERGES.load(Ordering::Relaxed);
    for _ in 0..steps {
        queue.push(items.clone());
        driver.step(driver.next_time()).expect("nothing fails");
    }
    let merges = MERGES.load(Ordering::Relaxed) - before;
    merges as f64 / f64::from(steps)
}
