//! Counting keys of plain data (types without a destructor) without branches.

use core::hash::{BuildHasher, Hash};
use core::hint::{black_box, select_unpredictable as choose};
use core::mem;

use super::counters::{Counters, Entry, Place, Slot, hash_with, search};
use super::tags::{BUCKET, Tag, Tags, first, home, tag};
use super::weight::Weight;

/// Keys hashed together, so that their memory is fetched together.
pub(super) const BLOCK: usize = 128;

/// Bytes of a table that does not fit the first two caches.
pub(super) const FAR: usize = 1 << 21;

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// The view of the table for keys of plain data; `None` if keys have a destructor.
    #[inline]
    pub(super) fn plain(&mut self, most: usize) -> Option<Plain<'_, K, W, S>> {
        debug_assert!(self.may_change());
        if mem::needs_drop::<K>() {
            return None;
        }
        let most = most.min(self.room());
        let (buckets, _) = self.slots.as_chunks_mut();
        // Both have the same length. The slice tells the compiler, so one bounds check serves both.
        let tags = &mut self.tags[..buckets.len()];
        Some(Plain {
            tags,
            buckets,
            floor: self.floor,
            live: self.live,
            live_in_table: &mut self.live,
            hasher: &self.hasher,
            most,
        })
    }

    /// Whether the table does not fit the first two caches.
    #[inline]
    pub(super) fn is_far(&self) -> bool {
        size_of_val(&*self.slots) >= FAR
    }

    /// Reads the memory that the look-ups of these hashes will need, so that it is fetched in parallel.
    #[inline]
    pub(super) fn touch(&self, hashes: &[u32]) {
        // Three passes, because the work between two reads limits the number of reads in flight.
        let mut seen = 0;
        for &hash in hashes {
            seen |= self.tags[self.home(hash)].vacancies();
        }
        let mut slots = [0; BLOCK];
        for (slot, &hash) in slots.iter_mut().zip(hashes) {
            let bucket = self.home(hash);
            *slot = bucket * BUCKET + place_of(self.tags[bucket], tag(hash)).1;
        }
        for &slot in &slots[..hashes.len().min(BLOCK)] {
            let slot = self.slots.get(slot);
            seen |= u32::from(slot.is_some_and(Option::is_some));
        }
        black_box(seen);
    }
}

/// Whether a bucket has a key with this tag, and its first place; otherwise the first vacant place.
#[inline(always)]
fn place_of(tags: Tags, tag: Tag) -> (bool, usize) {
    let held = tags.places_of(tag);
    (held != 0, first(choose(held != 0, held, tags.vacancies())))
}

/// A view of the table for keys of plain data, which can be overwritten without a drop.
pub(super) struct Plain<'a, K, W: Weight, S> {
    tags: &'a mut [Tags],
    buckets: &'a mut [[Slot<K, W>; BUCKET]],
    floor: W,
    live: usize,
    live_in_table: &'a mut usize,
    hasher: &'a S,
    /// The most counters without a reduction or more memory.
    most: usize,
}

impl<'a, K: Hash + Eq, W: Weight, S: BuildHasher> Plain<'a, K, W, S> {
    pub(super) fn hasher(&self) -> &'a S {
        self.hasher
    }

    /// Adds weights to the counters of keys, given with their hashes, until [`add`](Self::add) returns a
    /// key. Returns the number of keys added.
    #[inline(always)]
    pub(super) fn add_while(mut self, offers: impl Iterator<Item = (u32, (K, W))>) -> usize {
        let mut added = 0;
        for (hash, (key, weight)) in offers {
            if self.add(hash, key, weight).is_err() {
                break;
            }
            added += 1;
        }
        added
    }

    /// The hash of a key.
    #[inline(always)]
    pub(super) fn hash(&self, key: &K) -> u32 {
        hash_with(self.hasher, key)
    }

    /// Adds a positive weight to the counter of a key; creates the counter if there is none.
    ///
    /// Returns the key and changes nothing if that would take more counters or memory than there are, or
    /// if the weight is zero. No branch depends on the key, except for the few keys that share home bucket
    /// and tag with another, or whose home bucket is full.
    #[inline(always)]
    pub(super) fn add(&mut self, hash: u32, key: K, weight: W) -> Result<(), K> {
        let buckets = self.tags.len().min(self.buckets.len());
        let home = home(hash, buckets);
        if home >= buckets {
            return Err(key);
        }
        let tags = self.tags[home];
        let Some(positive) = weight.positive() else {
            return Err(key);
        };
        let (held, place) = place_of(tags, tag(hash));
        let Some(slot) = self.buckets[home].get_mut(place) else {
            return self.add_elsewhere(hash, key, weight, positive);
        };
        let risen = W::raise(positive, self.floor);
        // A vacant slot may hold remains: their height is not used.
        let (same, raised) = match slot {
            Some(entry) => (entry.key == key, W::raise(entry.height, weight)),
            None => (false, risen),
        };
        let held_by_another = held & !same;
        let live = self.live + usize::from(!held);
        if live > self.most || held_by_another {
            return self.add_elsewhere(hash, key, weight, positive);
        }
        let height = choose(held, raised, risen);
        *slot = Some(Entry { key, height });
        self.tags[home] = tags.with(place, tag(hash));
        self.live = live;
        Ok(())
    }

    /// Like `add`, for a key that is not in its first possible place.
    #[inline(always)]
    fn add_elsewhere(
        &mut self,
        hash: u32,
        key: K,
        weight: W,
        positive: W::Positive,
    ) -> Result<(), K> {
        let height = W::raise(positive, self.floor);
        let newcomer = Entry { key, height };
        let slots = self.buckets.as_flattened_mut();
        let may_insert = self.live < self.most;
        let inserted = add_in_any_place(self.tags, slots, hash, weight, newcomer, may_insert)?;
        self.live += usize::from(inserted);
        Ok(())
    }
}

/// Adds a weight to the counter of a key, or inserts the key if `may_insert`. Returns whether it was
/// inserted.
///
/// Not a method, so that the fields of a [`Plain`] stay in registers.
#[inline(never)]
fn add_in_any_place<K: Eq, W: Weight>(
    tags: &mut [Tags],
    slots: &mut [Slot<K, W>],
    hash: u32,
    weight: W,
    newcomer: Entry<K, W::Positive>,
    may_insert: bool,
) -> Result<bool, K> {
    match search(tags, slots, hash, |held| *held == newcomer.key) {
        Place::Held(slot) => {
            if let Some(entry) = &mut slots[slot] {
                entry.height = W::raise(entry.height, weight);
            }
            Ok(false)
        }
        Place::Vacant(slot) if may_insert => {
            slots[slot] = Some(newcomer);
            let tags = &mut tags[slot / BUCKET];
            *tags = tags.with(slot % BUCKET, tag(hash));
            Ok(true)
        }
        Place::Vacant(_) => Err(newcomer.key),
    }
}

impl<K, W: Weight, S> Drop for Plain<'_, K, W, S> {
    fn drop(&mut self) {
        *self.live_in_table = self.live;
    }
}
