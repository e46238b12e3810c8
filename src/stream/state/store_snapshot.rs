//! Keyed state in a checkpoint: a byte string per key group.
//!
//! A group is encoded as the number of its keys, then all keys, then all their states, in the order
//! of insertion: outputs follow it, so it is part of the state, and equal states are equal bytes.

use std::boxed::Box;
use std::string::ToString;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::data::{Data, Key};
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, Codecs};
use crate::stream::state::encoding::{put_table, take_table};
use crate::stream::state::expiry::Expiry;
use crate::stream::state::group::SharedTable;
use crate::stream::state::operator_snapshot::{GroupSnapshot, OperatorSnapshot};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, used_up};
use crate::stream::state::spill::{SpillManager, Spiller};
use crate::stream::state::store::StateStore;

/// Appends the state of a key group, and when its keys were touched, if they expire.
fn put_kept<K: Key, S: Data>(
    kept: &SharedTable<K, S>,
    (keys, states): (&Codec<K>, &Codec<S>),
    expiry: Option<&Expiry>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    match (kept, expiry) {
        (SharedTable::InMemory(table), None) => put_table(table, keys, states, out),
        (SharedTable::InMemory(table), Some(expiry)) => {
            put_table(table, keys, states, out)?;
            expiry.put(table, out)
        }
        (SharedTable::Spilled(page), None) => page.append_to(out),
        (SharedTable::Spilled(page), Some(expiry)) => {
            page.append_to(out)?;
            expiry.put(&page.table()?, out)
        }
    }
}

/// Whether the keys of a state expire.
#[derive(Clone, Copy)]
enum Keys {
    Stay,
    Expire,
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
        self.snapshot_with(keys, states, Keys::Stay)
    }

    pub(crate) fn recover_by(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        saved: &SavedState,
    ) -> Result<(), Refusal> {
        self.recover_with(keys, states, saved, Keys::Stay)
    }

    fn snapshot_with(&self, keys: &Codec<K>, states: &Codec<S>, which: Keys) -> OperatorSnapshot {
        let mut snapshot = OperatorSnapshot {
            types: vec![keys.name(), states.name()],
            keys: 0,
            whole: None,
            groups: Vec::with_capacity(self.routing.groups as usize),
        };
        for partition in 0..self.partitions() {
            let mut tables = self.write(partition);
            let groups: Vec<_> = tables.group_snapshots().collect();
            for (at, (group, version, kept)) in groups.into_iter().enumerate() {
                if kept.len() == 0 {
                    continue;
                }
                snapshot.keys += kept.len() as u64;
                let expiry = match which {
                    Keys::Stay => None,
                    Keys::Expire => Some(tables.share_expiry(at)),
                };
                let (keys, states) = (keys.clone(), states.clone());
                let encode = Box::new(move |out: &mut Vec<u8>| {
                    put_kept(&kept, (&keys, &states), expiry.as_deref(), out)
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

    /// Replaces the state, whatever the number of partitions was. One key group is in memory as
    /// bytes at a time, and tables spill as they do after a batch.
    fn recover_with(
        &self,
        keys: &Codec<K>,
        states: &Codec<S>,
        saved: &SavedState,
        which: Keys,
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
            let mut bytes = piece.read(&mut buffer).map_err(Refusal::Read)?;
            let table = take_table(keys, states, &mut bytes)?;
            let astray = |hash| self.routing.group(hash) != group;
            if table.entries().iter().any(|entry| astray(entry.hash())) {
                return Err(BoxError::from("a key is in the wrong key group").into());
            }
            let expiry = match which {
                Keys::Stay => None,
                Keys::Expire => Some(Expiry::take(&table, &mut bytes)?),
            };
            used_up(bytes)?;
            let mut tables = self.write(self.routing.owner(group));
            let at = tables.put(group, table, expiry);
            tables.spill_if_full(at)?;
        }
        Ok(())
    }

    /// The state with the touches of its keys by the clock of this name.
    pub(crate) fn snapshot_expiring(
        &self,
        clock: &str,
        codecs: &Codecs,
    ) -> Result<OperatorSnapshot, Refusal> {
        let mut snapshot = self.snapshot_with(codecs.get()?, codecs.get()?, Keys::Expire);
        snapshot.types.push(clock.to_string());
        Ok(snapshot)
    }

    /// Restores what [`snapshot_expiring`](Self::snapshot_expiring) has saved.
    pub(crate) fn recover_expiring(
        &self,
        clock: &str,
        codecs: &Codecs,
        saved: &SavedState,
    ) -> Result<(), Refusal> {
        let (keys, states) = (codecs.get()?, codecs.get()?);
        let mut plain = saved.clone();
        match plain.types.pop() {
            Some(last) if last == clock => {}
            _ => {
                let types = vec![keys.name(), states.name(), clock.into()];
                return Err(Refusal::Types(types));
            }
        }
        self.recover_with(keys, states, &plain, Keys::Expire)
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
