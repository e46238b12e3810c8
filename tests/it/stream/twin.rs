//! Random programs on random batches agree with the naive twin, for any number of threads and
//! partitions; and the order of their outputs does not depend on the threads.

#[path = "../../support/naive_stream.rs"]
pub(crate) mod naive;

use std::time::Duration;

#[cfg(feature = "disk")]
use forebay::stream::Disk;
use forebay::stream::{BatchTime, ContextBuilder, DStream, State, StateSpec, StreamingContext};
use naive::{Naive, Op, Record, apply, forgotten, joined, keep, map, two};
use proptest::collection::vec;
use proptest::prelude::*;

use super::Seen;

/// The slide of the inputs.
const BATCH: Duration = Duration::from_secs(1);

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Positions are taken modulo the number of streams there are by then.
    let (at, few) = (0..64usize, 1..4u64);
    let op = prop_oneof![
        at.clone().prop_map(Op::Map),
        at.clone().prop_map(Op::Filter),
        at.clone().prop_map(Op::FlatMap),
        (at.clone(), at.clone()).prop_map(|(i, j)| Op::Union(i, j)),
        (at.clone(), at.clone()).prop_map(|(i, j)| Op::Join(i, j)),
        at.clone().prop_map(Op::Count),
        at.clone().prop_map(Op::ReduceByKey),
        (at.clone(), few.clone(), few.clone()).prop_map(|(i, w, s)| Op::Window(i, w, s)),
        (at.clone(), few.clone(), few.clone()).prop_map(|(i, w, s)| Op::SumByKeyAndWindow(i, w, s)),
        at.clone().prop_map(Op::UpdateState),
        (at.clone(), 1..5u64).prop_map(|(i, t)| Op::Largest(i, t)),
        (at, 1..5usize).prop_map(|(i, p)| Op::Repartition(i, p)),
    ];
    vec(op, 1..9)
}

fn input() -> impl Strategy<Value = Vec<Vec<Record>>> {
    vec(vec((0..7u8, -20..20i64), 0..12), 12)
}

/// Brings the positions of an operator into range; two streams of unlike slide are one twice.
/// `None` for what would outgrow a test.
fn fit(op: Op, streams: &[Naive]) -> Option<Op> {
    let at = |i: usize| i % streams.len();
    let twin = |i: usize, j: usize| match streams[at(i)].slide == streams[at(j)].slide {
        true => at(j),
        false => at(i),
    };
    let longest = |i: usize| streams[i].batches.values().map(Vec::len).max().unwrap_or(0);
    let op = match op {
        Op::Map(i) => Op::Map(at(i)),
        Op::Filter(i) => Op::Filter(at(i)),
        Op::FlatMap(i) => Op::FlatMap(at(i)),
        Op::Union(i, j) => Op::Union(at(i), twin(i, j)),
        Op::Join(i, j) => Op::Join(at(i), twin(i, j)),
        Op::Count(i) => Op::Count(at(i)),
        Op::ReduceByKey(i) => Op::ReduceByKey(at(i)),
        Op::Window(i, w, s) => Op::Window(at(i), w, s),
        Op::SumByKeyAndWindow(i, w, s) => Op::SumByKeyAndWindow(at(i), w, s),
        Op::UpdateState(i) => Op::UpdateState(at(i)),
        Op::Largest(i, t) => Op::Largest(at(i), t * streams[at(i)].slide),
        Op::Repartition(i, p) => Op::Repartition(at(i), p),
    };
    match op {
        Op::Join(i, j) if longest(i) * longest(j) > 5_000 => None,
        Op::FlatMap(i) | Op::Union(i, _) | Op::Window(i, ..) if longest(i) > 1_000 => None,
        op => Some(op),
    }
}

/// The program that such operators make, and what its streams hold.
fn fit_all(ops: Vec<Op>, inputs: [&[Vec<Record>]; 2]) -> (Vec<Op>, Vec<Naive>) {
    let (mut program, mut twins) = (Vec::new(), inputs.map(Naive::input).to_vec());
    for op in ops {
        if let Some(op) = fit(op, &twins) {
            twins.push(apply(op, &twins));
            program.push(op);
        }
    }
    (program, twins)
}

type Stream<'c> = DStream<'c, Record>;

