//! The table of counters: which keys have one, and the step that subtracts and drops.
//!
//! Counters lie densely in one vector, in the order in which their keys came, and an index of
//! 32-bit words finds them. A word holds the position of a counter in its low bits and part of the
//! key's hash in the others, so that probing rarely touches a counter that is not the one sought.
//! Words stand in groups of eight, filled from the front; a key's home group is given by the high
//! bits of its hash, and a group that is full overflows into the next.
//!
//! A group is examined as a whole, without a branch for each word: what costs most in a table of
//! counters is the branch that goes the wrong way. For keys without a destructor not even finding
//! the key or not is a branch, see [`Plain::add`](super::plain::Plain::add).
//!
//! Nothing is ever deleted singly. [`Counters::subtract`] drops many counters at once, closes the
//! gaps, and writes the index anew, oldest counter first.

use alloc::vec;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;

use super::group::{GROUP, Group, VACANT, fewest_groups, home, most_entries, tag};
use super::weight::Weight;

/// Entries that memory is taken for when the first key comes.
const FEWEST: usize = 4;

/// A key with its counter.
#[derive(Clone, Debug)]
pub(super) struct Entry<K, W> {
    pub(super) key: K,
    /// Positive outside of this module.
    pub(super) count: W,
}

/// Where a key is, or would be put.
pub(super) enum Place {
    /// The position of its counter.
    Held(usize),
    /// The group of the index that has a word for it.
    Vacant(usize),
}

/// A weight for each of some keys; knows nothing of error bounds.
#[derive(Clone)]
pub(super) struct Counters<K, W, S> {
    /// In the order in which the keys came; no key twice. Those from `live` on are remains without
    /// a meaning; there are none if dropping a key does anything.
    pub(super) entries: Vec<Entry<K, W>>,
    pub(super) live: usize,
    /// Groups for the live entries, see [`most_entries`], and one more that takes writes nobody
    /// will read. Every live entry is found from its home group on without passing a group that is
    /// not full.
    pub(super) index: Vec<Group>,
    /// The number of words taken in each group of the index.
    pub(super) taken: Vec<u8>,
    hasher: S,
}

impl<K, W: Weight, S> Counters<K, W, S> {
    pub(super) fn new(hasher: S) -> Self {
        Self {
            entries: Vec::new(),
            live: 0,
            index: vec![Group([VACANT; GROUP]); 2],
            taken: vec![0; 2],
            hasher,
        }
    }

    pub(super) fn entries(&self) -> &[Entry<K, W>] {
        &self.entries[..self.live]
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.live = 0;
        self.vacate();
    }

    fn vacate(&mut self) {
        self.index.fill(Group([VACANT; GROUP]));
        self.taken.fill(0);
    }

    pub(super) fn into_entries(mut self) -> Vec<Entry<K, W>> {
        self.entries.truncate(self.live);
        self.entries
    }

    /// Adds to a counter.
    #[inline]
    pub(super) fn add_at(&mut self, position: usize, weight: W) {
        let count = &mut self.entries[position].count;
        *count = count.saturating_add(weight);
    }

