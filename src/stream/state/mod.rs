//! Keyed state: one table per key group, dealt to partitions in contiguous ranges.

mod expiry;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::vec::Vec;

use super::exchange::Routing;
use crate::table::OrderedTable;

pub(crate) use expiry::Expiry;

/// The tables of the key groups that one partition owns.
pub(crate) struct GroupTables<K, S> {
    routing: Routing,
    /// The first key group.
    first: u32,
    /// One table per key group. A value is `None` only while its operator has it in hand.
    tables: Vec<OrderedTable<K, Option<S>>>,
}

impl<K, S> GroupTables<K, S> {
    fn new(routing: Routing, partition: usize) -> Self {
        let range = routing.range(partition);
        Self {
            routing,
            first: range.start,
            tables: range.map(|_| OrderedTable::new()).collect(),
        }
    }

    pub(crate) fn tables(&self) -> &[OrderedTable<K, Option<S>>] {
        &self.tables
    }

    pub(crate) fn tables_mut(&mut self) -> &mut [OrderedTable<K, Option<S>>] {
        &mut self.tables
    }

    /// Which of the tables holds keys of this hash.
    #[inline]
    pub(crate) fn table_of(&self, hash: u64) -> usize {
        (self.routing.group(hash) - self.first) as usize
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.tables.iter().map(OrderedTable::len).sum()
    }

    /// All keys with their states, by key group, then in the order of their coming.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        let entries = self.tables.iter().flat_map(OrderedTable::entries);
        entries.filter_map(|entry| Some((&entry.key, entry.value.as_ref()?)))
    }
}

/// The state of one operator, by partition.
pub(crate) struct StateStore<K, S> {
    partitions: Vec<RwLock<GroupTables<K, S>>>,
}

impl<K, S> StateStore<K, S> {
    pub(crate) fn new(routing: Routing) -> Self {
        let partitions = 0..routing.partitions as usize;
        Self {
            partitions: partitions
                .map(|partition| RwLock::new(GroupTables::new(routing, partition)))
                .collect(),
        }
    }

    pub(crate) fn partitions(&self) -> usize {
        self.partitions.len()
    }

    pub(crate) fn read(&self, partition: usize) -> RwLockReadGuard<'_, GroupTables<K, S>> {
        let tables = &self.partitions[partition];
        tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self, partition: usize) -> RwLockWriteGuard<'_, GroupTables<K, S>> {
        let tables = &self.partitions[partition];
        tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}
