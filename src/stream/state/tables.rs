//! The tables of one partition. A snapshot shares them; a write to a shared table copies it.

use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Key;
use crate::stream::error::BoxError;
use crate::stream::exchange::Routing;
use crate::stream::state::expiry::Expiry;
use crate::stream::state::group::{Group, SharedTable};
use crate::stream::state::size::StateSize;
use crate::stream::state::spill::Spiller;
use crate::stream::state::table::{OrderedTable, Table};
use crate::stream::time::BatchTime;

/// A key group, the version of its table, and the table.
pub(crate) type SharedGroup<K, S> = (u32, u64, SharedTable<K, S>);

/// The tables of the key groups that one partition owns.
pub(crate) struct GroupTables<K, S> {
    routing: Routing,
    /// The first key group.
    first: u32,
    groups: Vec<Group<K, S>>,
    /// Present if tables can spill.
    spiller: Option<Spiller<K, S>>,
}

impl<K, S> GroupTables<K, S> {
    pub(crate) fn new(routing: Routing, partition: usize) -> Self {
        let range = routing.range(partition);
        Self {
            routing,
            first: range.start,
            groups: range.map(|_| Group::new(OrderedTable::new())).collect(),
            spiller: None,
        }
    }

    /// The same partition without any key.
    pub(crate) fn emptied(&self) -> Self {
        let groups = self.groups.iter();
        Self {
            routing: self.routing,
            first: self.first,
            groups: groups.map(|_| Group::new(OrderedTable::new())).collect(),
            spiller: self.spiller.clone(),
        }
    }

    /// Takes all tables out; empty ones take their places.
    pub(crate) fn take_groups(&mut self) -> Self {
        Self {
            routing: self.routing,
            first: self.first,
            groups: self.groups.iter_mut().map(Group::take).collect(),
            spiller: self.spiller.clone(),
        }
    }

    /// Lets tables spill from now on.
    pub(crate) fn set_spiller(&mut self, spiller: Spiller<K, S>) {
        self.spiller = Some(spiller);
    }

    /// The change of a table is done: if tables can spill and there is no room for it, it spills.
    #[inline]
    pub(crate) fn spill_if_full(&mut self, at: usize) -> Result<(), BoxError> {
        match &self.spiller {
            Some(spiller) => {
                spiller.check()?;
                self.groups[at].spill_if_full(spiller)
            }
            None => Ok(()),
        }
    }

    /// Counts all tables in memory towards the limit, and spills those for which there is no room.
    pub(crate) fn settle(&mut self) -> Result<(), BoxError> {
        (0..self.groups.len()).try_for_each(|at| self.spill_if_full(at))
    }

    /// Like [`settle`](Self::settle) where an error cannot be reported: the next batch reports it.
    pub(crate) fn settle_or_note(&mut self) {
        if let Some(spiller) = &self.spiller {
            for group in &mut self.groups {
                spiller.note(group.spill_if_full(spiller));
            }
        }
    }

    /// The tables in memory: all of them, if none can spill.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table<K, S>> {
        self.groups.iter().filter_map(Group::table)
    }

    /// A table that was not spilled, or was [fetched](Self::fetch).
    #[inline]
    pub(crate) fn table(&self, at: usize) -> &Table<K, S> {
        self.groups[at].table().expect("the table is in memory")
    }

    /// How many tables there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many keys a table has.
    pub(crate) fn keys_of(&self, at: usize) -> usize {
        self.groups[at].len()
    }

    /// Whether tables can spill.
    pub(crate) fn can_spill(&self) -> bool {
        self.spiller.is_some()
    }

    pub(crate) fn add_to(&self, size: &mut StateSize) {
        self.groups.iter().for_each(|group| group.add_to(size));
    }

    /// Which of the tables holds keys of this hash.
    #[inline]
    pub(crate) fn table_of(&self, hash: u64) -> usize {
        (self.routing.group(hash) - self.first) as usize
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }

    /// Calls `f` for all keys with their states, by key group, then in the order of insertion. A
    /// spilled table is in memory only while its keys are visited.
    #[inline]
    pub(crate) fn for_each(&self, mut f: impl FnMut(&K, &S)) -> Result<(), BoxError> {
        for group in &self.groups {
            let rows = group.rows()?;
            rows.iter().for_each(|(key, state)| f(key, state));
        }
        Ok(())
    }

    /// A snapshot of the tables: they are shared until one of the two is written to.
    pub(crate) fn snapshot(&mut self) -> Self {
        Self {
            routing: self.routing,
            first: self.first,
            groups: self.groups.iter_mut().map(Group::another).collect(),
            spiller: self.spiller.clone(),
        }
    }

    /// The tables as they are, each with its key group and its version.
    pub(crate) fn group_snapshots(&mut self) -> impl Iterator<Item = SharedGroup<K, S>> {
        let groups = self.groups.iter_mut().zip(self.first..);
        groups.map(|(group, number)| (number, group.version(), group.snapshot()))
    }

    /// When the keys of a table were touched.
    pub(super) fn share_expiry(&mut self, at: usize) -> Arc<Expiry> {
        self.groups[at].share_expiry()
    }

    /// Sets the table of a key group, which must be one of this partition, and when its keys were
    /// touched, if they expire.
    pub(super) fn put(&mut self, group: u32, table: Table<K, S>, expiry: Option<Expiry>) -> usize {
        let at = (group - self.first) as usize;
        let group = Group::new(table);
        self.groups[at] = match expiry {
            Some(expiry) => group.expiring(expiry),
            None => group,
        };
        at
    }

    /// Records that an entry of a table is touched now. Times never decrease.
    #[inline]
    pub(crate) fn touch(&mut self, at: usize, position: usize, hash: u64, now: BatchTime) {
        self.groups[at].touch(position, hash, now);
    }

    /// Whether a table may have a key that was last touched before `threshold`.
    pub(crate) fn may_be_due(&self, at: usize, threshold: BatchTime) -> bool {
        self.groups[at].may_be_due(threshold)
    }

    /// The position of a key of a table in memory that was last touched before `threshold`, if there
    /// is one.
    pub(crate) fn next_due(&mut self, at: usize, threshold: BatchTime) -> Option<usize> {
        self.groups[at].next_due(threshold)
    }
}

