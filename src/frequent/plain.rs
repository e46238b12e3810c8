//! Counting keys of plain data, without branches.

use core::hash::{BuildHasher, Hash};
use core::hint::{black_box, select_unpredictable as choose};
use core::mem;

use super::counters::{Counters, Entry, Place, Slot, hash_with, search};
use super::tags::{BUCKET, Tag, Tags, first, home, tag};
use super::weight::Weight;

/// Keys hashed together, so that their memory is fetched together.
pub(super) const BLOCK: usize = 128;

/// Bytes of a table that does not fit the caches near the processor.
pub(super) const FAR: usize = 1 << 21;

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// The table for keys of plain data; `None` if dropping a key does anything.
    #[inline]
    pub(super) fn plain(&mut self, most: usize) -> Option<Plain<'_, K, W, S>> {
        if mem::needs_drop::<K>() {
            return None;
        }
        let most = most.min(self.room());
        let (buckets, _) = self.slots.as_chunks_mut();
        // Equally many, and the compiler shall know: then one check of an index serves both.
        let tags = &mut self.tags[..buckets.len()];
        Some(Plain {
            tags,
            buckets,
            floor: self.floor,
            live: self.live,
            booked: &mut self.live,
            hasher: &self.hasher,
            most,
        })
    }

    /// Whether the table does not fit the caches near the processor.
    #[inline]
    pub(super) fn is_far(&self) -> bool {
        size_of_val(&*self.slots) >= FAR
    }

    /// Reads what the look-up of these hashes will need, so that the memory fetches all of it at
    /// once.
    #[inline]
    pub(super) fn touch(&self, hashes: &[u32]) {
        // In three passes, for what is outstanding at once is limited by the work in between.
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

/// Whether a bucket has a key of this tag, and the place of the first, or else the first vacancy.
#[inline(always)]
fn place_of(tags: Tags, tag: Tag) -> (bool, usize) {
    let held = tags.places_of(tag);
    (held != 0, first(choose(held != 0, held, tags.vacancies())))
}

/// The table for keys of plain data, which may be overwritten at no cost.
pub(super) struct Plain<'a, K, W: Weight, S> {
    tags: &'a mut [Tags],
    buckets: &'a mut [[Slot<K, W>; BUCKET]],
    floor: W,
    live: usize,
    booked: &'a mut usize,
    hasher: &'a S,
    /// The most counters that may be added to without further ado.
    most: usize,
}

impl<'a, K: Hash + Eq, W: Weight, S: BuildHasher> Plain<'a, K, W, S> {
    pub(super) fn hasher(&self) -> &'a S {
        self.hasher
    }

    /// Adds weights to the counters of keys, given with their hashes, up to the first that
    /// [`add`](Self::add) gives back; says how many that are.
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

    /// Adds a positive weight to the counter of a key, made if there is none. Gives the key back, with
    /// nothing done, if that takes a counter too many or memory, or the weight is zero.
    ///
    /// All without a branch that depends on the key, but for the few that share a home bucket and a tag
    /// with another, or have a full one.
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
        // Remains count for nothing.
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

    /// The same for a key that is not in the first place where it might be.
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
        let may_come = self.live < self.most;
        let came = add_in_any_place(self.tags, slots, hash, weight, newcomer, may_come)?;
        self.live += usize::from(came);
        Ok(())
    }
}

/// Adds a weight to the counter of a key, or else lets it come if it may; whether it came.
///
/// Not a method, so that what a [`Plain`] counts stays in registers.
#[inline(never)]
fn add_in_any_place<K: Eq, W: Weight>(
    tags: &mut [Tags],
    slots: &mut [Slot<K, W>],
    hash: u32,
    weight: W,
    newcomer: Entry<K, W::Positive>,
    may_come: bool,
) -> Result<bool, K> {
    match search(tags, slots, hash, |held| *held == newcomer.key) {
        Place::Held(slot) => {
            if let Some(entry) = &mut slots[slot] {
                entry.height = W::raise(entry.height, weight);
            }
            Ok(false)
        }
        Place::Vacant(slot) if may_come => {
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
        *self.booked = self.live;
    }
}
