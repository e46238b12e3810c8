//! The table of one key group, wherever it is.

use std::mem;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Key;
use crate::stream::error::BoxError;
use crate::stream::state::size::StateSize;
use crate::stream::state::spill::{Room, SpilledTable, Spiller};
use crate::stream::state::table::OrderedTable;
use crate::stream::state::table::{Table, states};

/// Nothing is copied, and no count of holders looked at, as long as nobody has taken a snapshot.
pub(super) struct Group<K, S> {
    held: Held<K, S>,
    /// Changes with the first write after a snapshot: equal versions of a group are equal tables.
    version: u64,
    room: Room,
}

enum Held<K, S> {
    Owned(Table<K, S>),
    Kept(Kept<K, S>),
}

/// A table as snapshots share it.
pub(crate) enum Kept<K, S> {
    Here(Arc<Table<K, S>>),
    /// It has left memory.
    Away(Arc<SpilledTable<K, S>>),
}

impl<K, S> Clone for Kept<K, S> {
    fn clone(&self) -> Self {
        match self {
            Self::Here(table) => Self::Here(Arc::clone(table)),
            Self::Away(page) => Self::Away(Arc::clone(page)),
        }
    }
}

impl<K, S> Kept<K, S> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Here(table) => table.len(),
            Self::Away(page) => page.len(),
        }
    }

    /// The keys with their states, read into memory if they are not there.
    pub(crate) fn rows(&self) -> Result<Rows<'_, K, S>, BoxError> {
        match self {
            Self::Here(table) => Ok(Rows::Here(table)),
            Self::Away(page) => page.records().map(Rows::Read),
        }
    }
}

/// The keys of a table with their states, in the order of their coming.
pub(crate) enum Rows<'a, K, S> {
    Here(&'a Table<K, S>),
    /// They were not in memory.
    Read(Vec<(K, S)>),
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
            Self::Here(table) => both(Some(table), &[]),
            Self::Read(records) => both(None, records),
        }
    }
}

impl<K, S> Group<K, S> {
    pub(super) fn new(table: Table<K, S>) -> Self {
        Self::holding(Held::Owned(table), 0)
    }

    fn holding(held: Held<K, S>, version: u64) -> Self {
        Self {
            held,
            version,
            room: Room::default(),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The table, if it is in memory.
    #[inline]
    pub(super) fn table(&self) -> Option<&Table<K, S>> {
        match &self.held {
            Held::Owned(table) => Some(table),
            Held::Kept(Kept::Here(table)) => Some(table),
            Held::Kept(Kept::Away(_)) => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.held {
            Held::Owned(table) => table.len(),
            Held::Kept(kept) => kept.len(),
        }
    }

    /// The keys with their states, read into memory if they are not there.
    pub(super) fn rows(&self) -> Result<Rows<'_, K, S>, BoxError> {
        match &self.held {
            Held::Owned(table) => Ok(Rows::Here(table)),
            Held::Kept(kept) => kept.rows(),
        }
    }

    pub(super) fn add_to(&self, size: &mut StateSize) {
        match self.table() {
            Some(table) => table.add_to(size),
            None => size.add_keys(self.len()),
        }
    }

    pub(super) fn share(&mut self) -> Kept<K, S> {
        let held = mem::replace(&mut self.held, Held::Owned(OrderedTable::new()));
        let kept = match held {
            Held::Owned(table) => Kept::Here(Arc::new(table)),
            Held::Kept(kept) => kept,
        };
        self.held = Held::Kept(kept.clone());
        kept
    }

    /// Another holder of the same table.
    pub(super) fn another(&mut self) -> Self {
        Self::holding(Held::Kept(self.share()), self.version)
    }
}

impl<K: Key, S: Clone> Group<K, S> {
    /// The table, not shared with any snapshot. It is in memory, as every table is that was
    /// fetched or cannot spill.
    #[inline]
    pub(super) fn table_mut(&mut self) -> &mut Table<K, S> {
        if let Held::Kept(_) = self.held {
            self.own();
        }
        match &mut self.held {
            Held::Owned(table) => table,
            Held::Kept(_) => unreachable!("a spilled table is fetched before it is changed"),
        }
    }

    /// Reads the table back into memory, if it was spilled.
    pub(super) fn fetch(&mut self) -> Result<(), BoxError> {
        if let Held::Kept(Kept::Away(page)) = &self.held {
            self.held = Held::Owned(page.table()?);
            self.version += 1;
        }
        Ok(())
    }

    /// Takes the table back from the snapshots, or copies it if there still are any.
    #[cold]
    fn own(&mut self) {
        let held = mem::replace(&mut self.held, Held::Owned(OrderedTable::new()));
        match held {
            Held::Kept(Kept::Here(table)) => {
                self.held = Held::Owned(Arc::unwrap_or_clone(table));
                self.version += 1;
            }
            other => self.held = other,
        }
    }
}

impl<K, S> Group<K, S> {
    /// Lets the table leave memory, if there is no room for it.
    pub(super) fn settle(&mut self, pager: &Spiller<K, S>) -> Result<(), BoxError> {
        let table = match &self.held {
            Held::Owned(table) => table,
            Held::Kept(Kept::Here(table)) => table,
            Held::Kept(Kept::Away(_)) => return Ok(()),
        };
        if let Some(page) = pager.settle(table, &mut self.room)? {
            self.held = Held::Kept(Kept::Away(Arc::new(page)));
        }
        Ok(())
    }
}
