//! Keyed state: one table per key group, dealt to partitions in contiguous ranges.

mod expiry;
#[cfg(feature = "checkpoint")]
mod stored;

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::vec::Vec;

use super::exchange::Routing;
use super::executor::lock;
use super::metrics::StateSize;
use crate::hash::route;
use crate::stream::Key;
use crate::table::OrderedTable;

pub(crate) use expiry::Expiry;
#[cfg(feature = "checkpoint")]
pub(crate) use stored::{recover_expiring, snapshot_expiring};

/// The states of one key group. A value is `None` only while its operator has it in hand.
pub(crate) type Table<K, S> = OrderedTable<K, Option<S>>;

/// The tables of the key groups that one partition owns.
#[derive(Clone)]
pub(crate) struct GroupTables<K, S> {
    routing: Routing,
    /// The first key group.
    first: u32,
    /// One table per key group.
    tables: Vec<Table<K, S>>,
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

    pub(crate) fn tables(&self) -> &[Table<K, S>] {
        &self.tables
    }

    pub(crate) fn tables_mut(&mut self) -> &mut [Table<K, S>] {
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
    routing: Routing,
    partitions: Vec<RwLock<GroupTables<K, S>>>,
    /// All of it as it was when it was last kept, until that is needed.
    saved: Mutex<Vec<GroupTables<K, S>>>,
}

impl<K, S> StateStore<K, S> {
    pub(crate) fn new(routing: Routing) -> Self {
        let partitions = 0..routing.partitions as usize;
        Self {
            routing,
            partitions: partitions
                .map(|partition| RwLock::new(GroupTables::new(routing, partition)))
                .collect(),
            saved: Mutex::default(),
        }
    }

    pub(crate) fn size(&self) -> StateSize {
        let mut size = StateSize::default();
        for partition in 0..self.partitions() {
            for table in &self.read(partition).tables {
                table.add_to(&mut size);
            }
        }
        size
    }

    /// Sets the state of a key; says where it is: the partition, the table, the position, and the
    /// hash of the key.
    pub(crate) fn set(&self, key: K, state: S) -> (usize, usize, usize, u64)
    where
        K: Key,
    {
        let hash = route(&key);
        let partition = self.routing.partition(hash);
        let mut tables = self.write(partition);
        let at = tables.table_of(hash);
        let table = &mut tables.tables_mut()[at];
        let position = table.insert(hash, key, || None);
        *table.value_mut(position) = Some(state);
        (partition, at, position, hash)
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

impl<K: Clone, S: Clone> StateStore<K, S> {
    /// Keeps everything as it is, for [`restore`](Self::restore).
    pub(crate) fn save(&self) {
        let partitions = 0..self.partitions();
        *lock(&self.saved) = partitions.map(|at| self.read(at).clone()).collect();
    }

    /// Goes back to what was last kept.
    pub(crate) fn restore(&self) {
        for (partition, saved) in lock(&self.saved).drain(..).enumerate() {
            *self.write(partition) = saved;
        }
    }
}

/// The methods of a node whose only state is in its `store`.
macro_rules! keeps_store {
    () => {
        fn save(&mut self) {
            self.store.save();
        }

        fn restore(&mut self) {
            self.store.restore();
        }

        #[cfg(feature = "checkpoint")]
        fn snapshot(
            &self,
            codecs: &$crate::stream::checkpoint::Codecs,
        ) -> Result<$crate::stream::checkpoint::Part, $crate::stream::checkpoint::Refusal> {
            self.store.snapshot(codecs)
        }

        #[cfg(feature = "checkpoint")]
        fn recover(
            &mut self,
            codecs: &$crate::stream::checkpoint::Codecs,
            part: &$crate::stream::checkpoint::Part,
        ) -> Result<(), $crate::stream::checkpoint::Refusal> {
            self.store.recover(codecs, part)
        }

        fn state(&self) -> Option<$crate::stream::metrics::StateSize> {
            Some(self.store.size())
        }
    };
}

/// The same for a node that keeps its `panes` too.
macro_rules! keeps_store_and_panes {
    () => {
        fn save(&mut self) {
            self.store.save();
            self.saved = self.panes.clone();
        }

        fn restore(&mut self) {
            self.store.restore();
            self.panes = std::mem::take(&mut self.saved);
        }

        fn state(&self) -> Option<$crate::stream::metrics::StateSize> {
            Some(self.store.size())
        }
    };
}

pub(crate) use {keeps_store, keeps_store_and_panes};
