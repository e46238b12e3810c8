//! Keyed state in a checkpoint: a byte string per key group.
//!
//! A group is the number of its keys, then, in the order of the keys' bytes, each key with its
//! position in the table and its state. The order makes equal states equal bytes; the position
//! restores the order of coming, which outputs follow.

use std::string::ToString;
use std::vec;
use std::vec::Vec;

use super::{Expiry, GroupTables, StateStore, Table};
use crate::hash::route;
use crate::stream::Key;
use crate::stream::checkpoint::{Codec, Codecs, Part, Refusal, put, take, used_up};
use crate::stream::error::BoxError;
use crate::stream::executor::lock;
use crate::stream::time::BatchTime;
use crate::table::OrderedTable;
use std::sync::Mutex;

impl<K: Key, S: 'static> StateStore<K, S> {
    /// The state with nothing beside it, of types that the context has codecs for.
    pub(crate) fn snapshot(&self, codecs: &Codecs) -> Result<Part, Refusal> {
        self.snapshot_by(codecs.get()?, codecs.get()?)
    }

    pub(crate) fn recover(&self, codecs: &Codecs, part: &Part) -> Result<(), Refusal> {
        used_up(&part.whole)?;
        self.recover_by(codecs.get()?, codecs.get()?, part)
    }

    pub(crate) fn snapshot_by(&self, keys: &Codec<K>, states: &Codec<S>) -> Result<Part, Refusal> {
        self.snapshot_with(keys, states, |_, _, _, _| Ok(()))
    }

    pub(crate) fn recover_by(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        part: &Part,
    ) -> Result<(), Refusal> {
        self.recover_with(keys, states, part, |_, _, _| Ok(()))
    }

    /// The same, with what belongs to the state, written by `beside` for each table: it is given
    /// the partition, its tables, and the number of the table.
    pub(crate) fn snapshot_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        beside: impl Fn(usize, &GroupTables<K, S>, usize, &mut Vec<u8>) -> Result<(), BoxError>,
    ) -> Result<Part, Refusal> {
        let mut part = Part {
            types: vec![keys.name(), states.name()],
            ..Part::default()
        };
        for partition in 0..self.partitions() {
            let tables = self.read(partition);
            for ((at, table), group) in tables.tables().iter().enumerate().zip(tables.first..) {
                if table.len() == 0 {
                    continue;
                }
                let mut bytes = Vec::new();
                put_table(table, keys, states, &mut bytes)?;
                beside(partition, &tables, at, &mut bytes)?;
                part.keys += table.len() as u64;
                part.groups.insert(group, bytes);
            }
        }
        Ok(part)
    }

    /// Replaces the state, whatever the number of partitions was; `beside` reads what its
    /// namesake has written.
    pub(crate) fn recover_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        part: &Part,
        mut beside: impl FnMut(usize, usize, &mut &[u8]) -> Result<(), BoxError>,
    ) -> Result<(), Refusal> {
        part.check_types(vec![keys.name(), states.name()])?;
        for partition in 0..self.partitions() {
            *self.write(partition) = GroupTables::new(self.routing, partition);
        }
        for (&group, bytes) in &part.groups {
            if group >= self.routing.groups {
                return Err(BoxError::from("there is no such key group").into());
            }
            let partition = self.routing.owner(group);
            let mut tables = self.write(partition);
            let at = (group - tables.first) as usize;
            let mut bytes = &bytes[..];
            let table = take_table(keys, states, &mut bytes)?;
            let astray = |hash| self.routing.group(hash) != group;
            if table.entries().iter().any(|entry| astray(entry.hash())) {
                return Err(BoxError::from("a key is in a group that is not its own").into());
            }
            tables.tables_mut()[at] = table;
            drop(tables);
            beside(partition, at, &mut bytes)?;
            used_up(bytes)?;
        }
        Ok(())
    }

    /// Deals items to the partitions that own their keys, in their order.
    pub(crate) fn dealt<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> &K,
    ) -> Vec<Vec<T>> {
        let mut partitions: Vec<Vec<T>> = (0..self.partitions()).map(|_| Vec::new()).collect();
        for item in items {
            let partition = self.routing.partition(route(key(&item)));
            partitions[partition].push(item);
        }
        partitions
    }
}

fn put_table<K: 'static, S: 'static>(
    table: &Table<K, S>,
    keys: &Codec<K>,
    states: &Codec<S>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    let mut order = Vec::with_capacity(table.len());
    let mut written = Vec::new();
    for (position, entry) in table.entries().iter().enumerate() {
        let begin = written.len();
        keys.put(&entry.key, &mut written)?;
        order.push((begin..written.len(), position));
    }
    order.sort_unstable_by(|(a, _), (b, _)| written[a.clone()].cmp(&written[b.clone()]));
    put(&(table.len() as u64), out)?;
    for (key, position) in order {
        out.extend(&written[key]);
        put(&(position as u64), out)?;
        let state = table.entries()[position].value.as_ref();
        states.put(state.ok_or("a state is in use")?, out)?;
    }
    Ok(())
}

