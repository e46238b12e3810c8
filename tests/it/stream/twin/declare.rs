//! The operators of a random program, declared on the driver's streams.

use std::time::Duration;

use forebay::sample::Reservoir;
use forebay::stream::{
    Batch, BatchError, BatchTime, BoxError, DStream, KeyUpdate, NewValues, State, StateSpec,
    StaticTable, StreamingContext,
};
use forebay::{Merge, Summary};

use super::naive::ops::{
    self, BASE, INITIAL, Keyed, Narrow, Op, Pair, Record, TABLE, Touch, Wide, Windowed, and,
    changed, counted, even, grouped, indexed, joined, keep, later, list, map, number, numbers,
    some, two,
};

/// The slide of the inputs.
const BATCH: Duration = Duration::from_secs(1);

pub(crate) type Stream<'c> = DStream<'c, Record>;

/// What [`list`] says of a list, for lists that are put together: the order tells.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Digest {
    code: i64,
    power: i64,
}

/// Settings of programs whose states leave memory.
pub(crate) fn spilling(
    settings: forebay::stream::ContextBuilder,
    backend: impl forebay::stream::StateBackend,
) -> forebay::stream::ContextBuilder {
    settings.durable::<Digest>("digest").state_backend(backend)
}

impl Digest {
    fn new() -> Self {
        Self { code: 0, power: 1 }
    }

    fn of(value: i64) -> Self {
        Self::new().and(value)
    }

    fn and(self, value: i64) -> Self {
        let code = and(self.code, value);
        let power = self.power.wrapping_mul(BASE);
        Self { code, power }
    }

    fn then(self, other: Self) -> Self {
        let code = self.code.wrapping_mul(other.power).wrapping_add(other.code);
        let power = self.power.wrapping_mul(other.power);
        Self { code, power }
    }
}

impl Merge for Digest {
    fn merge(&mut self, other: Self) {
        *self = self.then(other);
    }
}

impl Summary for Digest {
    type Item = i64;

    fn update(&mut self, value: i64) {
        *self = self.and(value);
    }
}

fn whole(digest: Digest) -> Record {
    (0, digest.code)
}

fn millis(time: BatchTime) -> i64 {
    time.as_millis() as i64
}

fn both((key, (left, right)): (u8, (i64, i64))) -> Record {
    joined(key, Some(left), Some(right))
}

fn left((key, (left, right)): (u8, (i64, Option<i64>))) -> Record {
    joined(key, Some(left), right)
}

fn right((key, (left, right)): (u8, (Option<i64>, i64))) -> Record {
    joined(key, left, Some(right))
}

fn either((key, (left, right)): (u8, (Option<i64>, Option<i64>))) -> Record {
    joined(key, left, right)
}

fn sides((key, sides): (u8, (Vec<i64>, Vec<i64>))) -> Record {
    grouped(key, sides)
}

fn kept((key, value): Record) -> Option<Record> {
    keep(&(key, value)).then(|| map((key, value)))
}

fn of_list((key, values): (u8, Vec<i64>)) -> Record {
    (key, list(values))
}

fn of_sorted((key, mut values): (u8, Vec<i64>)) -> Record {
    values.sort_unstable();
    (key, list(values))
}

fn of_digest((key, digest): (u8, Digest)) -> Record {
    (key, digest.code)
}

fn of_count(((key, value), count): (Record, u64)) -> Record {
    (key, and(value, count as i64))
}