fn declare<'c>(op: Op, streams: &[Stream<'c>]) -> Stream<'c> {
    match op {
        Op::Map(i) => streams[i].map(map).boxed(),
        Op::Filter(i) => streams[i].filter(keep).boxed(),
        Op::FlatMap(i) => streams[i].flat_map(two).boxed(),
        Op::Union(i, j) => streams[i].union(&streams[j]).boxed(),
        Op::Join(i, j) => streams[i].join(&streams[j]).map(joined).boxed(),
        Op::Count(i) => streams[i].count().map(|n| (0, n as i64)).boxed(),
        Op::ReduceByKey(i) => streams[i].reduce_by_key(i64::wrapping_add),
        Op::Window(i, window, slide) => {
            let parent = streams[i].slide();
            let windowed = streams[i].window(parent * window as u32, parent * slide as u32);
            windowed.unwrap().boxed()
        }
        Op::SumByKeyAndWindow(i, window, slide) => {
            let parent = streams[i].slide();
            let sums = streams[i].reduce_by_key_and_window_with_inverse(
                parent * window as u32,
                parent * slide as u32,
                i64::wrapping_add,
                i64::wrapping_sub,
            );
            sums.unwrap().boxed()
        }
        Op::UpdateState(i) => streams[i]
            .update_state_by_key(|_, new, old| {
                let sum = new.fold(old.unwrap_or(0), i64::wrapping_add);
                (!forgotten(sum)).then_some(sum)
            })
            .boxed(),
        Op::Largest(i, timeout) => {
            let keep_largest = |_: BatchTime, _: &u8, value: Option<i64>, best: &mut State<i64>| {
                let best_so_far = best.get().copied();
                if let Some(value) = value {
                    best.update(best_so_far.map_or(value, |best| best.max(value)));
                }
                None::<()>
            };
            let spec = StateSpec::new(keep_largest).timeout(BATCH * timeout as u32);
            streams[i].state_by_key(spec).snapshots().boxed()
        }
        Op::Repartition(i, partitions) => streams[i].repartition(partitions),
    }
}

fn settings(threads: usize, partitions: usize) -> ContextBuilder {
    StreamingContext::builder("twin")
        .threads(threads)
        .partitions(partitions)
}

/// Everything that every stream of the program held, and when.
fn run(
    program: &[Op],
    inputs: [&[Vec<Record>]; 2],
    settings: ContextBuilder,
) -> Vec<Vec<(u64, Vec<Record>)>> {
    let ctx = settings.build().unwrap();
    let mut streams: Vec<Stream<'_>> = inputs.map(|batches| ctx.batches(batches.to_vec())).into();
    for op in program {
        streams.push(declare(*op, &streams));
    }
    let seen: Vec<Seen<Record>> = streams.iter().map(Seen::of).collect();
    super::run(ctx);
    let zip = |seen: Seen<Record>| seen.times().into_iter().zip(seen.batches()).collect();
    seen.into_iter().map(zip).collect()
}

fn sorted(mut items: Vec<Record>) -> Vec<Record> {
    items.sort_unstable();
    items
}

proptest! {
    #[test]
    fn random_programs_agree_with_the_twin(
        ops in ops(),
        first in input(),
        second in input(),
        partitions in 1..7usize,
    ) {
        let (program, twins) = fit_all(ops, [&first, &second]);
        let outputs = run(&program, [&first, &second], settings(1, partitions));
        for (stream, (output, twin)) in outputs.iter().zip(&twins).enumerate() {
            let expected = twin.batches.iter().map(|(t, batch)| (1_000 * t, sorted(batch.clone())));
            let found = output.iter().map(|(t, batch)| (*t, sorted(batch.clone())));
            prop_assert_eq!(
                found.collect::<Vec<_>>(),
                expected.collect::<Vec<_>>(),
                "stream {} of {:?}", stream, program
            );
        }
        for threads in [2, 8] {
            let again = run(&program, [&first, &second], settings(threads, partitions));
            prop_assert_eq!(&again, &outputs);
        }
    }
}

#[cfg(feature = "disk")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_programs_give_the_same_on_disk(
        ops in ops(),
        first in input(),
        second in input(),
        partitions in 1..7usize,
        limit in prop_oneof![Just(0), 0..4_000usize],
    ) {
        let (program, _) = fit_all(ops, [&first, &second]);
        let outputs = run(&program, [&first, &second], settings(1, partitions));
        for threads in [1, 2, 8] {
            let directory = tempfile::tempdir().unwrap();
            let disk = Disk::new(directory.path()).memory_limit(limit);
            let settings = settings(threads, partitions).state_backend(disk);
            prop_assert_eq!(&run(&program, [&first, &second], settings), &outputs);
        }
    }
}