fn take_table<K: Key, S: 'static>(
    keys: &Codec<K>,
    states: &Codec<S>,
    bytes: &mut &[u8],
) -> Result<Table<K, S>, BoxError> {
    let count: u64 = take(bytes)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let key = keys.take(bytes)?;
        let position: u64 = take(bytes)?;
        entries.push((position, key, states.take(bytes)?));
    }
    entries.sort_by_key(|(position, ..)| *position);
    let mut table = OrderedTable::new();
    for (expected, (position, key, state)) in entries.into_iter().enumerate() {
        let hash = route(&key);
        let at = table.insert(hash, key, || Some(state));
        if position != expected as u64 || at != expected {
            return Err("two keys are in one place, or one is there twice".into());
        }
    }
    Ok(table)
}

/// Touches of the entries of all tables, to be put in order: time, place in its list, table and
/// hash.
pub(crate) type Touches = Vec<(BatchTime, u64, u32, u64)>;

impl Expiry {
    /// For each entry of a table when it was last touched, and as which of the keys of that batch.
    pub(crate) fn put<K, S>(
        &self,
        state: &GroupTables<K, S>,
        at: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BoxError> {
        let times = self.touched.get(at).map_or(&[][..], Vec::as_slice);
        let mut places = vec![0; times.len()];
        for (time, keys) in &self.batches {
            for ((_, hash), place) in keys
                .iter()
                .zip(1u64..)
                .filter(|((t, _), _)| *t as usize == at)
            {
                let found = state.tables()[at].find_hash(*hash, |at| times[at] == *time);
                if let Some(position) = found {
                    places[position] = place;
                }
            }
        }
        for (time, place) in times.iter().zip(places) {
            put(&(time.as_millis(), place), out)?;
        }
        Ok(())
    }

    /// Reads what [`put`](Self::put) has written, for the entries of a table.
    pub(crate) fn take<K, S>(
        state: &GroupTables<K, S>,
        at: usize,
        bytes: &mut &[u8],
    ) -> Result<Touches, BoxError> {
        let entries = state.tables()[at].entries().iter();
        let touch = |entry: &crate::table::Entry<K, Option<S>>| {
            let (time, place) = take(bytes)?;
            Ok((BatchTime::from_millis(time), place, at as u32, entry.hash()))
        };
        entries.map(touch).collect()
    }

    /// The index of a partition with these touches, those of a table in the order of its entries.
    pub(crate) fn from_touches(mut touches: Touches) -> Self {
        let mut expiry = Self::default();
        for &(time, _, table, _) in &touches {
            let table = table as usize;
            if expiry.touched.len() <= table {
                expiry.touched.resize(table + 1, Vec::new());
            }
            expiry.touched[table].push(time);
        }
        touches.sort_by_key(|&(time, place, table, _)| (time, place, table));
        for (time, _, table, hash) in touches {
            match expiry.batches.back_mut() {
                Some((last, keys)) if *last == time => keys.push((table, hash)),
                _ => expiry.batches.push_back((time, vec![(table, hash)])),
            }
        }
        expiry
    }
}

/// The state of an operator that lets keys expire.
pub(crate) fn snapshot_expiring<K: Key, S: 'static>(
    store: &StateStore<K, S>,
    expiry: &[Mutex<Expiry>],
    codecs: &Codecs,
) -> Result<Part, Refusal> {
    let mut part = store.snapshot_with(
        codecs.get()?,
        codecs.get()?,
        |partition, tables, at, out| lock(&expiry[partition]).put(tables, at, out),
    )?;
    part.types.push("times of touch".to_string());
    Ok(part)
}

/// Takes up what [`snapshot_expiring`] has given.
pub(crate) fn recover_expiring<K: Key, S: 'static>(
    store: &StateStore<K, S>,
    codecs: &Codecs,
    part: &Part,
) -> Result<Vec<Mutex<Expiry>>, Refusal> {
    let (keys, states) = (codecs.get()?, codecs.get()?);
    let mut touches: Vec<Touches> = vec![Vec::new(); store.partitions()];
    let mut plain = part.clone();
    match plain.types.pop() {
        Some(last) if last == "times of touch" => {}
        _ => {
            return Err(Refusal::Types(vec![
                keys.name(),
                states.name(),
                "times of touch".into(),
            ]));
        }
    }
    used_up(&part.whole)?;
    store.recover_with(keys, states, &plain, |partition, at, bytes| {
        touches[partition].extend(Expiry::take(&store.read(partition), at, bytes)?);
        Ok(())
    })?;
    Ok(touches
        .into_iter()
        .map(Expiry::from_touches)
        .map(Mutex::new)
        .collect())
}
