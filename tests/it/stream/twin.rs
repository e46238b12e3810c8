//! Random programs on random batches agree with the naive twin, for any number of threads and
//! partitions; and the order of their outputs depends on neither the threads nor the outputs.

mod declare;
#[path = "../../support/naive_stream.rs"]
pub(crate) mod naive;
mod programs;

use std::sync::{Arc, Mutex};

use forebay::stream::{ContextBuilder, StreamingContext};
use naive::ops::{Op, Pair, Record, Wide, Windowed};
use naive::{Batch, Naive, apply, items};
use proptest::prelude::*;

use super::backends::Shelves;
use declare::{Stream, declare};
use programs::{every_op, fit, input, ops};

/// What an output saw: milliseconds, and the items by partition.
type Seen = Vec<(u64, Batch)>;

fn observe(stream: &Stream<'_>) -> Arc<Mutex<Seen>> {
    let seen = Arc::<Mutex<Seen>>::default();
    let sink = Arc::clone(&seen);
    stream.for_each_batch(move |batch, time| {
        let partitions = batch.partitions().map(<[Record]>::to_vec).collect();
        sink.lock().unwrap().push((time.as_millis(), partitions));
        Ok(())
    });
    seen
}

/// Over how many threads, partitions and key groups.
fn settings(threads: usize, (partitions, key_groups): (usize, usize)) -> ContextBuilder {
    StreamingContext::builder("twin")
        .threads(threads)
        .partitions(partitions)
        .key_groups(key_groups)
}

/// Few key groups, so that their records come together even in small batches; and many.
fn widths() -> impl Strategy<Value = (usize, usize)> {
    (1..=5usize, prop_oneof![1..7usize, Just(128)])
}

/// A program and the batches of its inputs.
#[derive(Clone, Debug)]
struct Case {
    program: Vec<Op>,
    inputs: [Vec<Vec<Record>>; 2],
    widths: (usize, usize),
}

impl Case {
    fn new(ops: Vec<Op>, inputs: [Vec<Vec<Record>>; 2], widths: (usize, usize)) -> Self {
        let dealt = [&inputs[0], &inputs[1]].map(|batches| Naive::input(batches, widths.0));
        let program = fit(ops, dealt);
        Self {
            program,
            inputs,
            widths,
        }
    }

    /// Everything that these streams of the program held, and when.
    fn run(&self, settings: ContextBuilder, observed: std::ops::Range<usize>) -> Vec<Seen> {
        let ctx = settings.build().unwrap();
        let inputs = self.inputs.clone();
        let mut streams: Vec<Stream<'_>> = inputs.map(|batches| ctx.batches(batches)).into();
        for op in &self.program {
            streams.push(declare(*op, &ctx, &streams));
        }
        let seen: Vec<_> = streams[observed].iter().map(observe).collect();
        super::run(ctx);
        seen.into_iter()
            .map(|seen| std::mem::take(&mut *seen.lock().unwrap()))
            .collect()
    }

    fn run_all(&self, threads: usize) -> Vec<Seen> {
        self.run(settings(threads, self.widths), 0..self.program.len() + 2)
    }

    /// Holds what every stream held against what the twin makes of what the streams before it
    /// held: so the twin knows the order in which records arrived.
    fn check(&self, outputs: &[Seen]) -> Result<(), TestCaseError> {
        let mut streams: Vec<Naive> = Vec::new();
        for (number, found) in outputs.iter().enumerate() {
            let (promise, expected) = match number.checked_sub(2) {
                None => {
                    let input = Naive::input(&self.inputs[number], self.widths.0);
                    (Promise::Partitions, input)
                }
                Some(at) => {
                    let op = self.program[at];
                    (promise(op, &streams), apply(op, &streams))
                }
            };
            let times = expected.batches.keys().map(|t| 1_000 * t);
            let found_times = found.iter().map(|(time, _)| *time);
            prop_assert_eq!(found_times.collect::<Vec<_>>(), times.collect::<Vec<_>>());
            let mut held = expected.clone();
            for ((t, batch), (_, found)) in held.batches.iter_mut().zip(found) {
                let kept = promise.is_kept(*t, found, batch);
                prop_assert!(
                    kept,
                    "stream {number} of {self:?} at {t}: {found:?}, not {batch:?}"
                );
                batch.clone_from(found);
            }
            streams.push(held);
        }
        Ok(())
    }
}

