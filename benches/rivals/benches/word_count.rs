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
use std::mem::take;
use std::time::{Duration, Instant};

use forebay::hash::{DefaultHashBuilder, route};
use forebay::stream::{BatchQueue, StreamingContext};
use hashbrown::HashMap;
use race::race;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Operator, Probe};
use timely::dataflow::{InputHandleVec, ProbeHandle};
use timely::worker::Worker;

const ROUNDS: usize = 20;

/// All but the first are compared with it. `timely` has one worker.
const CONTESTANTS: [&str; 7] = [
    "by hand",
    "2 threads by hand, apart",
    "2 threads by hand",
    "driver, 1 thread",
    "driver, 2 threads",
    "timely, as its example",
    "timely, counting only",
];

type Counts = HashMap<String, u64, DefaultHashBuilder>;
type Batches<'a> = &'a [Vec<String>];
type Words = InputHandleVec<u64, String>;
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
        Some(5) => running_on_timely(worker, batches),
        _ => counting_on_timely(worker, batches),
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

/// As in `examples/wordcount.rs` of `timely`: words are sent one by one and wait until their
/// timestamp is complete, and every word goes on with its running count. One timestamp is one batch.
fn running_on_timely<'a>(worker: &'a mut Worker, batches: Batches<'a>) -> Run<'a> {
    let mut input = Words::new();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let by_word = Exchange::new(|(word, _): &(String, u64)| route(word));
        input
            .to_stream(scope)
            .map(|word: String| (word, 1))
            .unary_frontier(by_word, "count", |_, _| {
                let mut waiting = HashMap::new();
                let mut counts = Counts::default();
                move |(input, frontier), output| {
                    input.for_each_stamp(|time, data| {
                        if let Some(time) = time.retain_least(output.output_index()) {
                            let batches: &mut Vec<_> = waiting.entry(time).or_default();
                            batches.extend(data.map(take));
                        }
                    });
                    for (time, batches) in &mut waiting {
                        if frontier.less_equal(time.time()) {
                            continue;
                        }
                        let mut session = output.session(time);
                        for (word, one) in batches.drain(..).flatten() {
                            let count = counts.entry(word.clone()).or_insert(0);
                            *count += one;
                            session.give((word, *count));
                        }
                    }
                    waiting.retain(|_, batches| !batches.is_empty());
                }
            })
            .container::<Vec<(String, u64)>>()
            .probe_with(&probe);
    });
    timed(batches, move |batch| {
        batch.into_iter().for_each(|word| input.send(word));
        complete(worker, &mut input, &probe);
    })
}

/// The loop by hand with as little of `timely` around it as possible: the input hands over a whole
/// batch at once, nothing waits for the timestamp to be complete, and no count goes on.
fn counting_on_timely<'a>(worker: &'a mut Worker, batches: Batches<'a>) -> Run<'a> {
    let mut input = Words::new();
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
        complete(worker, &mut input, &probe);
    })
}

/// Ends a batch, and works until all of it has been counted.
fn complete(worker: &mut Worker, input: &mut Words, probe: &ProbeHandle<u64>) {
    input.advance_to(input.time() + 1);
    while probe.less_than(input.time()) {
        worker.step();
    }
}
