//! Counting keys of plain data, without branches.

use core::hint::select_unpredictable as choose;

use super::counters::Entry;
use super::group::{GROUP, Group, VACANT, home, tag};
use super::weight::Weight;

/// The table for keys of plain data, which may be overwritten at no cost, and its bounds.
pub(super) struct Plain<'a, K, W> {
    pub(super) index: &'a mut [Group],
    pub(super) taken: &'a mut [u8],
    pub(super) entries: &'a mut [Entry<K, W>],
    pub(super) live: &'a mut usize,
    /// The most counters there may be.
    pub(super) most: usize,
    pub(super) mask: u32,
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
