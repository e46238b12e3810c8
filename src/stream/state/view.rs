//! The tables of a store as queries see them.

use std::borrow::Borrow;
use std::hash::Hash;
use std::vec::Vec;

use crate::stream::exchange::Routing;
use crate::stream::state::group::{Rows, SharedTable, both};
use crate::stream::time::BatchTime;

/// All tables of a store at a boundary, by key group.
pub(crate) struct StoreView<K, S> {
    pub(crate) time: Option<BatchTime>,
    pub(crate) routing: Routing,
    pub(crate) tables: Vec<TableView<K, S>>,
}

/// A table, and its rows if it was spilled and has been read.
pub(crate) struct TableView<K, S> {
    pub(super) kept: SharedTable<K, S>,
    read: std::sync::OnceLock<Vec<(K, S)>>,
}

impl<K, S> TableView<K, S> {
    pub(crate) fn new(kept: SharedTable<K, S>) -> Self {
        Self {
            kept,
            read: std::sync::OnceLock::new(),
        }
    }

    /// The keys with their states, not kept if they were spilled; `None` if they cannot be read.
    pub(super) fn rows(&self) -> Option<Rows<'_, K, S>> {
        match &self.kept {
            SharedTable::InMemory(table) => Some(Rows::InMemory(table)),
            SharedTable::Spilled(page) => page.asked().map(Rows::Loaded),
        }
    }

    /// The keys with their states, for as long as the snapshot lives.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        match &self.kept {
            SharedTable::InMemory(table) => both(Some(&**table), &[]),
            SharedTable::Spilled(page) => {
                let read = || page.asked().unwrap_or_default();
                both(None, self.read.get_or_init(read))
            }
        }
    }
}

impl<K: Hash + Eq, S> TableView<K, S> {
    pub(super) fn get<Q>(&self, hash: u64, key: &Q) -> Option<&S>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        match &self.kept {
            SharedTable::InMemory(table) => {
                let position = table.find(hash, key)?;
                table.entries()[position].value.as_ref()
            }
            SharedTable::Spilled(_) => {
                let found = self.iter().find(|(k, _)| (*k).borrow() == key);
                found.map(|(_, state)| state)
            }
        }
    }

    /// Like [`get`](Self::get), but a spilled table is not kept.
    pub(super) fn get_cloned<Q>(&self, hash: u64, key: &Q) -> Option<S>
    where
        K: Borrow<Q>,
        S: Clone,
        Q: Eq + ?Sized,
    {
        match &self.kept {
            SharedTable::InMemory(_) => self.get(hash, key).cloned(),
            SharedTable::Spilled(page) => {
                let records = page.asked()?.into_iter();
                let mut found = records.filter(|(k, _)| k.borrow() == key);
                found.next().map(|(_, state)| state)
            }
        }
    }
}

impl<K, S> StoreView<K, S> {
    pub(super) fn table_of(&self, hash: u64) -> &TableView<K, S> {
        &self.tables[self.routing.group(hash) as usize]
    }
}
