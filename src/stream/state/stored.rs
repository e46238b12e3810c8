//! Keyed state in a checkpoint: a byte string per key group.
//!
//! A group is the number of its keys, then all keys, then all their states, in the order of their
//! coming: outputs follow it, so it is part of the state, and equal states are equal bytes.

use std::boxed::Box;
use std::hash::Hash;
use std::string::ToString;
use std::sync::{Arc, Mutex};
use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::checkpoint::{
    Codec, Codecs, GroupMark, Mark, Part, Refusal, put, take, used_up,
};
use crate::stream::error::BoxError;
use crate::stream::run::executor::lock;
use crate::stream::state::group::Kept;
use crate::stream::state::table::OrderedTable;
use crate::stream::state::{Expiry, Pager, Paging, SharedExpiry, StateStore, Table};
use crate::stream::time::BatchTime;
use crate::stream::{Data, Key};

/// Appends what belongs to the table of this number in its partition.
type Beside<K, S> =
    Arc<dyn Fn(usize, &Table<K, S>, &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync>;

/// Appends the state of a key group, and what is beside the table of this number.
fn put_kept<K: Key, S: Data>(
    kept: &Kept<K, S>,
    (keys, states): (&Codec<K>, &Codec<S>),
    beside: Option<(usize, &Beside<K, S>)>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    match (kept, beside) {
        (Kept::Here(table), None) => put_table(table, keys, states, out),
        (Kept::Here(table), Some((at, beside))) => {
            put_table(table, keys, states, out)?;
            beside(at, table, out)
        }
        (Kept::Away(page), None) => page.append_to(out),
        (Kept::Away(page), Some((at, beside))) => {
            page.append_to(out)?;
            beside(at, &page.table()?, out)
        }
    }
}

impl<K: Key, S: Data> StateStore<K, S> {
    /// The state with nothing beside it, of types that the context has codecs for.
    pub(crate) fn mark(&self, codecs: &Codecs) -> Result<Mark, Refusal> {
        Ok(self.mark_by(codecs.get()?, codecs.get()?))
    }

    pub(crate) fn recover(&self, codecs: &Codecs, part: &Part) -> Result<(), Refusal> {
        used_up(part.whole(&mut Vec::new())?)?;
        self.recover_by(codecs.get()?, codecs.get()?, part)
    }

    /// Lets tables leave memory from now on.
    pub(crate) fn page(&self, codecs: &Codecs, paging: &Arc<Paging>) -> Result<(), Refusal> {
        let pager = Pager::new(paging, codecs.get()?, codecs.get()?);
        for partition in 0..self.partitions() {
            self.write(partition).set_pager(pager.clone());
        }
        Ok(())
    }

    pub(crate) fn mark_by(&self, keys: &Codec<K>, states: &Codec<S>) -> Mark {
        self.mark_with(keys, states, |_| None)
    }

    pub(crate) fn recover_by(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        part: &Part,
    ) -> Result<(), Refusal> {
        self.recover_with(keys, states, part, |_, _, _| Ok(()))
    }

    /// The same, with what belongs to the tables of each partition.
    fn mark_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        beside: impl Fn(usize) -> Option<Beside<K, S>>,
    ) -> Mark {
        let mut mark = Mark {
            types: vec![keys.name(), states.name()],
            keys: 0,
            whole: None,
            groups: Vec::with_capacity(self.routing.groups as usize),
        };
        for partition in 0..self.partitions() {
            let beside = beside(partition);
            for (at, (group, version, kept)) in self.write(partition).shared().enumerate() {
                if kept.len() == 0 {
                    continue;
                }
                mark.keys += kept.len() as u64;
                let (keys, states) = (keys.clone(), states.clone());
                let beside = beside.clone();
                let encode = Box::new(move |out: &mut Vec<u8>| {
                    let beside = beside.as_ref().map(|beside| (at, beside));
                    put_kept(&kept, (&keys, &states), beside, out)
                });
                mark.groups.push(GroupMark {
                    group,
                    version,
                    encode,
                });
            }
        }
        mark
    }

    /// Replaces the state, whatever the number of partitions was; `beside` reads what belongs to
    /// a table: it is given the partition and the number of the table. The bytes of one key group
    /// are in memory at a time, and tables leave it as they do after a batch.
    pub(crate) fn recover_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        part: &Part,
        mut beside: impl FnMut(usize, &Table<K, S>, (usize, &mut &[u8])) -> Result<(), BoxError>,
    ) -> Result<(), Refusal> {
        part.check_types(vec![keys.name(), states.name()])?;
        for partition in 0..self.partitions() {
            let mut tables = self.write(partition);
            *tables = tables.emptied();
        }
        let mut buffer = Vec::new();
        for (&group, piece) in &part.groups {
            if group >= self.routing.groups {
                return Err(BoxError::from("there is no such key group").into());
            }
            let partition = self.routing.owner(group);
            let mut bytes = piece.read(&mut buffer)?;
            let table = take_table(keys, states, &mut bytes)?;
            let astray = |hash| self.routing.group(hash) != group;
            if table.entries().iter().any(|entry| astray(entry.hash())) {
                return Err(BoxError::from("a key is in a group that is not its own").into());
            }
            let mut tables = self.write(partition);
            let at = tables.put(group, table);
            beside(partition, tables.table(at), (at, &mut bytes))?;
            used_up(bytes)?;
            tables.try_settle(at)?;
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

/// Writes a table: the number of its keys, the keys, their states.
pub(super) fn put_table<K, S>(
    table: &Table<K, S>,
    keys: &Codec<K>,
    states: &Codec<S>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    let entries = table.entries();
    put(&(entries.len() as u64), out)?;
    keys.put_each(entries.iter().map(|entry| &entry.key), out)?;
    if entries.iter().any(|entry| entry.value.is_none()) {
        return Err("a state is in use".into());
    }
    states.put_each(entries.iter().filter_map(|entry| entry.value.as_ref()), out)
}

/// Reads the keys of a table with their states, in the order of their coming.
pub(super) fn take_records<K, S>(
    keys: &Codec<K>,
    states: &Codec<S>,
    bytes: &mut &[u8],
) -> Result<Vec<(K, S)>, BoxError> {
    let count: u64 = take(bytes)?;
    let count = usize::try_from(count)?;
    // Of different keys only one can be no byte long.
    if count > bytes.len().saturating_add(1) {
        return Err("there are fewer keys than it says".into());
    }
    let keys = keys.take_each(count, bytes)?;
    let states = states.take_each(count, bytes)?;
    Ok(keys.into_iter().zip(states).collect())
}

pub(super) fn take_table<K: Hash + Eq, S>(
    keys: &Codec<K>,
    states: &Codec<S>,
    bytes: &mut &[u8],
) -> Result<Table<K, S>, BoxError> {
    let records = take_records(keys, states, bytes)?;
    let mut table = OrderedTable::with_capacity(records.len());
    for (key, state) in records {
        let expected = table.len();
        if table.insert(route(&key), key, || Some(state)) != expected {
            return Err("a key is there twice".into());
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
        at: usize,
        table: &Table<K, S>,
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
                let found = table.find_hash(*hash, |at| times[at] == *time);
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
        table: &Table<K, S>,
        at: usize,
        bytes: &mut &[u8],
    ) -> Result<Touches, BoxError> {
        let entries = table.entries().iter();
        let touch = |entry: &crate::stream::state::table::Entry<K, Option<S>>| {
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

/// The state of an operator that lets keys expire, by the touches of a clock of this name.
pub(crate) fn mark_expiring<K: Key, S: Data>(
    store: &StateStore<K, S>,
    expiry: &[SharedExpiry],
    clock: &str,
    codecs: &Codecs,
) -> Result<Mark, Refusal> {
    let mut mark = store.mark_with(codecs.get()?, codecs.get()?, |partition| {
        let expiry = Arc::clone(&lock(&expiry[partition]));
        Some(Arc::new(move |at, table: &_, out: &mut _| {
            expiry.put(at, table, out)
        }))
    });
    mark.types.push(clock.to_string());
    Ok(mark)
}

/// Takes up what [`mark_expiring`] has given.
pub(crate) fn recover_expiring<K: Key, S: Data>(
    store: &StateStore<K, S>,
    clock: &str,
    codecs: &Codecs,
    part: &Part,
) -> Result<Vec<SharedExpiry>, Refusal> {
    let (keys, states) = (codecs.get()?, codecs.get()?);
    let mut touches: Vec<Touches> = vec![Vec::new(); store.partitions()];
    let mut plain = part.clone();
    match plain.types.pop() {
        Some(last) if last == clock => {}
        _ => {
            return Err(Refusal::Types(vec![
                keys.name(),
                states.name(),
                clock.into(),
            ]));
        }
    }
    store.recover_with(keys, states, &plain, |partition, table, (at, bytes)| {
        touches[partition].extend(Expiry::take(table, at, bytes)?);
        Ok(())
    })?;
    Ok(touches
        .into_iter()
        .map(|touches| Mutex::new(Arc::new(Expiry::from_touches(touches))))
        .collect())
}
