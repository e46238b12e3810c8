//! The tables of one operator, by partition.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::vec::Vec;

use crate::hash::route;
use crate::stream::data::Key;
use crate::stream::error::BoxError;
use crate::stream::exchange::Routing;
use crate::stream::state::phase::BatchPhase;
use crate::stream::state::published::Published;
use crate::stream::state::size::StateSize;
use crate::stream::state::tables::{GroupTables, SharedGroup};
use crate::stream::state::view::{StoreView, TableView};
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// The state of one operator, by partition.
pub(crate) struct StateStore<K, S> {
    pub(super) routing: Routing,
    partitions: Vec<RwLock<GroupTables<K, S>>>,
    /// The tables as they were last saved, for a rollback.
    saved: Mutex<Vec<GroupTables<K, S>>>,
    /// For queries.
    published: Published<K, S>,
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
            published: Published::new(),
        }
    }

    pub(crate) fn size(&self) -> StateSize {
        let mut size = StateSize::default();
        for partition in 0..self.partitions() {
            self.read(partition).add_to(&mut size);
        }
        size
    }

    /// Sets the state of a key; [`settle`](Self::settle) follows the last one. Returns where it is: the partition, the table, the position, and
    /// the hash of the key.
    pub(crate) fn set(&self, key: K, state: S) -> Result<(usize, usize, usize, u64), BoxError>
    where
        K: Key,
        S: Clone,
    {
        let hash = route(&key);
        let partition = self.routing.partition(hash);
        let mut tables = self.write(partition);
        let at = tables.table_of(hash);
        let table = tables.fetch(at)?;
        let position = table.insert(hash, key, || None);
        *table.value_mut(position) = Some(state);
        Ok((partition, at, position, hash))
    }

    /// Whether tables can spill.
    pub(crate) fn can_spill(&self) -> bool {
        self.read(0).can_spill()
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
    fn group_snapshots(&self) -> Vec<SharedGroup<K, S>> {
        let mut all = Vec::with_capacity(self.routing.groups as usize);
        for partition in 0..self.partitions() {
            all.extend(self.write(partition).group_snapshots());
        }
        all
    }

    fn show(&self, time: Option<BatchTime>) -> StoreView<K, S> {
        let tables = self.group_snapshots().into_iter();
        StoreView {
            time,
            routing: self.routing,
            tables: tables.map(|(_, _, table)| TableView::new(table)).collect(),
        }
    }

    /// Follows the batches, for queries.
    pub(crate) fn enter_phase(&self, phase: BatchPhase) {
        self.published.enter_phase(phase, |time| self.show(time));
    }

    /// The snapshot to answer from.
    pub(super) fn look(&self) -> Option<Arc<StoreView<K, S>>> {
        self.published.look(|time| self.show(time))
    }

    /// Keeps everything as it is, for [`roll_back`](Self::roll_back).
    pub(crate) fn save(&self) {
        let partitions = 0..self.partitions();
        *lock(&self.saved) = partitions.map(|at| self.write(at).snapshot()).collect();
    }

    /// Goes back to the tables last saved. Copies do not count towards the limit of memory, so these
    /// are settled once those of the failed batch are gone.
    pub(crate) fn roll_back(&self) {
        for (partition, saved) in lock(&self.saved).drain(..).enumerate() {
            *self.write(partition) = saved;
        }
        for partition in 0..self.partitions() {
            self.write(partition).settle_or_note();
        }
    }

    /// Counts all tables in memory towards the limit, and spills those for which there is no room.
    pub(crate) fn settle(&self) -> Result<(), BoxError> {
        (0..self.partitions()).try_for_each(|partition| self.write(partition).settle())
    }
}
