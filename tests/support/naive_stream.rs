//! The driver's twin: batches as vectors, state as a map, windows by recomputation.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

#[path = "naive_ops.rs"]
pub(crate) mod ops;

use ops::*;

/// The items by partition.
pub(crate) type Batch = Vec<Vec<Record>>;

/// A stream: its slide in batches, and its batch at each multiple of it, by batch number.
#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) slide: u64,
    pub(crate) batches: BTreeMap<u64, Batch>,
}

pub(crate) fn items(batch: &Batch) -> Vec<Record> {
    batch.concat()
}

/// Dealt evenly, in order.
fn split(items: &[Record], partitions: usize) -> Batch {
    let at = |partition: usize| partition * items.len() / partitions;
    let part = |partition| items[at(partition)..at(partition + 1)].to_vec();
    (0..partitions).map(part).collect()
}

fn by_key(items: Vec<Record>) -> BTreeMap<u8, Vec<i64>> {
    let mut map: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
    for (key, value) in items {
        map.entry(key).or_default().push(value);
    }
    map
}

/// One record for each key, by all its values.
fn each_key(items: Vec<Record>, f: impl Fn(Vec<i64>) -> i64) -> Vec<Record> {
    let groups = by_key(items).into_iter();
    groups.map(|(key, values)| (key, f(values))).collect()
}

fn counts(items: Vec<Record>) -> Vec<Record> {
    let mut counts: BTreeMap<Record, i64> = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    let coded = |((key, value), count)| (key, and(value, count));
    counts.into_iter().map(coded).collect()
}

fn sorted(mut values: Vec<i64>) -> Vec<i64> {
    values.sort_unstable();
    values
}

impl Naive {
    /// An input.
    pub(crate) fn input(batches: &[Vec<Record>], partitions: usize) -> Self {
        let dealt = batches.iter().map(|batch| split(batch, partitions));
        Self {
            slide: 1,
            batches: (1..).zip(dealt).collect(),
        }
    }

    /// The most items of a batch.
    pub(crate) fn longest(&self) -> usize {
        let lens = self.batches.values().map(|batch| items(batch).len());
        lens.max().unwrap_or(0)
    }

    /// A batch for each of these, by the milliseconds of its time.
    fn each(&self, mut f: impl FnMut(i64, &Batch) -> Batch) -> Self {
        let batches = self.batches.iter();
        Self {
            slide: self.slide,
            batches: batches
                .map(|(t, batch)| (*t, f(1_000 * *t as i64, batch)))
                .collect(),
        }
    }

    fn windows(&self, window: u64, slide: u64, f: impl Fn(Vec<&Batch>) -> Batch) -> Self {
        let (window, slide) = (window * self.slide, slide * self.slide);
        let last = self.batches.keys().next_back().copied().unwrap_or(0);
        let panes = |t: u64| {
            let range = (t.saturating_sub(window) + 1)..=t;
            self.batches.range(range).map(|(_, batch)| batch).collect()
        };
        let times = (1..=last).filter(|t| t % slide == 0);
        Self {
            slide,
            batches: times.map(|t| (t, f(panes(t)))).collect(),
        }
    }
}

/// A partition, the items in front of it, and the time.
#[derive(Clone, Copy)]
struct Place {
    partition: usize,
    before: u64,
    now: i64,
}