impl<K: Key, S: Clone> GroupTables<K, S> {
    /// A table to be changed, read back into memory if it was spilled. [`spill_if_full`](Self::spill_if_full)
    /// follows.
    pub(crate) fn fetch(&mut self, at: usize) -> Result<&mut Table<K, S>, BoxError> {
        self.groups[at].fetch()?;
        Ok(self.table_mut(at))
    }

    /// The tables, one after the other in memory.
    pub(crate) fn into_tables(self) -> impl Iterator<Item = Result<Table<K, S>, BoxError>> {
        self.groups.into_iter().map(Group::into_table)
    }

    /// A table to be changed that is in memory: it was [fetched](Self::fetch), or its store does
    /// not spill.
    #[inline]
    pub(crate) fn table_mut(&mut self, at: usize) -> &mut Table<K, S> {
        self.groups[at].table_mut()
    }

    /// Removes an entry of a table that is in memory; the last entry takes its place.
    pub(crate) fn remove(&mut self, at: usize, position: usize) {
        self.groups[at].remove(position);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    std::thread_local! {
        static COPIES: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Debug, PartialEq)]
    struct Counted(u32);

    impl Clone for Counted {
        fn clone(&self) -> Self {
            COPIES.set(COPIES.get() + 1);
            Self(self.0)
        }
    }

    fn tables() -> GroupTables<u32, Counted> {
        let routing = Routing {
            groups: 4,
            partitions: 1,
        };
        let mut tables = GroupTables::new(routing, 0);
        for at in 0..4 {
            tables
                .table_mut(at)
                .push_new(7, at as u32, Some(Counted(0)));
        }
        tables
    }

    fn set(tables: &mut GroupTables<u32, Counted>, at: usize, to: u32) {
        *tables.table_mut(at).value_mut(0) = Some(Counted(to));
    }

    #[test]
    fn only_what_is_written_to_while_a_snapshot_lives_is_copied_and_only_once() {
        let mut tables = tables();
        set(&mut tables, 0, 1);
        assert_eq!(COPIES.get(), 0);
        let before: Vec<_> = tables.group_snapshots().collect();
        set(&mut tables, 1, 2);
        set(&mut tables, 1, 3);
        assert_eq!(COPIES.get(), 1);
        {
            let rows = before[1].2.rows().unwrap();
            assert_eq!(rows.iter().next(), Some((&1, &Counted(0))));
        }
        assert_eq!(tables.table(1).entries()[0].value, Some(Counted(3)));
        drop(before);
        set(&mut tables, 2, 4);
        assert_eq!(COPIES.get(), 1);
    }

    #[test]
    fn a_touch_or_a_key_that_expires_copies_the_index_of_its_table_alone() {
        let mut tables = tables();
        let at = BatchTime::from_millis;
        (0..4).for_each(|table| tables.touch(table, 0, 7, at(1)));
        let mut saved = tables.snapshot();
        tables.touch(1, 0, 7, at(2));
        // Nothing is due before 1, and at 2 only what was not touched again.
        assert!((0..4).all(|table| tables.next_due(table, at(1)).is_none()));
        assert_eq!(tables.next_due(1, at(2)), None);
        assert_eq!(tables.next_due(2, at(2)), Some(0));
        tables.remove(2, 0);
        let mut is_shared =
            |table| Arc::ptr_eq(&saved.share_expiry(table), &tables.share_expiry(table));
        assert_eq!([0, 1, 2, 3].map(&mut is_shared), [true, false, false, true]);
        assert_eq!(
            [0, 1, 2, 3].map(|table| saved.next_due(table, at(2))),
            [Some(0); 4]
        );
    }

    #[test]
    fn the_version_of_a_group_says_whether_it_was_written_to() {
        let mut tables = tables();
        let versions = |tables: &mut GroupTables<_, _>| {
            let shared = tables.group_snapshots().map(|(_, version, _)| version);
            shared.collect::<Vec<_>>()
        };
        let before = versions(&mut tables);
        assert_eq!(versions(&mut tables), before);
        let saved = tables.snapshot();
        set(&mut tables, 3, 1);
        let after = versions(&mut tables);
        assert_eq!(after[..3], before[..3]);
        assert_ne!(after[3], before[3]);
        tables = saved;
        assert_eq!(versions(&mut tables), before);
        assert_eq!(tables.table(3).entries()[0].value, Some(Counted(0)));
    }
}