fn narrow<'c>(kind: Narrow, s: &Stream<'c>) -> Stream<'c> {
    match kind {
        Narrow::Map => s.map(map).boxed(),
        Narrow::FlatMap => s.flat_map(two).boxed(),
        Narrow::Filter => s.filter(keep).boxed(),
        Narrow::FilterMap => s.filter_map(kept).boxed(),
        Narrow::TryMap => s.try_map(|item| Ok::<_, BoxError>(map(item))).boxed(),
        Narrow::TryFlatMap => s.try_flat_map(|item| Ok::<_, BoxError>(two(item))).boxed(),
        Narrow::TryFilter => s.try_filter(|item| Ok::<_, BoxError>(keep(item))).boxed(),
        Narrow::MapValues => s.map_values(changed).boxed(),
        Narrow::FlatMapValues => s.flat_map_values(some).boxed(),
        Narrow::MapPartitions => s
            .map_partitions(|items| counted(0, items.collect()))
            .boxed(),
        Narrow::MapPartitionsWithIndex => s
            .map_partitions_with_index(|partition, items| counted(partition, items.collect()))
            .boxed(),
        Narrow::Glom => s.glom().map(|items| (0, numbers(items))).boxed(),
        Narrow::Chain => s
            .map(map)
            .filter(keep)
            .flat_map(two)
            .map_values(changed)
            .boxed(),
        Narrow::Boxed => s.boxed(),
        kind => in_transform(kind, s),
    }
}

fn in_transform<'c>(kind: Narrow, s: &Stream<'c>) -> Stream<'c> {
    let table: StaticTable<u8, i64> = TABLE.into_iter().collect();
    s.transform(move |batch, time| match kind {
        Narrow::BatchMap => batch.map(map),
        Narrow::BatchFlatMap => batch.flat_map(two),
        Narrow::BatchFilter => batch.filter(keep),
        Narrow::BatchMapPartitions => {
            batch.map_partitions(|partition, items| counted(partition, items.collect()))
        }
        Narrow::BatchMapValues => batch.map_values(changed),
        Narrow::BatchFlatMapValues => batch.flat_map_values(some),
        Narrow::BatchGlom => batch.glom().map(|items| (0, numbers(items))),
        Narrow::BatchZipWithIndex => batch.zip_with_index().map(indexed),
        Narrow::BatchJoinStatic => batch.join_static(&table).map(both),
        Narrow::Transform => batch.map(move |item| later(item, millis(time))),
        kind => unreachable!("{kind:?} is a stream's"),
    })
}

fn wide<'c>(kind: Wide, n: usize, s: &Stream<'c>) -> Stream<'c> {
    let digests = s.map(|item| Digest::of(number(item)));
    let sampled = move |rng| Reservoir::with_rng(n, rng);
    match kind {
        Wide::Count => s.count().map(|count| (0, count as i64)).boxed(),
        Wide::Reduce => digests.reduce(Digest::then).map(whole).boxed(),
        Wide::CountByValue => s.count_by_value().map(of_count).boxed(),
        Wide::ReduceByKey => {
            let digests = s.map_values(Digest::of);
            digests.reduce_by_key(Digest::then).map(of_digest).boxed()
        }
        Wide::CombineByKey => s
            .combine_by_key(Digest::of, Digest::update, Digest::merge)
            .map(of_digest)
            .boxed(),
        Wide::GroupByKey => s.group_by_key().map(of_list).boxed(),
        Wide::Summarize => s.map(number).summarize(Digest::new).map(whole).boxed(),
        Wide::SummarizeWithRng => s
            .summarize_with_rng(sampled)
            .flat_map(Reservoir::into_vec)
            .boxed(),
        Wide::Repartition => s.repartition(n),
        kind => wide_in_transform(kind, n, s),
    }
}