fn narrow(kind: Narrow, place: Place, items: Vec<Record>) -> Vec<Record> {
    use Narrow::*;
    let each = items.clone().into_iter();
    let values = |(key, value)| some(value).into_iter().map(move |value| (key, value));
    let matches = |(key, value)| {
        let same = TABLE.into_iter().filter(move |(other, _)| *other == key);
        same.map(move |(_, other)| joined(key, Some(value), Some(other)))
    };
    match kind {
        Map | TryMap | BatchMap => each.map(map).collect(),
        FlatMap | TryFlatMap | BatchFlatMap => each.flat_map(two).collect(),
        Filter | TryFilter | BatchFilter => each.filter(keep).collect(),
        FilterMap => each.filter(keep).map(map).collect(),
        MapValues | BatchMapValues => each.map(|(key, value)| (key, changed(value))).collect(),
        FlatMapValues | BatchFlatMapValues => each.flat_map(values).collect(),
        MapPartitions => counted(0, items),
        MapPartitionsWithIndex | BatchMapPartitions => counted(place.partition, items),
        Glom | BatchGlom => vec![(0, numbers(items))],
        Chain => {
            let made = each.map(map).filter(keep).flat_map(two);
            made.map(|(key, value)| (key, changed(value))).collect()
        }
        Boxed => items,
        Transform => each.map(|item| later(item, place.now)).collect(),
        BatchZipWithIndex => each.zip(place.before..).map(indexed).collect(),
        BatchJoinStatic => each.flat_map(matches).collect(),
    }
}

fn narrow_batch(kind: Narrow, now: i64, batch: &Batch) -> Batch {
    let mut before = 0;
    let part = |(partition, items): (usize, &Vec<Record>)| {
        let place = Place {
            partition,
            before,
            now,
        };
        before += items.len() as u64;
        narrow(kind, place, items.clone())
    };
    batch.iter().enumerate().map(part).collect()
}

fn wide(kind: Wide, n: usize, batch: &Batch) -> Batch {
    use Wide::*;
    let mut all = items(batch);
    vec![match kind {
        Count => vec![(0, all.len() as i64)],
        Reduce | BatchReduce if all.is_empty() => vec![],
        Reduce | BatchReduce | Summarize | BatchSummarize | BatchAggregate => {
            vec![(0, numbers(all))]
        }
        CountByValue | BatchCountByValue => counts(all),
        ReduceByKey | CombineByKey | GroupByKey | BatchReduceByKey | BatchCombineByKey
        | BatchGroupByKey => each_key(all, list),
        Repartition | BatchRepartition => all,
        BatchDistinct => {
            all.sort_unstable();
            all.dedup();
            all
        }
        BatchSortByKey => {
            all.sort_by_key(|(_, value)| *value);
            return split(&all, batch.len());
        }
        BatchWithItems => return split(&all, batch.len()),
        BatchTopBy => {
            all.sort_by_key(|(_, value)| Reverse(*value));
            all.truncate(n);
            all
        }
        // A sample is any so many of them.
        BatchTake | BatchSample | SummarizeWithRng | BatchSummarizeWithRng => {
            all.truncate(n);
            all
        }
    }]
}

/// The records of keys that are not on the other side.
fn alone<'a>(side: &'a [Record], other: &'a [Record]) -> impl Iterator<Item = Record> + 'a {
    let unmatched = |(key, _): &&Record| other.iter().all(|(there, _)| there != key);
    side.iter().filter(unmatched).copied()
}

fn pair(kind: Pair, now: i64, (left, right): (&Batch, &Batch)) -> Batch {
    use Pair::*;
    let (a, b) = (items(left), items(right));
    let both = a.iter().flat_map(|&(key, left)| {
        let same = b.iter().filter(move |(other, _)| *other == key);
        same.map(move |&(_, right)| joined(key, Some(left), Some(right)))
    });
    let lefts = alone(&a, &b).map(|(key, left)| joined(key, Some(left), None));
    let rights = alone(&b, &a).map(|(key, right)| joined(key, None, Some(right)));
    let sides = || {
        let (mut a, mut b) = (by_key(a.clone()), by_key(b.clone()));
        let keys: BTreeSet<u8> = a.keys().chain(b.keys()).copied().collect();
        let sides = keys.into_iter().map(move |key| {
            let sides = (a.remove(&key), b.remove(&key));
            grouped(
                key,
                (sides.0.unwrap_or_default(), sides.1.unwrap_or_default()),
            )
        });
        sides.collect()
    };
    vec![match kind {
        Union | BatchUnion => return [left.clone(), right.clone()].concat(),
        UnionOfAll => return [left.clone(), right.clone(), left.clone()].concat(),
        TransformWith | TransformOfAll => {
            let all = [left.clone(), right.clone()].concat();
            return narrow_batch(Narrow::Transform, now, &all);
        }
        Join | BatchJoin => both.collect(),
        LeftOuterJoin | BatchLeftOuterJoin => both.chain(lefts).collect(),
        RightOuterJoin | BatchRightOuterJoin => both.chain(rights).collect(),
        FullOuterJoin | BatchFullOuterJoin => both.chain(lefts).chain(rights).collect(),
        Cogroup | BatchCogroup => sides(),
    }]
}

