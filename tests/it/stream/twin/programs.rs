//! Random programs: operators on streams that exist, none of which outgrows a test.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::naive::ops::{Keyed, Narrow, Op, Pair, Record, Wide, Windowed};
use super::naive::{Naive, apply};

/// The longest batch that further operators are applied to.
const LONG: usize = 1_000;

/// The most pairs of records that a join may look at.
const PAIRS: usize = 5_000;

/// Operators whose positions are still to be brought into range.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let (at, few) = (0..64usize, 1..4u64);
    let op = prop_oneof![
        3 => (select(Narrow::ALL), at.clone()).prop_map(|(kind, i)| Op::Narrow(kind, i)),
        3 => (select(Wide::ALL), at.clone(), 1..5usize).prop_map(|(kind, i, n)| Op::Wide(kind, i, n)),
        3 => (select(Pair::ALL), at.clone(), at.clone()).prop_map(|(kind, i, j)| Op::Pair(kind, i, j)),
        2 => (select(Windowed::ALL), at.clone(), few.clone(), few)
            .prop_map(|(kind, i, w, s)| Op::Window(kind, i, w, s)),
        2 => (select(Keyed::ALL), at, 1..5u64).prop_map(|(kind, i, t)| Op::Keyed(kind, i, t)),
    ];
    vec(op, 1..9)
}

/// Every operator once, on an input or on what an operator before it made.
pub(crate) fn every_op() -> Vec<Op> {
    let narrow = Narrow::ALL.iter().map(|kind| Op::Narrow(*kind, 0));
    let wide = Wide::ALL.iter().map(|kind| Op::Wide(*kind, 0, 3));
    let pair = Pair::ALL.iter().map(|kind| Op::Pair(*kind, 0, 1));
    let window = Windowed::ALL.iter().map(|kind| Op::Window(*kind, 0, 3, 2));
    let keyed = Keyed::ALL.iter().map(|kind| Op::Keyed(*kind, 0, 2));
    narrow
        .chain(wide)
        .chain(pair)
        .chain(window)
        .chain(keyed)
        .collect()
}

pub(crate) fn input() -> impl Strategy<Value = Vec<Vec<Record>>> {
    let item = || (0..7u8, -20..20i64);
    let batch = prop_oneof![4 => vec(item(), 0..12), 1 => vec(item(), 30..60)];
    vec(batch, 12)
}

/// Brings the positions of an operator into range; two streams of unlike slide are one twice.
fn place(op: Op, streams: &[Naive]) -> Op {
    let at = |i: usize| i % streams.len();
    match op {
        Op::Narrow(kind, i) => Op::Narrow(kind, at(i)),
        Op::Wide(kind, i, n) => Op::Wide(kind, at(i), n),
        Op::Pair(kind, i, j) if streams[at(i)].slide == streams[at(j)].slide => {
            Op::Pair(kind, at(i), at(j))
        }
        Op::Pair(kind, i, _) => Op::Pair(kind, at(i), at(i)),
        Op::Window(kind, i, w, s) => Op::Window(kind, at(i), w, s),
        Op::Keyed(kind, i, timeout) => Op::Keyed(kind, at(i), timeout),
    }
}

fn is_small(op: Op, streams: &[Naive]) -> bool {
    let longest = |i: usize| streams[i].longest();
    match op {
        Op::Pair(_, i, j) => longest(i) * longest(j) <= PAIRS && longest(i) + longest(j) <= LONG,
        Op::Narrow(_, i) | Op::Wide(_, i, _) | Op::Window(_, i, ..) | Op::Keyed(_, i, _) => {
            longest(i) <= LONG
        }
    }
}

/// The program that such operators make on two inputs, without what would outgrow a test.
pub(crate) fn fit(ops: Vec<Op>, inputs: [Naive; 2]) -> Vec<Op> {
    let (mut program, mut streams) = (Vec::new(), inputs.to_vec());
    for op in ops {
        let op = place(op, &streams);
        if is_small(op, &streams) {
            streams.push(apply(op, &streams));
            program.push(op);
        }
    }
    program
}