/// What is said of the order of a batch.
enum Promise {
    /// The same items in the same partitions.
    Partitions,
    /// The same items in the same order.
    Order,
    /// The same items.
    Items,
    /// The same items in so many partitions.
    Spread(usize),
    /// As many of the parent's items.
    PartOf(Naive),
}

fn promise(op: Op, streams: &[Naive]) -> Promise {
    match op {
        Op::Narrow(..) | Op::Window(Windowed::Window, ..) => Promise::Partitions,
        Op::Wide(Wide::BatchSortByKey | Wide::BatchWithItems, ..) => Promise::Partitions,
        Op::Pair(Pair::Union | Pair::UnionOfAll | Pair::BatchUnion, ..) => Promise::Partitions,
        Op::Pair(Pair::TransformWith | Pair::TransformOfAll, ..) => Promise::Partitions,
        Op::Wide(Wide::BatchTake | Wide::BatchTopBy, ..) => Promise::Order,
        Op::Wide(Wide::Repartition | Wide::BatchRepartition, _, n) => Promise::Spread(n),
        Op::Wide(
            Wide::SummarizeWithRng | Wide::BatchSummarizeWithRng | Wide::BatchSample,
            i,
            _,
        ) => Promise::PartOf(streams[i].clone()),
        _ => Promise::Items,
    }
}

impl Promise {
    fn is_kept(&self, t: u64, found: &Batch, expected: &Batch) -> bool {
        match self {
            Self::Partitions => found == expected,
            Self::Order => items(found) == items(expected),
            Self::Items => sorted(found) == sorted(expected),
            Self::Spread(n) => found.len() == *n && sorted(found) == sorted(expected),
            Self::PartOf(parent) => {
                let mut whole = sorted(&parent.batches[&t]);
                let mut take = |item| {
                    let at = whole.binary_search(item);
                    at.map(|at| whole.remove(at)).is_ok()
                };
                let found = items(found);
                found.iter().all(&mut take) && found.len() == items(expected).len()
            }
        }
    }
}

fn sorted(batch: &Batch) -> Vec<Record> {
    let mut items = items(batch);
    items.sort_unstable();
    items
}

fn case() -> impl Strategy<Value = Case> {
    let inputs = (input(), input()).prop_map(|(first, second)| [first, second]);
    (ops(), inputs, widths()).prop_map(|(ops, inputs, widths)| Case::new(ops, inputs, widths))
}

proptest! {
    #[test]
    fn random_programs_agree_with_the_twin(case in case()) {
        let outputs = case.run_all(1);
        case.check(&outputs)?;
        for threads in [2, 8] {
            prop_assert_eq!(&case.run_all(threads), &outputs);
        }
        // Streams that nobody looks at run within the loops of those that read them.
        let last = outputs.len() - 1;
        let alone = case.run(settings(2, case.widths), last..last + 1);
        prop_assert_eq!(&alone[0], &outputs[last]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn every_operator_agrees_with_the_twin(
        first in input(),
        second in input(),
        widths in widths(),
    ) {
        let case = Case::new(every_op(), [first, second], widths);
        prop_assert_eq!(case.program.len(), every_op().len());
        let outputs = case.run_all(1);
        case.check(&outputs)?;
        prop_assert_eq!(&case.run_all(2), &outputs);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_programs_give_the_same_with_state_that_spills(
        case in case(),
        limit in prop_oneof![Just(0), 0..4_000usize],
    ) {
        let outputs = case.run_all(1);
        for threads in [1, 2, 8] {
            let spilling = Shelves::with_limit(limit);
            let settings = declare::spilling(settings(threads, case.widths), spilling);
            prop_assert_eq!(&case.run(settings, 0..outputs.len()), &outputs);
        }
    }
}