    /// The bytes of all vectors, without what keys own themselves.
    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<K, W>>()
            + self.index.capacity() * size_of::<Group>()
            + self.taken.capacity()
    }

    /// The number of groups that keys are put in.
    #[inline]
    pub(super) fn groups(&self) -> usize {
        self.index.len() - 1
    }

    /// The bits of a word that hold a position plus one; the others are those of a tag.
    #[inline]
    pub(super) fn mask(&self) -> u32 {
        u32::MAX >> (most_entries(self.groups()) as u32).leading_zeros()
    }

    #[inline]
    pub(super) fn home(&self, hash: u32) -> usize {
        home(hash, self.groups())
    }

    /// The group after this one.
    #[inline]
    fn next(&self, group: usize) -> usize {
        if group + 1 < self.groups() {
            group + 1
        } else {
            0
        }
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// 32 bits of a key's hash, mixed from all 64 in case only some of them are good.
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        let hash = self.hasher.hash_one(key);
        (hash ^ (hash >> 32)) as u32
    }

    /// Where `key` is, or would be put.
    #[inline]
    pub(super) fn locate<Q>(&self, hash: u32, key: &Q) -> Place
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mask = self.mask();
        let home = self.home(hash);
        let found = self.index[home].find(tag(hash, mask), mask);
        if found == VACANT {
            if usize::from(self.taken[home]) < GROUP {
                return Place::Vacant(home);
            }
        } else {
            let position = (found & mask) as usize - 1;
            if position < self.live && self.entries[position].key.borrow() == key {
                return Place::Held(position);
            }
        }
        self.locate_far(hash, key)
    }

    /// As [`locate`](Self::locate), where the home group is full or two words in it have the tag.
    #[cold]
    fn locate_far<Q>(&self, hash: u32, key: &Q) -> Place
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mask = self.mask();
        let tag = tag(hash, mask);
        let mut group = self.home(hash);
        loop {
            for word in self.index[group].0 {
                if (word ^ tag) & !mask == 0 && word != VACANT {
                    let position = (word & mask) as usize - 1;
                    if self.entries[position].key.borrow() == key {
                        return Place::Held(position);
                    }
                }
            }
            if usize::from(self.taken[group]) < GROUP {
                return Place::Vacant(group);
            }
            group = self.next(group);
        }
    }

    /// The counter of `key`; zero if it has none.
    pub(super) fn get<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.locate(self.hash(key), key) {
            Place::Held(position) => self.entries[position].count,
            Place::Vacant(_) => W::ZERO,
        }
    }

    /// Gives a counter to a key that has none, in the group that has a word for it. There will be
    /// `most` of them at most.
    #[inline]
    pub(super) fn push(&mut self, group: usize, hash: u32, key: K, weight: W, most: usize) {
        let position = self.live;
        let entry = Entry { key, count: weight };
        match self.entries.get_mut(position) {
            Some(remains) => *remains = entry,
            None => {
                self.reserve(position + 1, most);
                self.entries.push(entry);
            }
        }
        self.live += 1;
        if position < most_entries(self.groups()) {
            self.write(group, hash, position);
        } else {
            self.grow(most);
        }
    }

    /// Adds a positive weight to the counter of `key`, made if there is none; there is room for
    /// `most`.
    pub(super) fn add(&mut self, key: K, weight: W, most: usize) {
        let hash = self.hash(&key);
        let key = match self.plain(most) {
            Some(mut plain) => match plain.add(hash, key, weight) {
                Ok(()) => return,
                Err(key) => key,
            },
            None => key,
        };
        match self.locate(hash, &key) {
            Place::Held(position) => self.add_at(position, weight),
            Place::Vacant(group) => self.push(group, hash, key, weight, most),
        }
    }

    /// Takes memory for so many entries, doubling it until it is that for `most`.
    #[inline]
    pub(super) fn reserve(&mut self, entries: usize, most: usize) {
        if entries > self.entries.capacity() {
            let double = (2 * self.entries.len()).clamp(FEWEST, most.max(FEWEST));
            let more = double.max(entries) - self.entries.len();
            self.entries.reserve_exact(more);
        }
    }

    /// Subtracts `cut` from all counters and drops those that are then not positive
    /// (Agarwal et al. 2013). Linear.
    pub(super) fn subtract(&mut self, cut: W) {
        let live = &mut self.entries[..self.live];
        // The youngest counters are the smallest, so this search ends soon.
        if live.iter().rev().all(|entry| entry.count > cut) {
            for entry in live {
                entry.count = entry.count.minus(cut);
            }
            return;
        }
        self.close_gaps(cut);
        self.rebuild();
    }

    /// Moves the counters above `cut` to the front, with `cut` subtracted. Leaves the index in
    /// disorder.
    fn close_gaps(&mut self, cut: W) {
        // Listing the survivors first takes no branch that depends on a counter. The index is
        // about to be written anew, and lends its memory for the list.
        let mut kept = 0;
        for (position, entry) in self.entries[..self.live].iter().enumerate() {
            self.index[kept / GROUP].0[kept % GROUP] = position as u32;
            kept += usize::from(entry.count > cut);
        }
        for to in 0..kept {
            let from = self.index[to / GROUP].0[to % GROUP] as usize;
            self.entries.swap(to, from);
            let count = &mut self.entries[to].count;
            *count = count.minus(cut);
        }
        self.live = kept;
        if mem::needs_drop::<K>() {
            self.entries.truncate(kept);
        }
    }

    /// Multiplies all counters, and drops those that become zero.
    pub(super) fn scale(&mut self, factor: W)
    where
        W: core::ops::Mul<Output = W>,
    {
        for entry in &mut self.entries[..self.live] {
            entry.count = entry.count * factor;
        }
        self.subtract(W::ZERO);
    }

    /// Gives back the memory for more than `most` counters.
    pub(super) fn shrink(&mut self, most: usize) {
        let groups = fewest_groups(most.max(self.live)).max(1);
        if groups < self.groups() {
            self.entries.truncate(self.live);
            self.entries.shrink_to(most);
            self.index.truncate(groups + 1);
            self.index.shrink_to_fit();
            self.taken.truncate(groups + 1);
            self.rebuild();
        }
    }

    #[cold]
    pub(super) fn grow(&mut self, most: usize) {
        let groups = (self.groups() * 2)
            .min(fewest_groups(most))
            .max(fewest_groups(self.live));
        let more = groups + 1 - self.index.len();
        self.index.reserve_exact(more);
        self.index.resize(groups + 1, Group([VACANT; GROUP]));
        self.taken.reserve_exact(more);
        self.taken.resize(groups + 1, 0);
        self.rebuild();
    }

    /// Writes the index anew.
    fn rebuild(&mut self) {
        self.vacate();
        for position in 0..self.live {
            let hash = self.hash(&self.entries[position].key);
            let mut group = self.home(hash);
            while usize::from(self.taken[group]) == GROUP {
                group = self.next(group);
            }
            self.write(group, hash, position);
        }
    }

    /// Takes the next word of a group for the counter at `position`.
    #[inline]
    fn write(&mut self, group: usize, hash: u32, position: usize) {
        let lane = usize::from(self.taken[group]) % GROUP;
        self.index[group].0[lane] = tag(hash, self.mask()) | (position as u32 + 1);
        self.taken[group] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::DefaultHashBuilder;

    type Table<K> = Counters<K, u64, DefaultHashBuilder>;

    impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
        /// Panics unless every live entry is found where it is, and words and entries are as many.
        fn validate(&self) {
            let taken: usize = self.taken.iter().map(|&taken| usize::from(taken)).sum();
            assert_eq!(taken, self.live);
            for (group, &taken) in self.index[..self.groups()].iter().zip(&self.taken) {
                let words = group.0.iter().take_while(|&&word| word != VACANT).count();
                assert_eq!(words, usize::from(taken));
            }
            for (position, entry) in self.entries().iter().enumerate() {
                let place = self.locate(self.hash(&entry.key), &entry.key);
                assert!(matches!(place, Place::Held(at) if at == position));
            }
        }
    }

    fn filled(weights: &[u64]) -> Table<usize> {
        let mut counters = Counters::new(DefaultHashBuilder::default());
        for (key, &weight) in weights.iter().enumerate() {
            counters.add(key, weight, 64);
        }
        counters
    }

    #[test]
    fn subtract_drops_what_is_not_positive_and_keeps_the_order() {
        let mut counters = filled(&[5, 1, 3, 9]);
        counters.subtract(3);
        counters.validate();
        let left: Vec<_> = counters
            .into_entries()
            .iter()
            .map(|e| (e.key, e.count))
            .collect();
        assert_eq!(left, [(0, 2), (3, 6)]);
    }

    #[test]
    fn subtract_without_deaths_keeps_every_counter() {
        let mut counters = filled(&[5, 2]);
        counters.subtract(1);
        counters.validate();
        assert_eq!(
            (counters.get(&0), counters.get(&1), counters.get(&2)),
            (4, 1, 0)
        );
    }

    #[test]
    fn agrees_with_a_map_through_growth_and_subtractions() {
        let mut counters: Table<u32> = Counters::new(DefaultHashBuilder::default());
        let mut twin: Vec<(u32, u64)> = Vec::new();
        for step in 0..20_000u32 {
            let key = step.wrapping_mul(2_654_435_761) >> (step % 13 + 16);
            match twin.iter_mut().find(|(twin_key, _)| *twin_key == key) {
                Some((_, count)) => *count += 1,
                None => twin.push((key, 1)),
            }
            let hash = counters.hash(&key);
            let plain = counters
                .plain(usize::MAX)
                .expect("plain keys")
                .add(hash, key, 1);
            if let Err(key) = plain {
                counters.add(key, 1, 300);
            }
            if twin.len() >= 300 {
                counters.subtract(2);
                counters.validate();
                twin.retain_mut(|(_, count)| {
                    *count = count.saturating_sub(2);
                    *count > 0
                });
            }
        }
        let found: Vec<_> = counters
            .entries()
            .iter()
            .map(|e| (e.key, e.count))
            .collect();
        assert_eq!(found, twin);
    }

    #[test]
    fn equal_hashes_do_not_make_keys_equal() {
        #[derive(Clone, Default)]
        struct Constant;
        impl core::hash::Hasher for Constant {
            fn finish(&self) -> u64 {
                7
            }
            fn write(&mut self, _: &[u8]) {}
        }
        let hasher = core::hash::BuildHasherDefault::<Constant>::default();
        let mut counters: Counters<u8, u64, _> = Counters::new(hasher);
        for key in 0..100 {
            counters.add(key, u64::from(key) + 1, 100);
        }
        counters.validate();
        counters.subtract(50);
        counters.validate();
        assert_eq!(counters.len(), 50);
    }
}
