//! The table of one key group, in memory or spilled.

use std::mem;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Key;
use crate::stream::error::BoxError;
use crate::stream::state::copy_on_write::CopyOnWrite;
use crate::stream::state::expiry::Expiry;
use crate::stream::state::size::StateSize;
use crate::stream::state::spill::{Room, SpilledTable, Spiller};
use crate::stream::state::table::OrderedTable;
use crate::stream::state::table::{Table, states};
use crate::stream::time::BatchTime;

/// While nobody has taken a snapshot, nothing is copied and no reference count is read.
pub(super) struct Group<K, S> {
    held: Held<K, S>,
    /// Changes with the first write after a snapshot: equal versions of a group are equal tables.
    version: u64,
    room: Room,
    /// When its keys were touched; `None` if they do not expire. It stays in memory.
    expiry: Option<CopyOnWrite<Expiry>>,
}

enum Held<K, S> {
    Owned(Table<K, S>),
    Shared(SharedTable<K, S>),
}

/// A table that snapshots share.
pub(crate) enum SharedTable<K, S> {
    InMemory(Arc<Table<K, S>>),
    /// It has spilled.
    Spilled(Arc<SpilledTable<K, S>>),
}

impl<K, S> Clone for SharedTable<K, S> {
    fn clone(&self) -> Self {
        match self {
            Self::InMemory(table) => Self::InMemory(Arc::clone(table)),
            Self::Spilled(page) => Self::Spilled(Arc::clone(page)),
        }
    }
}

impl<K, S> SharedTable<K, S> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::InMemory(table) => table.len(),
            Self::Spilled(page) => page.len(),
        }
    }

    /// The keys with their states, read into memory if they are not there.
    pub(crate) fn rows(&self) -> Result<Rows<'_, K, S>, BoxError> {
        match self {
            Self::InMemory(table) => Ok(Rows::InMemory(table)),
            Self::Spilled(page) => page.records().map(Rows::Loaded),
        }
    }
}

/// The keys of a table with their states, in the order of insertion.
pub(crate) enum Rows<'a, K, S> {
    InMemory(&'a Table<K, S>),
    /// They were read from a spilled table.
    Loaded(Vec<(K, S)>),
}

/// The rows of a table, or those of a list.
pub(crate) fn both<'a, K, S>(
    table: Option<&'a Table<K, S>>,
    read: &'a [(K, S)],
) -> impl Iterator<Item = (&'a K, &'a S)> {
    let read = read.iter().map(|(key, state)| (key, state));
    table.into_iter().flat_map(states).chain(read)
}

impl<K, S> Rows<'_, K, S> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        match self {
            Self::InMemory(table) => both(Some(table), &[]),
            Self::Loaded(records) => both(None, records),
        }
    }
}

impl<K, S> Group<K, S> {
    pub(super) fn new(table: Table<K, S>) -> Self {
        Self {
            held: Held::Owned(table),
            version: 0,
            room: Room::default(),
            expiry: None,
        }
    }

    /// The same table, whose keys expire.
    pub(super) fn expiring(self, expiry: Expiry) -> Self {
        let expiry = Some(CopyOnWrite::Owned(expiry));
        Self { expiry, ..self }
    }

