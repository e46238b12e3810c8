//! Keyed state: one table per key group, dealt to partitions in contiguous ranges.

mod backend;
mod best;
mod boundary;
#[cfg(feature = "disk")]
mod disk;
mod expiry;
mod group;
mod handle;
mod page;
mod stored;
pub(crate) mod table;
mod tables;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::vec::Vec;

use boundary::Gate;
use handle::{Shown, ShownTable};
use tables::SharedGroup;

use crate::hash::route;
use crate::stream::Key;
use crate::stream::exchange::Routing;
use crate::stream::run::executor::lock;
use crate::stream::run::metrics::StateSize;
use crate::stream::time::BatchTime;

pub use backend::{Memory, PageStore, StateBackend, StateError};
pub(crate) use boundary::Boundary;
#[cfg(feature = "disk")]
pub use disk::Disk;
pub(crate) use expiry::{Expiry, SharedExpiry};
pub use handle::{StateHandle, StateSnapshot};
pub(crate) use page::{Pager, Paging};
pub(crate) use stored::{mark_expiring, recover_expiring};
pub(crate) use tables::{GroupTables, Table};
#[cfg(feature = "serve")]
pub(crate) use {best::Best, group::Rows};

/// The state of one operator, by partition.
pub(crate) struct StateStore<K, S> {
    routing: Routing,
    partitions: Vec<RwLock<GroupTables<K, S>>>,
    /// All of it as it was when it was last kept, until that is needed.
    saved: Mutex<Vec<GroupTables<K, S>>>,
    /// For questions from outside.
    gate: Gate<K, S>,
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
            gate: Gate::new(),
        }
    }

    pub(crate) fn size(&self) -> StateSize {
        let mut size = StateSize::default();
        for partition in 0..self.partitions() {
            self.read(partition).add_to(&mut size);
        }
        size
    }

    /// Sets the state of a key; says where it is: the partition, the table, the position, and the
    /// hash of the key.
    pub(crate) fn set(&self, key: K, state: S) -> (usize, usize, usize, u64)
    where
        K: Key,
        S: Clone,
    {
        let hash = route(&key);
        let partition = self.routing.partition(hash);
        let mut tables = self.write(partition);
        let at = tables.table_of(hash);
        let table = tables.table_mut(at);
        let position = table.insert(hash, key, || None);
        *table.value_mut(position) = Some(state);
        (partition, at, position, hash)
    }

    /// Whether tables may leave memory.
    pub(crate) fn is_paged(&self) -> bool {
        self.read(0).is_paged()
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

    /// All tables as they are, by key group, each with its version.
    fn shared(&self) -> Vec<SharedGroup<K, S>> {
        let mut all = Vec::with_capacity(self.routing.groups as usize);
        for partition in 0..self.partitions() {
            all.extend(self.write(partition).shared());
        }
        all
    }

    fn show(&self, time: Option<BatchTime>) -> Shown<K, S> {
        let tables = self.shared().into_iter();
        Shown {
            time,
            routing: self.routing,
            tables: tables.map(|(_, _, table)| ShownTable::new(table)).collect(),
        }
    }

    /// Follows the batches, for questions from outside.
    pub(crate) fn pass(&self, boundary: Boundary) {
        self.gate.pass(boundary, |time| self.show(time));
    }

    /// What there is to answer from.
    fn look(&self) -> Option<Arc<Shown<K, S>>> {
        self.gate.look(|time| self.show(time))
    }

    /// Keeps everything as it is, for [`restore`](Self::restore).
    pub(crate) fn save(&self) {
        let partitions = 0..self.partitions();
        *lock(&self.saved) = partitions.map(|at| self.write(at).share()).collect();
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

        fn page(
            &mut self,
            codecs: &$crate::stream::checkpoint::Codecs,
            paging: &std::sync::Arc<$crate::stream::state::Paging>,
        ) -> Result<(), $crate::stream::checkpoint::Refusal> {
            self.store.page(codecs, paging)
        }

        fn mark(
            &self,
            codecs: &$crate::stream::checkpoint::Codecs,
        ) -> Result<$crate::stream::checkpoint::Mark, $crate::stream::checkpoint::Refusal> {
            self.store.mark(codecs)
        }

        fn recover(
            &mut self,
            codecs: &$crate::stream::checkpoint::Codecs,
            part: &$crate::stream::checkpoint::Part,
        ) -> Result<(), $crate::stream::checkpoint::Refusal> {
            self.store.recover(codecs, part)
        }

        fn boundary(&mut self, boundary: $crate::stream::state::Boundary) {
            self.store.pass(boundary);
        }

        fn state(&self) -> Option<$crate::stream::run::metrics::StateSize> {
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

        fn boundary(&mut self, boundary: $crate::stream::state::Boundary) {
            self.store.pass(boundary);
        }

        fn state(&self) -> Option<$crate::stream::run::metrics::StateSize> {
            Some(self.store.size())
        }
    };
}

pub(crate) use {keeps_store, keeps_store_and_panes};