fn wide_in_transform<'c>(kind: Wide, n: usize, s: &Stream<'c>) -> Stream<'c> {
    s.transform(move |batch, _| {
        let like = batch.clone();
        Ok::<_, BatchError>(match kind {
            Wide::BatchReduce => {
                let digests = batch.map(|item| Digest::of(number(item)));
                let reduced = digests.reduce(Digest::then)?.map(whole);
                like.with_items(reduced.into_iter().collect())
            }
            Wide::BatchCountByValue => batch.count_by_value().map(of_count),
            Wide::BatchReduceByKey => {
                let digests = batch.map_values(Digest::of);
                digests.reduce_by_key(Digest::then).map(of_digest)
            }
            Wide::BatchCombineByKey => batch
                .combine_by_key(Digest::of, Digest::update, Digest::merge)
                .map(of_digest),
            Wide::BatchGroupByKey => batch.group_by_key().map(of_list),
            Wide::BatchSummarize => batch.map(number).summarize(Digest::new).map(whole),
            Wide::BatchSummarizeWithRng => batch
                .summarize_with_rng(|rng| Reservoir::with_rng(n, rng))
                .flat_map(Reservoir::into_vec),
            Wide::BatchRepartition => batch.repartition(n),
            Wide::BatchDistinct => batch.distinct(),
            Wide::BatchSortByKey => batch.sort_by_key(|(_, value)| *value),
            Wide::BatchTopBy => like.with_items(batch.top_by(n, |a, b| a.1.cmp(&b.1))?),
            Wide::BatchTake => like.with_items(batch.take(n)?),
            Wide::BatchSample => like.with_items(batch.sample(n)?),
            Wide::BatchAggregate => {
                let add = |all: Digest, item| all.and(number(item));
                let all = batch.aggregate(Digest::new, add, Digest::then)?;
                like.with_items(vec![whole(all)])
            }
            Wide::BatchWithItems => like.with_items(batch.into_vec()),
            kind => unreachable!("{kind:?} is a stream's"),
        })
    })
}

fn pair<'c>(
    ctx: &'c StreamingContext,
    kind: Pair,
    (a, b): (&Stream<'c>, &Stream<'c>),
) -> Stream<'c> {
    match kind {
        Pair::Union => a.union(b).boxed(),
        Pair::UnionOfAll => ctx.union(&[a.clone(), b.clone(), a.clone()]),
        Pair::Join => a.join(b).map(both).boxed(),
        Pair::LeftOuterJoin => a.left_outer_join(b).map(left).boxed(),
        Pair::RightOuterJoin => a.right_outer_join(b).map(right).boxed(),
        Pair::FullOuterJoin => a.full_outer_join(b).map(either).boxed(),
        Pair::Cogroup => a.cogroup(b).map(sides).boxed(),
        Pair::TransformOfAll => ctx.transform(&[a.clone(), b.clone()], |batches, time| {
            let all = batches.into_iter().reduce(Batch::union);
            let all = all.expect("two batches");
            all.map(move |item| later(item, millis(time)))
        }),
        kind => a.transform_with(b, move |a, b, time| match kind {
            Pair::TransformWith => a.union(b).map(move |item| later(item, millis(time))),
            Pair::BatchUnion => a.union(b),
            Pair::BatchJoin => a.join(b).map(both),
            Pair::BatchLeftOuterJoin => a.left_outer_join(b).map(left),
            Pair::BatchRightOuterJoin => a.right_outer_join(b).map(right),
            Pair::BatchFullOuterJoin => a.full_outer_join(b).map(either),
            Pair::BatchCogroup => a.cogroup(b).map(sides),
            kind => unreachable!("{kind:?} is a stream's"),
        }),
    }
}

fn window<'c>(kind: Windowed, s: &Stream<'c>, window: u64, slide: u64) -> Stream<'c> {
    let (w, s_) = (s.slide() * window as u32, s.slide() * slide as u32);
    let plus = i64::wrapping_add;
    match kind {
        Windowed::Window => s.window(w, s_).unwrap().boxed(),
        Windowed::CountByWindow => {
            let counts = s.count_by_window(w, s_).unwrap();
            counts.map(|count| (0, count as i64)).boxed()
        }
        Windowed::ReduceByWindow => {
            let digests = s.map(|item| Digest::of(number(item)));
            let reduced = digests.reduce_by_window(w, s_, Digest::then).unwrap();
            reduced.map(whole).boxed()
        }
        Windowed::CountByValueAndWindow => s
            .count_by_value_and_window(w, s_)
            .unwrap()
            .map(of_count)
            .boxed(),
        Windowed::ReduceByKeyAndWindow => {
            let digests = s.map_values(Digest::of);
            let reduced = digests
                .reduce_by_key_and_window(w, s_, Digest::then)
                .unwrap();
            reduced.map(of_digest).boxed()
        }
        Windowed::ReduceByKeyAndWindowWithInverse => s
            .reduce_by_key_and_window_with_inverse(w, s_, plus, i64::wrapping_sub)
            .unwrap()
            .boxed(),
        Windowed::GroupByKeyAndWindow => s
            .group_by_key_and_window(w, s_)
            .unwrap()
            .map(of_sorted)
            .boxed(),
        Windowed::SummarizeWindow => {
            let digests = s.map(number).summarize_window(w, s_, |_| Digest::new());
            digests.unwrap().map(whole).boxed()
        }
        Windowed::SummarizeByKeyAndWindow => {
            let digests = s.summarize_by_key_and_window(w, s_, |_| Digest::new());
            digests.unwrap().map(of_digest).boxed()
        }
    }
}

