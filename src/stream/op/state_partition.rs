//! One partition of a state per key, while a batch changes it.

use std::vec::Vec;

use crate::stream::data::{Data, Key};
use crate::stream::error::BoxError;
use crate::stream::exchange::Routed;
use crate::stream::op::arrivals::{BLOCK, NOWHERE, likely};
use crate::stream::op::key_state::State;
use crate::stream::state::tables::GroupTables;
use crate::stream::time::BatchTime;

/// Splits records by the tables they belong to, each with its place among all.
fn by_table<T>(
    tables: usize,
    records: impl Iterator<Item = T>,
    table_of: impl Fn(&T) -> usize,
) -> Vec<Vec<(T, u64)>> {
    let mut dealt: Vec<_> = (0..tables).map(|_| Vec::new()).collect();
    for (record, place) in records.zip(0..) {
        dealt[table_of(&record)].push((record, place));
    }
    dealt
}

/// One partition's tables while a batch runs.
pub(crate) struct Partition<'a, K, S> {
    pub(crate) tables: &'a mut GroupTables<K, S>,
    pub(crate) touches: Touches,
}

/// How a batch touches keys.
#[derive(Clone, Copy)]
pub(crate) struct Touches {
    /// When this batch touches its keys; `None` without a time-out.
    pub(crate) now: Option<BatchTime>,
    /// Keys last touched before this time expire.
    pub(crate) threshold: BatchTime,
}

impl<K: Key, S: Data> Partition<'_, K, S> {
    fn touch(&mut self, table: usize, position: usize, hash: u64) {
        if let Some(now) = self.touches.now {
            self.tables.touch(table, position, hash, now);
        }
    }

    /// One call of the function for each record, in order.
    pub(crate) fn update_all<V, I: IntoIterator>(
        &mut self,
        time: BatchTime,
        records: impl IntoIterator<Item = Routed<K, V>>,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
        emitted: &mut Vec<I::Item>,
    ) {
        let mut records = records.into_iter();
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            block.extend(records.by_ref().take(BLOCK));
            if block.is_empty() {
                return;
            }
            let table_of = |place: usize| self.tables.table_of(block[place].hash);
            let likely = likely(&block, |place| self.tables.table(table_of(place)));
            for (record, likely) in block.drain(..).zip(likely) {
                emitted.extend(self.update(time, record, likely, &f));
            }
        }
    }

    /// One call of the function for one record, whose key is likely to be at a position.
    #[inline(always)]
    fn update<V, I>(
        &mut self,
        time: BatchTime,
        Routed { hash, key, value }: Routed<K, V>,
        likely: usize,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> I {
        let at = self.tables.table_of(hash);
        let table = self.tables.table_mut(at);
        let known = table.find_near(likely, hash, &key);
        let held = known.and_then(|position| table.value_mut(position).take());
        let mut state = State::of_record(held);
        let emitted = f(time, &key, Some(value), &mut state);
        match (known, state.into_value()) {
            (Some(position), None) => self.tables.remove(at, position),
            (Some(position), kept) => {
                *table.value_mut(position) = kept;
                self.touch(at, position, hash);
            }
            (None, None) => {}
            (None, made) => {
                let position = table.push_new(hash, key, made);
                self.touch(at, position, hash);
            }
        }
        emitted
    }

    /// The last call for each key of a table that expires, those idle for longest first.
    fn expire<V, I: IntoIterator>(
        &mut self,
        time: BatchTime,
        table: usize,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
        emitted: &mut Vec<I::Item>,
    ) {
        while let Some(position) = self.tables.next_due(table, self.touches.threshold) {
            let entries = self.tables.table_mut(table);
            let mut state = State::of_idle(entries.value_mut(position).take());
            emitted.extend(f(time, &entries.entries()[position].key, None, &mut state));
            self.tables.remove(table, position);
        }
    }

    /// The last calls for all keys that expire, table by table.
    pub(crate) fn expire_all<V, I: IntoIterator>(
        &mut self,
        time: BatchTime,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
        emitted: &mut Vec<I::Item>,
    ) {
        (0..self.tables.groups()).for_each(|table| self.expire(time, table, &f, emitted));
    }

    /// All the work of a batch table by table, each in memory only while it is processed; items are
    /// emitted in the order of [`update_all`](Self::update_all) and
    /// [`expire_all`](Self::expire_all).
    pub(crate) fn update_by_table<V, I: IntoIterator>(
        &mut self,
        time: BatchTime,
        records: impl IntoIterator<Item = Routed<K, V>>,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> Result<Vec<I::Item>, BoxError> {
        let table_of = |record: &Routed<K, V>| self.tables.table_of(record.hash);
        let arrived = by_table(self.tables.groups(), records.into_iter(), table_of);
        let (mut emitted, mut last) = (Vec::new(), Vec::new());
        for (at, records) in arrived.into_iter().enumerate() {
            if records.is_empty() && !self.tables.may_be_due(at, self.touches.threshold) {
                continue;
            }
            self.tables.fetch(at)?;
            for (record, place) in records {
                emitted.push((place, self.update(time, record, NOWHERE, &f)));
            }
            self.expire(time, at, &f, &mut last);
            self.tables.spill_if_full(at)?;
        }
        emitted.sort_unstable_by_key(|(place, _)| *place);
        let emitted = emitted.into_iter().flat_map(|(_, items)| items);
        Ok(emitted.chain(last).collect())
    }
}
