//! A hash table that keeps its entries in one dense vector, in order of insertion.
//!
//! The hash is the caller's, so that one hash serves routing and look-up. A visit of all entries
//! walks sequential memory, and its order depends on the history of insertions alone, never on
//! the hash.
//!
//! Why not `indexmap`: it takes a caller's hash only through its raw entries, and it lacks the two
//! probes that spare a look-up, [`guess`](OrderedTable::guess) and
//! [`find_near`](OrderedTable::find_near). Its positions take eight bytes, these four.

use std::borrow::Borrow;
use std::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

/// One key with its value and its hash.
#[derive(Clone, Debug)]
pub(crate) struct Entry<K, V> {
    hash: u64,
    pub(crate) key: K,
    pub(crate) value: V,
}

impl<K, V> Entry<K, V> {
    /// The hash that the key was inserted with.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// Insertion-ordered map from `K` to `V`; see the module's text.
#[derive(Clone, Debug)]
pub(crate) struct OrderedTable<K, V> {
    /// The entries in order of insertion; no key twice.
    entries: Vec<Entry<K, V>>,
    /// Positions in `entries`, found by hash; always as many as there are entries.
    index: HashTable<u32>,
}

impl<K, V> OrderedTable<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
        }
    }

    /// An empty table with room for this many entries.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: Vec::with_capacity(capacity),
            index: HashTable::with_capacity(capacity),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn add_to(&self, size: &mut crate::stream::state::size::StateSize) {
        let index = self.index.allocation_size();
        size.add_table::<Entry<K, V>>(self.len(), self.entries.capacity(), index);
    }

    pub(crate) fn entries(&self) -> &[Entry<K, V>] {
        &self.entries
    }

    /// The value at a position that [`find`](Self::find) or [`insert`](Self::insert) gave.
    #[inline]
    pub(crate) fn value_mut(&mut self, position: usize) -> &mut V {
        &mut self.entries[position].value
    }

    pub(crate) fn into_entries(self) -> Vec<Entry<K, V>> {
        self.entries
    }

    pub(crate) fn into_records(self) -> Vec<(K, V)> {
        let entries = self.entries.into_iter();
        entries.map(|entry| (entry.key, entry.value)).collect()
    }

    /// Takes all entries out, in order: the hash, the key and the value of each.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u64, K, V)> {
        self.index.clear();
        let entries = self.entries.drain(..);
        entries.map(|entry| (entry.hash, entry.key, entry.value))
    }

    /// The position of `key`, if it is there.
    #[inline]
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entries = &self.entries;
        self.index
            .find(hash, |&position| {
                let entry = &entries[position as usize];
                entry.hash == hash && entry.key.borrow() == key
            })
            .map(|&position| position as usize)
    }

    /// A position whose entry may have this hash, guessed from the index alone; `None` only if no
    /// entry has it.
    #[inline]
    pub(crate) fn guess(&self, hash: u64) -> Option<usize> {
        let guess = self.index.find(hash, |_| true);
        guess.map(|&position| position as usize)
    }

    /// The position of `key`, if it is there; found at once if it is at the `likely` one, which need
    /// not exist.
    #[inline]
    pub(crate) fn find_near(&self, likely: usize, hash: u64, key: &K) -> Option<usize>
    where
        K: Eq,
    {
        let is_it = |entry: &Entry<K, V>| entry.hash == hash && entry.key == *key;
        match self.entries.get(likely).is_some_and(is_it) {
            true => Some(likely),
            false => self.find(hash, key),
        }
    }

    /// The position of an entry of this hash that `is_it` accepts.
    pub(crate) fn find_hash(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let found = self.index.find(hash, |&position| {
            let position = position as usize;
            self.entries[position].hash == hash && is_it(position)
        });
        found.map(|&position| position as usize)
    }

    /// Appends a key that is not there yet and returns its position.
    ///
    /// # Panics
    ///
    /// If there are 2^32 entries already.
    pub(crate) fn push_new(&mut self, hash: u64, key: K, value: V) -> usize {
        let position = self.entries.len();
        let stored = u32::try_from(position).expect("a table holds at most 2^32 entries");
        self.entries.push(Entry { hash, key, value });
        let entries = &self.entries;
        self.index
            .insert_unique(hash, stored, |&at| entries[at as usize].hash);
        position
    }

    /// The position of `key`, appended with `make()` if it was not there.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, key: K, make: impl FnOnce() -> V) -> usize
    where
        K: Eq,
    {
        let entries = &self.entries;
        let found = self.index.entry(
            hash,
            |&at| entries[at as usize].hash == hash && entries[at as usize].key == key,
            |&at| entries[at as usize].hash,
        );
        match found {
            Slot::Occupied(slot) => *slot.get() as usize,
            Slot::Vacant(slot) => {
                let position = entries.len();
                slot.insert(u32::try_from(position).expect("a table holds at most 2^32 entries"));
                self.entries.push(Entry {
                    hash,
                    key,
                    value: make(),
                });
                position
            }
        }
    }

    /// Removes the entry at a position; the last entry takes its place.
    pub(crate) fn swap_remove(&mut self, position: usize) {
        let last = self.entries.len() - 1;
        self.forget(position);
        if position != last {
            let hash = self.entries[last].hash;
            if let Some(at) = self.index.find_mut(hash, |&at| at as usize == last) {
                *at = position as u32;
            }
        }
        self.entries.swap_remove(position);
    }

    /// Takes a position out of the index.
    fn forget(&mut self, position: usize) {
        let hash = self.entries[position].hash;
        if let Ok(slot) = self.index.find_entry(hash, |&at| at as usize == position) {
            slot.remove();
        }
    }

    /// Keeps the entries for which `keep` says so, in their order. Linear; the index is rebuilt
    /// only if anything left.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let before = self.entries.len();
        self.entries
            .retain_mut(|entry| keep(&entry.key, &mut entry.value));
        if self.entries.len() != before {
            self.rebuild_index();
        }
    }

    fn rebuild_index(&mut self) {
        self.index.clear();
        let entries = &self.entries;
        for (position, entry) in entries.iter().enumerate() {
            self.index
                .insert_unique(entry.hash, position as u32, |&at| entries[at as usize].hash);
        }
    }

    /// Panics unless every entry is found by its hash at its own position.
    #[cfg(test)]
    pub(crate) fn validate(&self)
    where
        K: Eq,
    {
        assert_eq!(self.index.len(), self.entries.len());
        for (position, entry) in self.entries.iter().enumerate() {
            assert_eq!(self.find(entry.hash, &entry.key), Some(position));
        }
    }
}