    /// Takes the table out; an empty one takes its place.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self {
            version: self.version + 1,
            ..Self::new(OrderedTable::new())
        };
        mem::replace(self, empty)
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The table, if it is in memory.
    #[inline]
    pub(super) fn table(&self) -> Option<&Table<K, S>> {
        self.held.table()
    }

    pub(super) fn len(&self) -> usize {
        match &self.held {
            Held::Owned(table) => table.len(),
            Held::Shared(kept) => kept.len(),
        }
    }

    /// The keys with their states, read into memory if they are not there.
    pub(super) fn rows(&self) -> Result<Rows<'_, K, S>, BoxError> {
        match &self.held {
            Held::Owned(table) => Ok(Rows::InMemory(table)),
            Held::Shared(kept) => kept.rows(),
        }
    }

    pub(super) fn add_to(&self, size: &mut StateSize) {
        match self.table() {
            Some(table) => table.add_to(size),
            None => size.add_keys(self.len()),
        }
    }

    pub(super) fn snapshot(&mut self) -> SharedTable<K, S> {
        let held = mem::replace(&mut self.held, Held::Owned(OrderedTable::new()));
        let kept = match held {
            Held::Owned(table) => SharedTable::InMemory(Arc::new(table)),
            Held::Shared(kept) => kept,
        };
        self.held = Held::Shared(kept.clone());
        kept
    }

    /// Another holder of the same table and of the touches of its keys.
    pub(super) fn another(&mut self) -> Self {
        Self {
            held: Held::Shared(self.snapshot()),
            version: self.version,
            room: Room::default(),
            expiry: self
                .expiry
                .as_mut()
                .map(|it| CopyOnWrite::Shared(it.share())),
        }
    }

    /// When the keys were touched.
    pub(super) fn share_expiry(&mut self) -> Arc<Expiry> {
        self.expiry.get_or_insert_default().share()
    }

    /// Whether a key may be due that was last touched before `threshold`.
    pub(super) fn may_be_due(&self, threshold: BatchTime) -> bool {
        let expiry = self.expiry.as_ref();
        expiry.is_some_and(|expiry| expiry.lists_any_before(threshold))
    }

    /// Records that the entry at a position is touched now. Times never decrease.
    #[inline]
    pub(super) fn touch(&mut self, position: usize, hash: u64, now: BatchTime) {
        let expiry = self.expiry.get_or_insert_default();
        expiry.to_mut().touch(position, hash, now);
    }

    /// The position of a key last touched before `threshold`, if there is one. The table is in
    /// memory.
    pub(super) fn next_due(&mut self, threshold: BatchTime) -> Option<usize> {
        if !self.may_be_due(threshold) {
            return None;
        }
        let (expiry, table) = (self.expiry.as_mut()?, self.held.table()?);
        expiry.to_mut().next_due(threshold, table)
    }
}

impl<K, S> Held<K, S> {
    #[inline]
    fn table(&self) -> Option<&Table<K, S>> {
        match self {
            Self::Owned(table) => Some(table),
            Self::Shared(SharedTable::InMemory(table)) => Some(table),
            Self::Shared(SharedTable::Spilled(_)) => None,
        }
    }
}

impl<K: Key, S: Clone> Group<K, S> {
    /// The table, not shared with any snapshot. It is in memory, as every table is that was
    /// fetched or cannot spill.
    #[inline]
    pub(super) fn table_mut(&mut self) -> &mut Table<K, S> {
        if let Held::Shared(_) = self.held {
            self.own();
        }
        match &mut self.held {
            Held::Owned(table) => table,
            Held::Shared(_) => unreachable!("a spilled table is fetched before it is changed"),
        }
    }

    /// Removes an entry; the last entry takes its place.
    pub(super) fn remove(&mut self, position: usize) {
        self.table_mut().swap_remove(position);
        if let Some(expiry) = &mut self.expiry {
            expiry.to_mut().swap_remove(position);
        }
    }

    /// Reads the table back into memory, if it was spilled.
    pub(super) fn fetch(&mut self) -> Result<(), BoxError> {
        if let Held::Shared(SharedTable::Spilled(page)) = &self.held {
            self.held = Held::Owned(page.table()?);
            self.version += 1;
        }
        Ok(())
    }

    /// The table, read into memory if it was spilled, and copied if a snapshot shares it.
    pub(super) fn into_table(self) -> Result<Table<K, S>, BoxError> {
        match self.held {
            Held::Owned(table) => Ok(table),
            Held::Shared(SharedTable::InMemory(table)) => Ok(Arc::unwrap_or_clone(table)),
            Held::Shared(SharedTable::Spilled(page)) => page.table(),
        }
    }

    /// Takes the table back from the snapshots, or copies it if there still are any.
    #[cold]
    fn own(&mut self) {
        let held = mem::replace(&mut self.held, Held::Owned(OrderedTable::new()));
        match held {
            Held::Shared(SharedTable::InMemory(table)) => {
                self.held = Held::Owned(Arc::unwrap_or_clone(table));
                self.version += 1;
            }
            other => self.held = other,
        }
    }
}

impl<K, S> Group<K, S> {
    /// Spills the table if there is no room for it.
    pub(super) fn spill_if_full(&mut self, spiller: &Spiller<K, S>) -> Result<(), BoxError> {
        let table = match &self.held {
            Held::Owned(table) => table,
            Held::Shared(SharedTable::InMemory(table)) => table,
            Held::Shared(SharedTable::Spilled(_)) => return Ok(()),
        };
        if let Some(page) = spiller.spill_if_full(table, &mut self.room)? {
            self.held = Held::Shared(SharedTable::Spilled(Arc::new(page)));
        }
        Ok(())
    }
}
