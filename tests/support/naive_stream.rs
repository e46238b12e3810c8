//! The driver's twin: batches as vectors, state as a map, windows by recomputation.

use std::collections::BTreeMap;

/// The one type of item that flows in the programs of the property tests.
pub(crate) type Record = (u8, i64);

/// An operator on earlier streams of a program, given by their positions; 0 and 1 are inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Map(usize),
    Filter(usize),
    FlatMap(usize),
    Union(usize, usize),
    Join(usize, usize),
    Count(usize),
    ReduceByKey(usize),
    /// Window and slide as multiples of the stream's slide.
    Window(usize, u64, u64),
    SumByKeyAndWindow(usize, u64, u64),
    /// Running sums; a sum divisible by five is forgotten.
    UpdateState(usize),
    /// The largest value of each key, forgotten after so many idle batches.
    Largest(usize, u64),
    Repartition(usize, usize),
}

pub(crate) fn map((key, value): Record) -> Record {
    ((key + 1) % 7, value.wrapping_mul(3).wrapping_add(1))
}

pub(crate) fn keep((_, value): &Record) -> bool {
    value.rem_euclid(3) != 0
}

pub(crate) fn two((key, value): Record) -> [Record; 2] {
    let other = value.rem_euclid(7) as u8;
    [(key, value), (other, value.wrapping_sub(1))]
}

pub(crate) fn joined((key, (left, right)): (u8, (i64, i64))) -> Record {
    (key, left.wrapping_mul(31).wrapping_add(right))
}

pub(crate) fn forgotten(sum: i64) -> bool {
    sum % 5 == 0
}

/// A stream: its slide in batches, and its batch at each multiple of it, by batch number.
#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) slide: u64,
    pub(crate) batches: BTreeMap<u64, Vec<Record>>,
}

impl Naive {
    /// An input.
    pub(crate) fn input(batches: &[Vec<Record>]) -> Self {
        let numbered = (1..).zip(batches.iter().cloned());
        Self {
            slide: 1,
            batches: numbered.collect(),
        }
    }

    fn each(&self, f: impl Fn(Vec<Record>) -> Vec<Record>) -> Self {
        let batches = self.batches.iter().map(|(t, batch)| (*t, f(batch.clone())));
        Self {
            slide: self.slide,
            batches: batches.collect(),
        }
    }

    fn window(&self, window: u64, slide: u64) -> Self {
        let (window, slide) = (window * self.slide, slide * self.slide);
        let last = self.batches.keys().next_back().copied().unwrap_or(0);
        let at = |t: u64| {
            let range = (t.saturating_sub(window) + 1)..=t;
            self.batches
                .range(range)
                .flat_map(|(_, batch)| batch.clone())
                .collect()
        };
        let times = (1..=last).filter(|t| t % slide == 0);
        Self {
            slide,
            batches: times.map(|t| (t, at(t))).collect(),
        }
    }
}

fn sums(batch: Vec<Record>) -> Vec<Record> {
    let mut sums = BTreeMap::new();
    for (key, value) in batch {
        let sum: &mut i64 = sums.entry(key).or_default();
        *sum = sum.wrapping_add(value);
    }
    sums.into_iter().collect()
}

fn running_sums(stream: &Naive) -> Naive {
    let mut state: BTreeMap<u8, i64> = BTreeMap::new();
    let mut out = stream.clone();
    for batch in out.batches.values_mut() {
        for (key, sum) in sums(std::mem::take(batch)) {
            let old = state.entry(key).or_default();
            *old = old.wrapping_add(sum);
        }
        state.retain(|_, sum| !forgotten(*sum));
        *batch = state.iter().map(|(key, sum)| (*key, *sum)).collect();
    }
    out
}

fn largest(stream: &Naive, timeout: u64) -> Naive {
    let mut state: BTreeMap<u8, (i64, u64)> = BTreeMap::new();
    let mut out = stream.clone();
    for (now, batch) in &mut out.batches {
        for (key, value) in std::mem::take(batch) {
            let (best, touched) = state.entry(key).or_insert((value, *now));
            (*best, *touched) = ((*best).max(value), *now);
        }
        state.retain(|_, (_, touched)| *touched + timeout >= *now);
        *batch = state.iter().map(|(key, (best, _))| (*key, *best)).collect();
    }
    out
}

fn join(left: &Naive, right: &Naive) -> Naive {
    let mut out = left.clone();
    for (t, batch) in &mut out.batches {
        let right = &right.batches[t];
        let matches = |&(key, a): &Record| {
            let same = right.iter().filter(move |(other, _)| *other == key);
            same.map(move |&(_, b)| joined((key, (a, b))))
        };
        *batch = batch.iter().flat_map(matches).collect();
    }
    out
}

/// The stream that an operator makes of earlier ones.
pub(crate) fn apply(op: Op, streams: &[Naive]) -> Naive {
    match op {
        Op::Map(i) => streams[i].each(|batch| batch.into_iter().map(map).collect()),
        Op::Filter(i) => streams[i].each(|batch| batch.into_iter().filter(keep).collect()),
        Op::FlatMap(i) => streams[i].each(|batch| batch.into_iter().flat_map(two).collect()),
        Op::Union(i, j) => {
            let mut out = streams[i].clone();
            for (t, batch) in &mut out.batches {
                batch.extend(&streams[j].batches[t]);
            }
            out
        }
        Op::Join(i, j) => join(&streams[i], &streams[j]),
        Op::Count(i) => streams[i].each(|batch| vec![(0, batch.len() as i64)]),
        Op::ReduceByKey(i) => streams[i].each(sums),
        Op::Window(i, window, slide) => streams[i].window(window, slide),
        Op::SumByKeyAndWindow(i, window, slide) => streams[i].window(window, slide).each(sums),
        Op::UpdateState(i) => running_sums(&streams[i]),
        Op::Largest(i, timeout) => largest(&streams[i], timeout),
        Op::Repartition(i, _) => streams[i].clone(),
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
