//! One partition of a state per key, while a batch changes it.

use std::vec::Vec;

use crate::stream::data::{Data, Key};
use crate::stream::error::BoxError;
use crate::stream::exchange::Routed;
use crate::stream::op::arrivals::{BLOCK, NOWHERE, likely};
use crate::stream::op::key_state::State;
use crate::stream::state::expiry::Expiry;
use crate::stream::state::tables::GroupTables;
use crate::stream::time::BatchTime;

/// Splits items by the tables they belong to, each with its place among all.
fn by_table<T>(
    tables: usize,
    items: impl Iterator<Item = (T, u64)>,
    table_of: impl Fn(&T) -> usize,
) -> Vec<Vec<(T, u64)>> {
    let mut dealt: Vec<_> = (0..tables).map(|_| Vec::new()).collect();
    for (item, place) in items {
        dealt[table_of(&item)].push((item, place));
    }
    dealt
}

/// One partition's tables and expiry index while a batch runs.
pub(crate) struct Partition<'a, K, S> {
    pub(crate) tables: &'a mut GroupTables<K, S>,
    /// When this batch touches its keys.
    pub(crate) now: BatchTime,
    /// Absent without a time-out.
    pub(crate) expiry: Option<&'a mut Expiry>,
}

impl<K: Key, S: Data> Partition<'_, K, S> {
    fn remove(&mut self, table: usize, position: usize) {
        self.tables.table_mut(table).swap_remove(position);
        if let Some(expiry) = &mut self.expiry {
            expiry.swap_remove(table, position);
        }
    }

    fn touch(&mut self, table: usize, position: usize, hash: u64) {
        if let Some(expiry) = &mut self.expiry {
            expiry.touch(table, position, hash, self.now);
        }
    }

    /// How many touches there are of this instant.
    fn listed(&self) -> usize {
        let expiry = self.expiry.as_ref();
        expiry.map_or(0, |expiry| expiry.listed(self.now))
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
            (Some(position), None) => self.remove(at, position),
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

    /// The last call for the next key last touched before `threshold`.
    pub(crate) fn expire_next<V, I>(
        &mut self,
        time: BatchTime,
        threshold: BatchTime,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> Option<I> {
        let expiry = self.expiry.as_deref_mut()?;
        let (table, position) = expiry.next_due(threshold, self.tables)?;
        Some(self.expire(time, table, position, f))
    }

    /// The last call for a key.
    fn expire<V, I>(
        &mut self,
        time: BatchTime,
        table: usize,
        position: usize,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> I {
        let entries = self.tables.table_mut(table);
        let mut state = State::of_idle(entries.value_mut(position).take());
        let emitted = f(time, &entries.entries()[position].key, None, &mut state);
        self.remove(table, position);
        emitted
    }

    /// All the work of a batch table by table, each in memory only while it is processed; items are
    /// emitted in the order of [`update_all`](Self::update_all) and
    /// [`expire_next`](Self::expire_next).
    pub(crate) fn update_by_table<V, I: IntoIterator>(
        &mut self,
        time: BatchTime,
        records: impl IntoIterator<Item = Routed<K, V>>,
        threshold: BatchTime,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> Result<Vec<I::Item>, BoxError> {
        let (tables, mut places) = (self.tables.groups(), 0..);
        let records = records.into_iter().zip(&mut places);
        let arrived = by_table(tables, records, |record| self.tables.table_of(record.hash));
        let due = self
            .expiry
            .as_mut()
            .map(|expiry| expiry.take_due(threshold));
        let due = due.into_iter().flatten().zip(&mut places);
        let due = by_table(tables, due, |touch| touch.table as usize);
        let (mut emitted, mut touches) = (Vec::new(), Vec::new());
        for (at, (records, due)) in arrived.into_iter().zip(due).enumerate() {
            if records.is_empty() && due.is_empty() {
                continue;
            }
            self.tables.fetch(at)?;
            for (record, place) in records {
                let listed = self.listed();
                emitted.push((place, self.update(time, record, NOWHERE, &f)));
                if self.listed() > listed {
                    touches.push(place);
                }
            }
            for (touch, place) in due {
                let expiry = self.expiry.as_deref();
                let found = expiry.and_then(|expiry| expiry.find(&touch, self.tables));
                emitted.extend(found.map(|position| (place, self.expire(time, at, position, &f))));
            }
            self.tables.spill_if_full(at)?;
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.sort_last(&touches);
        }
        emitted.sort_unstable_by_key(|(place, _)| *place);
        Ok(emitted.into_iter().flat_map(|(_, items)| items).collect())
    }
}
