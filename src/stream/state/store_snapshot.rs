//! Keyed state in a checkpoint: a byte string per key group.
//!
//! A group is encoded as the number of its keys, then all keys, then all their states, in the order
//! of insertion: outputs follow it, so it is part of the state, and equal states are equal bytes.

use std::boxed::Box;
use std::string::ToString;
use std::sync::{Arc, Mutex};
use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::data::{Data, Key};
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, Codecs};
use crate::stream::state::encoding::{put_table, take_table};
use crate::stream::state::expiry::{Expiry, SharedExpiry};
use crate::stream::state::expiry_encoding::Touches;
use crate::stream::state::group::SharedTable;
use crate::stream::state::operator_snapshot::{GroupSnapshot, OperatorSnapshot};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, used_up};
use crate::stream::state::spill::{SpillManager, Spiller};
use crate::stream::state::store::StateStore;
use crate::stream::state::table::Table;
use crate::stream::threads::lock::lock;

/// Appends extra data of the table of this number in its partition.
type Beside<K, S> =
    Arc<dyn Fn(usize, &Table<K, S>, &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync>;

/// Appends the state of a key group, and the extra data of the table of this number.
fn put_kept<K: Key, S: Data>(
    kept: &SharedTable<K, S>,
    (keys, states): (&Codec<K>, &Codec<S>),
    beside: Option<(usize, &Beside<K, S>)>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    match (kept, beside) {
        (SharedTable::InMemory(table), None) => put_table(table, keys, states, out),
        (SharedTable::InMemory(table), Some((at, beside))) => {
            put_table(table, keys, states, out)?;
            beside(at, table, out)
        }
        (SharedTable::Spilled(page), None) => page.append_to(out),
        (SharedTable::Spilled(page), Some((at, beside))) => {
            page.append_to(out)?;
            beside(at, &page.table()?, out)
        }
    }
}

impl<K: Key, S: Data> StateStore<K, S> {
    /// The state without extra data, of types that the context has codecs for.
    pub(crate) fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        Ok(self.snapshot_by(codecs.get()?, codecs.get()?))
    }

    pub(crate) fn recover(&self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        used_up(saved.whole(&mut Vec::new())?)?;
        self.recover_by(codecs.get()?, codecs.get()?, saved)
    }

    /// Lets tables spill from now on.
    pub(crate) fn spill_to(
        &self,
        codecs: &Codecs,
        spill: &Arc<SpillManager>,
    ) -> Result<(), Refusal> {
        let spiller = Spiller::new(spill, codecs.get()?, codecs.get()?);
        for partition in 0..self.partitions() {
            self.write(partition).set_spiller(spiller.clone());
        }
        Ok(())
    }

    pub(crate) fn snapshot_by(&self, keys: &Codec<K>, states: &Codec<S>) -> OperatorSnapshot {
        self.snapshot_with(keys, states, |_| None)
    }

    pub(crate) fn recover_by(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        saved: &SavedState,
    ) -> Result<(), Refusal> {
        self.recover_with(keys, states, saved, |_, _, _| Ok(()))
    }

    /// The same, with extra data for the tables of each partition.
    fn snapshot_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        beside: impl Fn(usize) -> Option<Beside<K, S>>,
    ) -> OperatorSnapshot {
        let mut snapshot = OperatorSnapshot {
            types: vec![keys.name(), states.name()],
            keys: 0,
            whole: None,
            groups: Vec::with_capacity(self.routing.groups as usize),
        };
        for partition in 0..self.partitions() {
            let beside = beside(partition);
            for (at, (group, version, kept)) in self.write(partition).group_snapshots().enumerate()
            {
                if kept.len() == 0 {
                    continue;
                }
                snapshot.keys += kept.len() as u64;
                let (keys, states) = (keys.clone(), states.clone());
                let beside = beside.clone();
                let encode = Box::new(move |out: &mut Vec<u8>| {
                    let beside = beside.as_ref().map(|beside| (at, beside));
                    put_kept(&kept, (&keys, &states), beside, out)
                });
                snapshot.groups.push(GroupSnapshot {
                    group,
                    version,
                    encode,
                });
            }
        }
        snapshot
    }

    /// Replaces the state, whatever the number of partitions was; `beside` reads the extra data of
    /// a table: it gets the partition and the number of the table. One key group is in memory as
    /// bytes at a time, and tables spill as they do after a batch.
    pub(crate) fn recover_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        saved: &SavedState,
        mut beside: impl FnMut(usize, &Table<K, S>, (usize, &mut &[u8])) -> Result<(), BoxError>,
    ) -> Result<(), Refusal> {
        saved.check_types(vec![keys.name(), states.name()])?;
        for partition in 0..self.partitions() {
            let mut tables = self.write(partition);
            *tables = tables.emptied();
        }
        let mut buffer = Vec::new();
        for (&group, piece) in &saved.groups {
            if group >= self.routing.groups {
                return Err(BoxError::from(
                    "a key group has a number that the stream does not have",
                )
                .into());
            }
            let partition = self.routing.owner(group);
            let mut bytes = piece.read(&mut buffer).map_err(Refusal::Read)?;
            let table = take_table(keys, states, &mut bytes)?;
            let astray = |hash| self.routing.group(hash) != group;
            if table.entries().iter().any(|entry| astray(entry.hash())) {
                return Err(BoxError::from("a key is in the wrong key group").into());
            }
            let mut tables = self.write(partition);
            let at = tables.put(group, table);
            beside(partition, tables.table(at), (at, &mut bytes))?;
            used_up(bytes)?;
            tables.spill_if_full(at)?;
        }
        Ok(())
    }

    /// Splits items by the partitions that own their keys, in their order.
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

/// The state of an operator whose keys expire, by the touches of the clock of this name.
pub(crate) fn snapshot_expiring<K: Key, S: Data>(
    store: &StateStore<K, S>,
    expiry: &[SharedExpiry],
    clock: &str,
    codecs: &Codecs,
) -> Result<OperatorSnapshot, Refusal> {
    let mut snapshot = store.snapshot_with(codecs.get()?, codecs.get()?, |partition| {
        let expiry = Arc::clone(&lock(&expiry[partition]));
        Some(Arc::new(move |at, table: &_, out: &mut _| {
            expiry.put(at, table, out)
        }))
    });
    snapshot.types.push(clock.to_string());
    Ok(snapshot)
}

/// Restores what [`snapshot_expiring`] has saved.
pub(crate) fn recover_expiring<K: Key, S: Data>(
    store: &StateStore<K, S>,
    clock: &str,
    codecs: &Codecs,
    saved: &SavedState,
) -> Result<Vec<SharedExpiry>, Refusal> {
    let (keys, states) = (codecs.get()?, codecs.get()?);
    let mut touches: Vec<Touches> = vec![Vec::new(); store.partitions()];
    let mut plain = saved.clone();
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
