//! The tables of one partition. A snapshot shares them; whoever writes to a shared one gets a copy.

use std::mem;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::exchange::Routing;
use crate::table::OrderedTable;

/// Keys with their states. A value is `None` only while its operator has it in hand.
pub(crate) type Table<K, S> = OrderedTable<K, Option<S>>;

/// The table of one key group. Nothing is copied, and no count of holders looked at, as long as
/// nobody has taken a snapshot.
struct Group<K, S> {
    held: Held<K, S>,
    /// Changes with the first write after a snapshot: equal versions of a group are equal tables.
    version: u64,
}

enum Held<K, S> {
    Owned(Table<K, S>),
    Shared(Arc<Table<K, S>>),
}

impl<K, S> Group<K, S> {
    fn new(table: Table<K, S>) -> Self {
        Self {
            held: Held::Owned(table),
            version: 0,
        }
    }

    fn table(&self) -> &Table<K, S> {
        match &self.held {
            Held::Owned(table) => table,
            Held::Shared(table) => table,
        }
    }

    fn share(&mut self) -> Arc<Table<K, S>> {
        let held = mem::replace(&mut self.held, Held::Owned(OrderedTable::new()));
        let table = match held {
            Held::Owned(table) => Arc::new(table),
            Held::Shared(table) => table,
        };
        self.held = Held::Shared(Arc::clone(&table));
        table
    }
}

impl<K: Clone, S: Clone> Group<K, S> {
    #[inline]
    fn table_mut(&mut self) -> &mut Table<K, S> {
        if let Held::Shared(_) = self.held {
            self.own();
        }
        match &mut self.held {
            Held::Owned(table) => table,
            Held::Shared(table) => Arc::make_mut(table),
        }
    }

    /// Takes the table back from the snapshots, or a copy if there still are any.
    #[cold]
    fn own(&mut self) {
        let held = mem::replace(&mut self.held, Held::Owned(OrderedTable::new()));
        if let Held::Shared(table) = held {
            self.held = Held::Owned(Arc::unwrap_or_clone(table));
            self.version += 1;
        }
    }
}

/// A key group, the version of its table, and the table.
pub(crate) type SharedGroup<K, S> = (u32, u64, Arc<Table<K, S>>);

/// The tables of the key groups that one partition owns.
pub(crate) struct GroupTables<K, S> {
    routing: Routing,
    /// The first key group.
    first: u32,
    groups: Vec<Group<K, S>>,
}

impl<K, S> GroupTables<K, S> {
    pub(crate) fn new(routing: Routing, partition: usize) -> Self {
        let range = routing.range(partition);
        Self {
            routing,
            first: range.start,
            groups: range.map(|_| Group::new(OrderedTable::new())).collect(),
        }
    }

    pub(crate) fn tables(&self) -> impl ExactSizeIterator<Item = &Table<K, S>> {
        self.groups.iter().map(Group::table)
    }

    pub(crate) fn table(&self, at: usize) -> &Table<K, S> {
        self.groups[at].table()
    }

    /// Which of the tables holds keys of this hash.
    #[inline]
    pub(crate) fn table_of(&self, hash: u64) -> usize {
        (self.routing.group(hash) - self.first) as usize
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.tables().map(OrderedTable::len).sum()
    }

    /// All keys with their states, by key group, then in the order of their coming.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        self.tables().flat_map(states)
    }

    /// The same tables again: until one of the two is written to there is one copy of each.
    pub(crate) fn share(&mut self) -> Self {
        let share = |group: &mut Group<K, S>| Group {
            held: Held::Shared(group.share()),
            version: group.version,
        };
        Self {
            routing: self.routing,
            first: self.first,
            groups: self.groups.iter_mut().map(share).collect(),
        }
    }

    /// The tables as they are, each with its key group and its version.
    pub(crate) fn shared(&mut self) -> impl Iterator<Item = SharedGroup<K, S>> {
        let groups = self.groups.iter_mut().zip(self.first..);
        groups.map(|(group, number)| (number, group.version, group.share()))
    }

    /// Puts a table where that of a key group is; the group is one of this partition's.
    #[cfg(feature = "checkpoint")]
    pub(crate) fn put(&mut self, group: u32, table: Table<K, S>) -> usize {
        let at = (group - self.first) as usize;
        self.groups[at] = Group::new(table);
        at
    }
}

impl<K: Clone, S: Clone> GroupTables<K, S> {
    #[inline]
    pub(crate) fn table_mut(&mut self, at: usize) -> &mut Table<K, S> {
        self.groups[at].table_mut()
    }

    pub(crate) fn tables_mut(&mut self) -> impl Iterator<Item = &mut Table<K, S>> {
        self.groups.iter_mut().map(Group::table_mut)
    }
}

/// The keys of a table with their states, in the order of their coming.
pub(crate) fn states<K, S>(table: &Table<K, S>) -> impl Iterator<Item = (&K, &S)> {
    let entries = table.entries().iter();
    entries.filter_map(|entry| Some((&entry.key, entry.value.as_ref()?)))
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
        let before: Vec<_> = tables.shared().collect();
        set(&mut tables, 1, 2);
        set(&mut tables, 1, 3);
        assert_eq!(COPIES.get(), 1);
        assert_eq!(before[1].2.entries()[0].value, Some(Counted(0)));
        assert_eq!(tables.table(1).entries()[0].value, Some(Counted(3)));
        drop(before);
        set(&mut tables, 2, 4);
        assert_eq!(COPIES.get(), 1);
    }

    #[test]
    fn the_version_of_a_group_says_whether_it_was_written_to() {
        let mut tables = tables();
        let versions = |tables: &mut GroupTables<_, _>| {
            let shared = tables.shared().map(|(_, version, _)| version);
            shared.collect::<Vec<_>>()
        };
        let before = versions(&mut tables);
        assert_eq!(versions(&mut tables), before);
        let saved = tables.share();
        set(&mut tables, 3, 1);
        let after = versions(&mut tables);
        assert_eq!(after[..3], before[..3]);
        assert_ne!(after[3], before[3]);
        tables = saved;
        assert_eq!(versions(&mut tables), before);
        assert_eq!(tables.table(3).entries()[0].value, Some(Counted(0)));
    }
}
