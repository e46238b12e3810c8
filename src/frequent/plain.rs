//! Counting keys of plain data, without branches.

use core::hash::{BuildHasher, Hash};
use core::hint::{black_box, select_unpredictable as choose};
use core::mem;

use super::counters::{Counters, Entry};
use super::group::{GROUP, Group, VACANT, home, most_entries, tag};
use super::weight::Weight;

/// Groups of an index that, with its counters, overflows a second-level cache.
const FAR: usize = 1 << 14;

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// Makes room for so many more keys of plain data, as far as `most` allows, so that they can
    /// be added without a branch; the new entries are remains of `key`.
    #[inline]
    pub(super) fn provide(&mut self, key: &K, more: usize, most: usize)
    where
        K: Clone,
    {
        let entries = (self.live + more).min(most);
        if mem::needs_drop::<K>() || entries <= self.entries.len() {
            return;
        }
        while most_entries(self.groups()) < entries {
            self.grow(most);
        }
        self.reserve(entries, most);
        let remains = Entry {
            key: key.clone(),
            count: W::ZERO,
        };
        self.entries.resize(entries, remains);
    }

    /// The table for keys of plain data; `None` if dropping a key does anything.
    #[inline]
    pub(super) fn plain(&mut self, most: usize) -> Option<Plain<'_, K, W>> {
        if mem::needs_drop::<K>() {
            return None;
        }
        Some(Plain {
            mask: self.mask(),
            index: &mut self.index,
            taken: &mut self.taken,
            entries: &mut self.entries,
            live: &mut self.live,
            most,
        })
    }

    /// Reads what the look-up of these hashes will need, so that the memory fetches all of it at
    /// once. For tables that do not fit the caches near the processor.
    #[inline]
    pub(super) fn touch(&self, hashes: &[u32]) {
        if self.index.len() < FAR {
            return;
        }
        let mask = self.mask();
        let mut seen = 0;
        for &hash in hashes {
            seen |= self.index[self.home(hash)].0[0];
        }
        for &hash in hashes {
            let found = self.index[self.home(hash)].find(tag(hash, mask), mask) & mask;
            let entry = self.entries.get(found as usize);
            seen |= u32::from(entry.is_some_and(|entry| entry.count == W::ZERO));
        }
        black_box(seen);
    }
}

/// The table for keys of plain data, which may be overwritten at no cost, and its bounds.
pub(super) struct Plain<'a, K, W> {
    index: &'a mut [Group],
    taken: &'a mut [u8],
    entries: &'a mut [Entry<K, W>],
    live: &'a mut usize,
    /// The most counters there may be.
    most: usize,
    mask: u32,
}

impl<K: Eq, W: Weight> Plain<'_, K, W> {
    /// Adds a positive weight to the counter of a key, made if there is none, all without a branch
    /// that depends on the key. Gives the key back, with nothing done, in the few cases that need
    /// one: if all counters are taken, a home group is full, hashes collide, or memory is needed.
    #[inline(always)]
    pub(super) fn add(&mut self, hash: u32, key: K, weight: W) -> Result<(), K> {
        let (mask, live, nowhere) = (self.mask, *self.live, self.index.len() - 1);
        let (home, tag) = (home(hash, nowhere), tag(hash, mask));
        let found = self.index[home].find(tag, mask);
        let taken = usize::from(self.taken[home]);
        let held = found != VACANT;
        let position = choose(held, (found & mask) as usize, live + 1) - 1;
        let Some(entry) = self.entries.get_mut(position) else {
            return Err(key);
        };
        let other = (position >= live) | (entry.key != key);
        if choose(held, other, (taken == GROUP) | (live >= self.most)) {
            return Err(key);
        }
        entry.key = key;
        entry.count = choose(held, entry.count, W::ZERO).saturating_add(weight);
        // A key that is held writes its word where nobody reads it.
        self.index[choose(held, nowhere, home)].0[taken % GROUP] = tag | (live as u32 + 1);
        self.taken[home] += u8::from(!held);
        *self.live = live + usize::from(!held);
        Ok(())
    }
}