/// What a window gives, of its batches, oldest first.
fn window(kind: Windowed, panes: Vec<&Batch>) -> Batch {
    let all = panes.iter().flat_map(|batch| items(batch));
    let all: Vec<Record> = all.collect();
    vec![match kind {
        Windowed::Window => {
            let widest = panes.iter().map(|batch| batch.len()).max().unwrap_or(0);
            let part = |at: usize| panes.iter().filter_map(move |batch| batch.get(at));
            return (0..widest)
                .map(|at| part(at).flatten().copied().collect())
                .collect();
        }
        Windowed::CountByWindow => vec![(0, all.len() as i64)],
        Windowed::ReduceByWindow if all.is_empty() => vec![],
        Windowed::ReduceByWindow | Windowed::SummarizeWindow => vec![(0, numbers(all))],
        Windowed::CountByValueAndWindow => counts(all),
        Windowed::ReduceByKeyAndWindow | Windowed::SummarizeByKeyAndWindow => each_key(all, list),
        Windowed::ReduceByKeyAndWindowWithInverse => {
            each_key(all, |values| values.into_iter().fold(0, i64::wrapping_add))
        }
        // In which order the values are is not said.
        Windowed::GroupByKeyAndWindow => each_key(all, |values| list(sorted(values))),
    }]
}

fn all_keys<S>(state: &BTreeMap<u8, S>, new: &BTreeMap<u8, Vec<i64>>) -> Vec<u8> {
    let keys: BTreeSet<u8> = state.keys().chain(new.keys()).copied().collect();
    keys.into_iter().collect()
}

/// The states of all keys after each batch, where `next` says what those of one key become.
fn states(
    stream: &Naive,
    initial: &[Record],
    next: impl Fn(i64, u8, Option<i64>, &[i64]) -> Vec<Record>,
) -> Naive {
    let mut state: BTreeMap<u8, i64> = initial.iter().copied().collect();
    stream.each(|now, batch| {
        let new = by_key(items(batch));
        let keys = all_keys(&state, &new).into_iter();
        let after = keys.flat_map(|key| {
            let values = new.get(&key).map_or(&[][..], Vec::as_slice);
            next(now, key, state.get(&key).copied(), values)
        });
        state = after.collect();
        vec![state.iter().map(|(key, state)| (*key, *state)).collect()]
    })
}

/// A state and when it was touched.
type Touched = BTreeMap<u8, (i64, i64)>;

/// What is emitted for each batch, and the states after it.
fn touched(stream: &Naive, timeout: u64) -> [Naive; 2] {
    let mut state = Touched::new();
    let (mut first, timeout) = (true, 1_000 * timeout as i64);
    let mut snapshots = stream.clone();
    let mut after = snapshots.batches.values_mut();
    let emissions = stream.each(|now, batch| {
        if std::mem::take(&mut first) {
            state.extend(INITIAL.map(|(key, value)| (key, (value, now))));
        }
        let mut out = Vec::new();
        for (key, value) in items(batch) {
            let old = state.get(&key).map(|(state, _)| *state);
            out.push(emitted(now, key, old, Some(value)));
            match (touch(old, value), old) {
                (Touch::Update(new), _) | (Touch::Read, Some(new)) => {
                    state.insert(key, (new, now));
                }
                _ => drop(state.remove(&key)),
            }
        }
        let due = |touched: i64| touched < now - timeout;
        let gone = state.iter().filter(|(_, (_, touched))| due(*touched));
        out.extend(gone.map(|(key, (state, _))| emitted(now, *key, Some(*state), None)));
        state.retain(|_, (_, touched)| !due(*touched));
        if let Some(snapshot) = after.next() {
            *snapshot = vec![
                state
                    .iter()
                    .map(|(key, (state, _))| (*key, *state))
                    .collect(),
            ];
        }
        vec![out]
    });
    [emissions, snapshots]
}