/// A time, a key, its state and a value, if it has them.
type Emitted = (i64, u8, Option<i64>, Option<i64>);

/// What `touch` says, by the state's own methods.
fn touched(
    time: BatchTime,
    key: &u8,
    value: Option<i64>,
    state: &mut State<i64>,
) -> Option<Emitted> {
    let old = state.get().copied();
    assert_eq!(
        (state.exists(), state.is_timing_out()),
        (old.is_some(), value.is_none())
    );
    match value.map(|value| ops::touch(old, value)) {
        Some(Touch::Update(new)) => state.update(new),
        Some(Touch::Remove) => assert_eq!(state.remove(), old),
        Some(Touch::Read) | None => (),
    }
    Some((millis(time), *key, old, value))
}

fn keyed<'c>(kind: Keyed, s: &Stream<'c>, timeout: u64) -> Stream<'c> {
    let spec = || {
        let spec = StateSpec::new(touched).initial(INITIAL);
        spec.timeout(BATCH * timeout as u32)
    };
    let update = |_: &u8, new: NewValues<'_, i64>, old| {
        let is_idle = new.is_empty();
        let new: Vec<i64> = new.collect();
        assert_eq!(is_idle, new.is_empty());
        ops::updated(old, &new)
    };
    match kind {
        Keyed::UpdateStateByKey => s.update_state_by_key(update).boxed(),
        Keyed::UpdateStateByKeyWith => s
            .update_state_by_key_with(INITIAL, |time, key, new, old| {
                ops::updated_at(millis(time), *key, old, &new.collect::<Vec<_>>())
            })
            .boxed(),
        Keyed::UpdateStateByPartition => s
            .update_state_by_partition(|time, updates| {
                let moved = move |(key, new, old): KeyUpdate<u8, i64, i64>| {
                    ops::moved(millis(time), key, old, &new)
                };
                updates.flat_map(moved).collect::<Vec<_>>()
            })
            .boxed(),
        Keyed::FilterMapRef => s
            .update_state_by_key(update)
            .filter_map_ref(|key, state| even(*key, *state))
            .boxed(),
        Keyed::StateByKey => s
            .state_by_key(spec())
            .map(|(now, key, state, value)| ops::emitted(now, key, state, value))
            .boxed(),
        Keyed::Snapshots => s.state_by_key(spec()).snapshots().boxed(),
        Keyed::SummarizeByKey => s.summarize_by_key(|_| Digest::new()).map(of_digest).boxed(),
    }
}

pub(crate) fn declare<'c>(op: Op, ctx: &'c StreamingContext, streams: &[Stream<'c>]) -> Stream<'c> {
    match op {
        Op::Narrow(kind, i) => narrow(kind, &streams[i]),
        Op::Wide(kind, i, n) => wide(kind, n, &streams[i]),
        Op::Pair(kind, i, j) => pair(ctx, kind, (&streams[i], &streams[j])),
        Op::Window(kind, i, w, s) => window(kind, &streams[i], w, s),
        Op::Keyed(kind, i, timeout) => keyed(kind, &streams[i], timeout),
    }
}