/// Keys with their states. A value is `None` only while its operator holds it.
pub(crate) type Table<K, S> = OrderedTable<K, Option<S>>;

/// The keys of a table with their states, in the order of insertion.
pub(crate) fn states<K, S>(table: &Table<K, S>) -> impl Iterator<Item = (&K, &S)> {
    let entries = table.entries().iter();
    entries.filter_map(|entry| Some((&entry.key, entry.value.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::route;

    #[test]
    fn agrees_with_a_map_under_inserts_and_retains_and_keeps_the_order() {
        let mut table = OrderedTable::new();
        let mut twin: Vec<(u32, u32)> = Vec::new();
        for step in 0..2_000u32 {
            let key = step.wrapping_mul(2_654_435_761) % 97;
            let position = table.insert(route(&key), key, || 0);
            *table.value_mut(position) += step;
            match twin.iter_mut().find(|(k, _)| *k == key) {
                Some((_, v)) => *v += step,
                None => twin.push((key, step)),
            }
            if step % 101 == 0 {
                table.retain(|k, v| (k + *v) % 3 != 0);
                twin.retain(|(k, v)| (k + v) % 3 != 0);
                table.validate();
            }
        }
        let found: Vec<_> = table.entries().iter().map(|e| (e.key, e.value)).collect();
        assert_eq!(found, twin);
        assert_eq!(table.find(route(&1_000_000u32), &1_000_000), None);
    }

    #[test]
    fn swap_remove_moves_the_last_entry_and_no_other() {
        let mut table = OrderedTable::new();
        let mut twin = Vec::new();
        for key in 0..50u32 {
            // Two hashes only, so that chains are long.
            table.push_new(u64::from(key % 2), key, key);
            twin.push(key);
        }
        for step in 0..50 {
            let position = step * 7 % twin.len();
            table.swap_remove(position);
            twin.swap_remove(position);
            table.validate();
            assert!(
                table
                    .entries()
                    .iter()
                    .map(|e| e.key)
                    .eq(twin.iter().copied())
            );
        }
    }

    #[test]
    fn equal_hashes_do_not_make_keys_equal() {
        let mut table = OrderedTable::new();
        for key in 0..100u8 {
            table.push_new(7, key, ());
        }
        table.validate();
    }
}