fn keyed(kind: Keyed, stream: &Naive, timeout: u64) -> Naive {
    let one = |key: u8, state: Option<i64>| state.map(|state| (key, state)).into_iter().collect();
    let update = |_, key, old, new: &[i64]| one(key, updated(old, new));
    match kind {
        Keyed::UpdateStateByKey => states(stream, &[], update),
        Keyed::UpdateStateByKeyWith => states(stream, &INITIAL, |now, key, old, new| {
            one(key, updated_at(now, key, old, new))
        }),
        Keyed::UpdateStateByPartition => states(stream, &[], moved),
        Keyed::FilterMapRef => states(stream, &[], update).each(|_, batch| {
            let states = items(batch).into_iter();
            vec![states.filter_map(|(key, state)| even(key, state)).collect()]
        }),
        Keyed::StateByKey => {
            let [emissions, _] = touched(stream, timeout);
            emissions
        }
        Keyed::Snapshots => {
            let [_, snapshots] = touched(stream, timeout);
            snapshots
        }
        Keyed::SummarizeByKey => states(stream, &[], |_, key, old, new| {
            one(key, Some(new.iter().copied().fold(old.unwrap_or(0), and)))
        }),
    }
}

/// The stream that an operator makes of earlier ones.
pub(crate) fn apply(op: Op, streams: &[Naive]) -> Naive {
    match op {
        Op::Narrow(kind, i) => streams[i].each(|now, batch| narrow_batch(kind, now, batch)),
        Op::Wide(kind, i, n) => streams[i].each(|_, batch| wide(kind, n, batch)),
        Op::Pair(kind, i, j) => {
            let mut others = streams[j].batches.values();
            streams[i].each(|now, batch| {
                let other = others.next().expect("streams of one slide");
                pair(kind, now, (batch, other))
            })
        }
        Op::Window(kind, i, w, s) => streams[i].windows(w, s, |panes| window(kind, panes)),
        Op::Keyed(kind, i, timeout) => keyed(kind, &streams[i], timeout),
    }
}

/// A record with its event time.
pub(crate) type Event = (u8, u64);

/// By batch: the keys that go, and those that stay with how many records they have had.
pub(crate) type Rows = Vec<(Vec<u8>, Vec<(u8, u64)>)>;

/// Counts of records by key, as long as the key is not idle for longer than `timeout`. Each batch
/// touches its keys when its clock says, which does not go back.
pub(crate) fn idle(
    batches: &[Vec<Event>],
    timeout: u64,
    clock: impl Fn(u64, &[Event]) -> u64,
) -> Rows {
    let mut state: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    let mut now = 0;
    let batch = |(number, batch): (u64, &Vec<Event>)| {
        now = now.max(clock(number, batch));
        for (key, _) in batch {
            let (count, touched) = state.entry(*key).or_default();
            (*count, *touched) = (*count + 1, now);
        }
        let stays = |touched: u64| touched + timeout >= now;
        let gone = state.iter().filter(|(_, (_, touched))| !stays(*touched));
        let gone = gone.map(|(key, _)| *key).collect();
        state.retain(|_, (_, touched)| stays(*touched));
        let left = state.iter().map(|(key, (count, _))| (*key, *count));
        (gone, left.collect())
    };
    (1..).zip(batches).map(batch).collect()
}
