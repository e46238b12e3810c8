//! Running counts of a batch of a million words: by hand, here, and on `timely` with one worker,
//! in alternating runs. Each has a process of its own: what one leaves of the heap slows the others
//! down otherwise, up to three times.
//!
//! ```text
//! cargo bench --manifest-path benches/rivals/Cargo.toml
//! ```

mod floors;
#[path = "../../support/race.rs"]
mod race;
mod remote;
#[path = "../../support/words.rs"]
mod words;

use std::hint::black_box;
use std::time::{Duration, Instant};

use forebay::hash::{DefaultHashBuilder, route};
use forebay::stream::{BatchQueue, StreamingContext};
use hashbrown::HashMap;
use race::race;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::{Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

const ROUNDS: usize = 20;

/// All but the first are compared with it.
const CONTESTANTS: [&str; 6] = [
    "by hand",
    "2 threads by hand, apart",
    "2 threads by hand",
    "driver, 1 thread",
    "driver, 2 threads",
    "timely, 1 worker",
];

type Counts = HashMap<String, u64, DefaultHashBuilder>;
type Batches<'a> = &'a [Vec<String>];
type Run<'a> = Box<dyn FnMut() -> Duration + 'a>;

fn main() {
    if let Some(job) = remote::job() {
        let [contestant, distinct] = job;
        return timely::execute_directly(move |worker| {
            let batches = words::batches(distinct.parse().expect("a number of words"));
            remote::serve(contestant_of(&contestant, worker, &batches));
        });
    }
    for (name, distinct) in [("100 k distinct", "100000"), ("1 M distinct", "1000000")] {
        let contestant = |name| (name, remote::run([name, distinct]));
        race(name, ROUNDS, CONTESTANTS.map(contestant).into());
    }
}

fn contestant_of<'a>(name: &str, worker: &'a mut Worker, batches: Batches<'a>) -> Run<'a> {
    match CONTESTANTS
        .iter()
        .position(|contestant| *contestant == name)
    {
        Some(0) => by_hand(batches),
        Some(1) => timed(batches, floors::apart()),
        Some(2) => timed(batches, floors::exchanged()),
        Some(threads @ (3 | 4)) => driver(batches, threads - 2),
        _ => on_timely(worker, batches),
    }
}

/// A run that times what is done with the next batch, but not what makes it.
fn timed<'a>(batches: Batches<'a>, mut work: impl FnMut(Vec<String>) + 'a) -> Run<'a> {
    let mut make = words::in_turn(batches);
    Box::new(move || {
        let batch = make();
        let started = Instant::now();
        work(batch);
        started.elapsed()
    })
}

fn by_hand<'a>(batches: Batches<'a>) -> Run<'a> {
    let mut counts = Counts::default();
    timed(batches, move |batch| {
        for word in batch {
            *counts.entry(word).or_insert(0) += 1;
        }
        black_box(counts.len());
    })
}

fn driver<'a>(batches: Batches<'a>, threads: usize) -> Run<'a> {
    let builder = StreamingContext::builder("rival").threads(threads);
    let ctx = builder.build().expect("the settings are valid");
    let queue = BatchQueue::new();
    ctx.queue_stream(&queue)
        .map(|word| (word, 1u64))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .count()
        .for_each_batch(|batch, _| {
            black_box(batch.into_vec());
            Ok(())
        });
    let mut driver = ctx.into_driver().expect("there is an output");
    timed(batches, move |batch| {
        queue.push(batch);
        driver.step(driver.next_time()).expect("nothing fails");
    })
}

/// One timestamp is one batch; words go to the worker that owns them.
fn on_timely<'a>(worker: &'a mut Worker, batches: Batches<'a>) -> Run<'a> {
    let mut input = InputHandle::<u64, _>::new();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let by_word = Exchange::new(|word: &String| route(word));
        input
            .to_stream(scope)
            .unary(by_word, "count", |_, _| {
                let mut counts = Counts::default();
                move |input, output| {
                    input.for_each_stamp(|time, data| {
                        for word in data.flat_map(|words| words.drain(..)) {
                            *counts.entry(word).or_insert(0) += 1;
                        }
                        output.session(&time).give(counts.len());
                    });
                }
            })
            .container::<Vec<usize>>()
            .probe_with(&probe);
    });
    timed(batches, move |mut batch| {
        input.send_batch(&mut batch);
        input.advance_to(input.time() + 1);
        while probe.less_than(input.time()) {
            worker.step();
        }
    })
}
