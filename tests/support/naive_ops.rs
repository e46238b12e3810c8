//! The operators of the random programs, and the functions that the programs give them.

/// The one type of item that flows in the programs of the property tests.
pub(crate) type Record = (u8, i64);

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident: $($kind:ident),* $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $name { $($kind),* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];
        }
    };
}

kinds! {
    /// What keeps partitions and their order. `Batch…` are the operations within a `transform`.
    Narrow:
    Map, FlatMap, Filter, FilterMap, TryMap, TryFlatMap, TryFilter, MapValues, FlatMapValues,
    MapPartitions, MapPartitionsWithIndex, Glom, Chain, Boxed, Transform, BatchMap, BatchFlatMap,
    BatchFilter, BatchMapPartitions, BatchMapValues, BatchFlatMapValues, BatchGlom,
    BatchZipWithIndex, BatchJoinStatic,
}

kinds! {
    /// What looks at a whole batch; some are given a number.
    Wide:
    Count, Reduce, CountByValue, ReduceByKey, CombineByKey, GroupByKey, Summarize,
    SummarizeWithRng, Repartition, BatchReduce, BatchCountByValue, BatchReduceByKey,
    BatchCombineByKey, BatchGroupByKey, BatchSummarize, BatchSummarizeWithRng, BatchRepartition,
    BatchDistinct, BatchSortByKey, BatchTopBy, BatchTake, BatchSample, BatchAggregate,
    BatchWithItems,
}

kinds! {
    /// What brings two streams together.
    Pair:
    Union, UnionOfAll, Join, LeftOuterJoin, RightOuterJoin, FullOuterJoin, Cogroup, TransformWith,
    TransformOfAll, BatchUnion, BatchJoin, BatchLeftOuterJoin, BatchRightOuterJoin,
    BatchFullOuterJoin, BatchCogroup,
}

kinds! {
    /// What looks at the batches of a window.
    Windowed:
    Window, CountByWindow, ReduceByWindow, CountByValueAndWindow, ReduceByKeyAndWindow,
    ReduceByKeyAndWindowWithInverse, GroupByKeyAndWindow, SummarizeWindow, SummarizeByKeyAndWindow,
}

kinds! {
    /// What keeps a state per key; some are given a time-out.
    Keyed:
    UpdateStateByKey, UpdateStateByKeyWith, UpdateStateByPartition, FilterMapRef, StateByKey,
    Snapshots, SummarizeByKey,
}

/// An operator on earlier streams of a program, given by their positions; 0 and 1 are inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Narrow(Narrow, usize),
    Wide(Wide, usize, usize),
    Pair(Pair, usize, usize),
    /// Window and slide as multiples of the stream's slide.
    Window(Windowed, usize, u64, u64),
    /// The time-out is in batches.
    Keyed(Keyed, usize, u64),
}

// The functions that programs give their operators.

pub(crate) fn map((key, value): Record) -> Record {
    (
        key.wrapping_add(1) % 7,
        value.wrapping_mul(3).wrapping_add(1),
    )
}

pub(crate) fn keep((_, value): &Record) -> bool {
    value.rem_euclid(3) != 0
}

pub(crate) fn two((key, value): Record) -> [Record; 2] {
    let other = value.rem_euclid(7) as u8;
    [(key, value), (other, value.wrapping_sub(1))]
}

pub(crate) fn changed(value: i64) -> i64 {
    value.wrapping_mul(5).wrapping_sub(2)
}

/// The value as often as it says, which may be never.
pub(crate) fn some(value: i64) -> Vec<i64> {
    vec![value; value.rem_euclid(3) as usize]
}

pub(crate) fn later((key, value): Record, now: i64) -> Record {
    (key, value.wrapping_add(now))
}

/// The code of a list after one more value: told from that of any other list, order and all.
pub(crate) fn and(code: i64, value: i64) -> i64 {
    code.wrapping_mul(BASE).wrapping_add(value).wrapping_add(17)
}

pub(crate) const BASE: i64 = 0x5851_f42d_4c95_7f2d;

pub(crate) fn list(values: impl IntoIterator<Item = i64>) -> i64 {
    values.into_iter().fold(0, and)
}

pub(crate) fn number((key, value): Record) -> i64 {
    value.wrapping_mul(257).wrapping_add(key.into())
}

pub(crate) fn numbers(items: impl IntoIterator<Item = Record>) -> i64 {
    list(items.into_iter().map(number))
}

/// A record for a partition, behind its items.
pub(crate) fn counted(partition: usize, mut items: Vec<Record>) -> Vec<Record> {
    items.push((partition as u8, items.len() as i64));
    items
}

pub(crate) fn indexed(((key, value), index): (Record, u64)) -> Record {
    (key, and(value, index as i64))
}

pub(crate) fn joined(key: u8, left: Option<i64>, right: Option<i64>) -> Record {
    let side = |side: Option<i64>| list(side);
    (key, and(side(left), side(right)))
}

pub(crate) fn grouped(key: u8, (left, right): (Vec<i64>, Vec<i64>)) -> Record {
    (key, and(list(left), list(right)))
}

/// Data that stay the same, to be joined with.
pub(crate) const TABLE: [Record; 4] = [(1, 10), (3, 30), (1, 11), (200, 0)];

/// States to begin with, one of them twice.
pub(crate) const INITIAL: [Record; 3] = [(2, 5), (9, 6), (2, 7)];

fn kept(state: i64) -> Option<i64> {
    (state.rem_euclid(5) != 0).then_some(state)
}

/// The next state of a key, idle or not.
pub(crate) fn updated(old: Option<i64>, new: &[i64]) -> Option<i64> {
    let old = old.unwrap_or(0);
    kept(match new {
        [] => old.wrapping_add(1),
        new => new.iter().copied().fold(old, and),
    })
}

pub(crate) fn updated_at(now: i64, key: u8, old: Option<i64>, new: &[i64]) -> Option<i64> {
    updated(old, new).map(|state| state.wrapping_add(now).wrapping_add(key.into()))
}

/// The states that one key gives: another key's, now and then none, and for one key one more.
pub(crate) fn moved(now: i64, key: u8, old: Option<i64>, new: &[i64]) -> Vec<Record> {
    let more = (key == 0).then_some((200, new.len() as i64));
    let moved = updated_at(now, key, old, new).map(|state| (key ^ 1, state));
    let own = Some(key).filter(|key| *key < 100);
    own.map_or(vec![], |_| more.into_iter().chain(moved).collect())
}

pub(crate) fn even(key: u8, state: i64) -> Option<Record> {
    (state % 2 == 0).then_some((key, state / 2))
}

/// What a record does to the state of its key.
pub(crate) enum Touch {
    Read,
    Update(i64),
    Remove,
}

pub(crate) fn touch(state: Option<i64>, value: i64) -> Touch {
    match (value.rem_euclid(4), kept(and(state.unwrap_or(0), value))) {
        (0, _) => Touch::Read,
        (_, Some(state)) => Touch::Update(state),
        (_, None) => Touch::Remove,
    }
}

/// What is emitted for a record, and for a key that times out.
pub(crate) fn emitted(now: i64, key: u8, state: Option<i64>, value: Option<i64>) -> Record {
    later(joined(key, state, value), now)
}
