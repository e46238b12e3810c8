//! The hash table of counters.
//!
//! The table has buckets of sixteen places. A place has a key with its counter, and a tag: a byte of the
//! key's hash. The tags of a bucket are adjacent, so a whole bucket is examined at once, without a branch
//! per place. The tags of a large table fit in a cache that its counters do not fit in, so a look-up waits
//! for one line of memory, that of the counter. The high bits of the hash select the home bucket of a key;
//! a full bucket overflows into the next.
//!
//! The main cost of a table of counters is mispredicted branches. For keys without a destructor, not even
//! a hit or a miss is a branch, see [`Plain::add`](super::plain::Plain::add).
//!
//! Counters are never deleted one by one: [`Counters::subtract`](super::sweep) drops many at once.
//!
//! # Panics of keys
//!
//! `Hash`, `Eq`, `Clone` and `Drop` of a key are code of the caller and may panic. So every change that moves
//! entries first computes all hashes, then changes the table without such code, and drops keys last: after a
//! panic each entry is in its place or in none, and `live` is the number of tags.

use alloc::vec;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;

use super::cut::PendingCut;
use super::tags::{BUCKET, Tags, fewest_buckets, first, home, most_entries, tag};
use super::weight::Weight;

/// A key with its counter, stored as a height: the counter plus the [floor](Counters::floor) of the table.
#[derive(Clone, Debug)]
pub(super) struct Entry<K, H> {
    pub(super) key: K,
    pub(super) height: H,
}

/// A place for a key with its counter. Without a tag it is vacant and may still hold the remains of a
/// dropped key: leaving them is cheaper, and the memory of the key can be reused.
pub(super) type Slot<K, W> = Option<Entry<K, <W as super::weight::sealed::Arithmetic>::Positive>>;

/// The counter of an entry, above this floor.
#[inline]
pub(super) fn count_above<K, W: Weight>(floor: W, entry: &Entry<K, W::Positive>) -> W {
    W::of(entry.height).saturating_minus(floor)
}

/// 32 bits of the hash of a key, mixed from all 64 because some of them may be poor.
#[inline]
pub(super) fn hash_with<Q: Hash + ?Sized>(hasher: &impl BuildHasher, key: &Q) -> u32 {
    let hash = hasher.hash_one(key);
    (hash ^ (hash >> 32)) as u32
}

/// The slot of a key: the one that holds it, or the vacant one for it.
pub(super) enum Place {
    Held(usize),
    Vacant(usize),
}

/// Finds the slot of a key with this hash, from its home bucket on. At least one place is vacant.
#[inline]
pub(super) fn search<K, H>(
    tags: &[Tags],
    slots: &[Option<Entry<K, H>>],
    hash: u32,
    is_wanted: impl Fn(&K) -> bool,
) -> Place {
    let mut bucket = home(hash, tags.len());
    loop {
        let mut found = tags[bucket].places_of(tag(hash));
        while found != 0 {
            let slot = bucket * BUCKET + first(found);
            if slots[slot]
                .as_ref()
                .is_some_and(|entry| is_wanted(&entry.key))
            {
                return Place::Held(slot);
            }
            found &= found - 1;
        }
        let vacancy = first(tags[bucket].vacancies());
        if vacancy < BUCKET {
            return Place::Vacant(bucket * BUCKET + vacancy);
        }
        bucket = next(bucket, tags.len());
    }
}

/// The bucket after this one, cyclically.
#[inline]
fn next(bucket: usize, buckets: usize) -> usize {
    if bucket + 1 < buckets { bucket + 1 } else { 0 }
}

/// A table from keys to weights, without error bounds.
pub(super) struct Counters<K, W: Weight, S> {
    /// The tags of each bucket; one vacant bucket before the first key.
    pub(super) tags: Vec<Tags>,
    /// [`BUCKET`] slots per bucket; none before the first key. A slot with a tag is taken, and is `Some`.
    /// Every key is held once. It is found from its home bucket on, past full buckets only.
    pub(super) slots: Vec<Slot<K, W>>,
    /// The number of taken places.
    pub(super) live: usize,
    /// The height of a counter of zero. Raising it lowers all counters. Every height held is above it.
    pub(super) floor: W,
    /// The cut that a reduction would subtract, if it is known. It is asked for only while there are more
    /// than k counters. Every change of the table forgets it, except that additions to single counters
    /// leave that to [`forget_cut`](Self::forget_cut).
    pending: PendingCut,
    pub(super) hasher: S,
    /// Computes all 64 bits of the hash of a key, for methods without the bounds `K: Hash` and
    /// `S: BuildHasher`. `Some` if there are slots.
    pub(super) whole_hash: Option<fn(&S, &K) -> u64>,
}

impl<K, W: Weight, S> Counters<K, W, S> {
    pub(super) fn new(hasher: S) -> Self {
        Self {
            tags: vec![Tags::vacant()],
            slots: Vec::new(),
            live: 0,
            floor: W::ZERO,
            pending: PendingCut::unknown(),
            hasher,
            whole_hash: None,
        }
    }

    /// The (k+1)-th largest counter of more than k. The first call after a change is O(size of the table).
    pub(super) fn cut(&self, k: usize) -> W {
        if let Some(slot) = self.pending.slot() {
            return self.count(&self.slots[slot]);
        }
        let cut = self.largest(k);
        self.pending.set(self.slot_with(cut));
        cut
    }

    /// Forgets the cut. Called before weights are added to a table that may have more than k counters.
    #[inline]
    pub(super) fn forget_cut(&mut self) {
        self.pending = PendingCut::unknown();
    }

    /// Whether no cut is known that an addition would make wrong.
    pub(super) fn may_change(&self) -> bool {
        self.pending.slot().is_none()
    }

    /// The counter in a slot; meaningless if the slot is vacant.
    #[inline]
    pub(super) fn count(&self, slot: &Slot<K, W>) -> W {
        let count = |entry| count_above(self.floor, entry);
        slot.as_ref().map_or(W::ZERO, count)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The most keys for the present number of buckets.
    #[inline]
    pub(super) fn room(&self) -> usize {
        most_entries(self.slots.len() / BUCKET)
    }

    /// Removes all keys and keeps the memory of the table.
    pub(super) fn clear(&mut self) {
        self.forget_cut();
        self.live = 0;
        self.floor = W::ZERO;
        self.tags.fill(Tags::vacant());
        if mem::needs_drop::<K>() {
            self.slots.fill_with(|| None);
        }
    }

    /// Adds to a counter.
    #[inline]
    pub(super) fn add_at(&mut self, slot: usize, weight: W) {
        debug_assert!(self.may_change());
        if let Some(entry) = &mut self.slots[slot] {
            entry.height = W::raise(entry.height, weight);
        }
    }

    /// The bytes of all vectors, without the memory that keys own.
    pub(super) fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<K, W>>() + self.tags.capacity() * size_of::<Tags>()
    }

    /// The home of a key with this hash.
    #[inline]
    pub(super) fn home(&self, hash: u32) -> usize {
        home(hash, self.tags.len())
    }
}

impl<K: Clone, W: Weight, S: Clone> Clone for Counters<K, W, S> {
    fn clone(&self) -> Self {
        let mut slots = Vec::with_capacity(self.slots.len());
        for (tags, bucket) in self.buckets() {
            let taken = tags.taken();
            let places = bucket.iter().enumerate();
            slots.extend(
                places.map(|(place, slot)| slot.clone().filter(|_| taken >> place & 1 == 1)),
            );
        }
        Self {
            tags: self.tags.clone(),
            slots,
            live: self.live,
            floor: self.floor,
            pending: self.pending.clone(),
            hasher: self.hasher.clone(),
            whole_hash: self.whole_hash,
        }
    }
}

impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
    /// The hash of a key.
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        hash_with(&self.hasher, key)
    }

    /// Finds the slot of `key`. At least one place is vacant.
    #[inline]
    pub(super) fn locate<Q>(&self, hash: u32, key: &Q) -> Place
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        search(&self.tags, &self.slots, hash, |held| held.borrow() == key)
    }

    /// The counter of `key`; zero if it has none.
    pub(super) fn get<Q>(&self, key: &Q) -> W
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.locate(self.hash(key), key) {
            Place::Held(slot) => self.count(&self.slots[slot]),
            Place::Vacant(_) => W::ZERO,
        }
    }

    /// Inserts a key that is not held with a positive counter: in this vacant slot, or in another one if
    /// the table must grow. There are never more than `most` counters. `make` creates the key, and gets
    /// the remains of a dropped key for reuse, if there are any.
    #[inline]
    pub(super) fn insert(
        &mut self,
        mut slot: usize,
        hash: u32,
        weight: W,
        most: usize,
        make: impl FnOnce(Option<K>) -> K,
    ) {
        let Some(weight) = weight.positive() else {
            return;
        };
        if self.live >= self.room() {
            self.reserve(self.live + 1, most);
            slot = self.vacancy(hash);
        }
        let key = make(self.slots[slot].take().map(|remains| remains.key));
        let height = W::raise(weight, self.floor);
        self.put(slot, hash, Entry { key, height });
    }

    /// Adds a positive weight to the counter of `key`; creates the counter if there is none. There are
    /// never more than `most` counters.
    #[inline]
    pub(super) fn add(&mut self, hash: u32, key: K, weight: W, most: usize) {
        let key = match self.plain(most) {
            Some(mut plain) => match plain.add(hash, key, weight) {
                Ok(()) => return,
                Err(key) => key,
            },
            None => key,
        };
        match self.locate(hash, &key) {
            Place::Held(slot) => self.add_at(slot, weight),
            Place::Vacant(slot) => self.insert(slot, hash, weight, most, |_| key),
        }
    }

    /// Adds all counters of another table. There is room, and there are never more than `most` counters.
    pub(super) fn absorb(&mut self, other: Self, most: usize) {
        self.forget_cut();
        let mut refused = Vec::new();
        match self.plain(most) {
            Some(mut plain) => other.drain(|key, weight| {
                let hash = plain.hash(&key);
                let key = plain.add(hash, key, weight).err();
                refused.extend(key.map(|key| (key, weight)));
            }),
            None => other.drain(|key, weight| refused.push((key, weight))),
        }
        for (key, weight) in refused {
            self.add(self.hash(&key), key, weight, most);
        }
    }

    /// Makes room for `keys` keys. Doubles the table, but not beyond the room for `most`.
    pub(super) fn reserve(&mut self, keys: usize, most: usize) {
        if keys > self.room() {
            let double = (2 * self.slots.len() / BUCKET).min(fewest_buckets(most));
            self.rebuild(double.max(fewest_buckets(keys)));
        }
    }

    /// Releases the memory for more than `most` counters.
    pub(super) fn shrink(&mut self, most: usize) {
        let buckets = fewest_buckets(most.max(self.live)).max(1);
        if buckets * BUCKET < self.slots.len() {
            self.rebuild(buckets);
        }
    }

    /// Moves all entries into a table of `buckets` buckets.
    #[cold]
    fn rebuild(&mut self, buckets: usize) {
        let hashes: Vec<u32> = self.iter().map(|(key, _)| self.hash(key)).collect();
        let mut slots = Vec::new();
        slots.resize_with(buckets * BUCKET, || None);
        let mut slots = mem::replace(&mut self.slots, slots);
        let tags = mem::replace(&mut self.tags, vec![Tags::vacant(); buckets]);
        self.live = 0;
        self.forget_cut();
        self.whole_hash = Some(|hasher, key| hasher.hash_one(key));
        let places = tags.iter().zip(slots.as_chunks_mut::<BUCKET>().0);
        let taken = places.flat_map(|(tags, bucket)| {
            let places = tags.taken_places();
            places.filter_map(move |place| bucket[place].take())
        });
        for (entry, hash) in taken.zip(hashes) {
            self.put(self.vacancy(hash), hash, entry);
        }
    }

    /// The first vacant slot for a key with this hash.
    pub(super) fn vacancy(&self, hash: u32) -> usize {
        let mut bucket = self.home(hash);
        loop {
            let vacancy = first(self.tags[bucket].vacancies());
            if vacancy < BUCKET {
                return bucket * BUCKET + vacancy;
            }
            bucket = next(bucket, self.tags.len());
        }
    }

    /// Fills a vacant slot. Returns the remains in it, which the caller drops once the table is whole.
    #[inline]
    pub(super) fn put(
        &mut self,
        slot: usize,
        hash: u32,
        entry: Entry<K, W::Positive>,
    ) -> Slot<K, W> {
        let remains = self.slots[slot].replace(entry);
        let tags = &mut self.tags[slot / BUCKET];
        *tags = tags.with(slot % BUCKET, tag(hash));
        self.live += 1;
        remains
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::DefaultHashBuilder;

    type Table<K> = Counters<K, u64, DefaultHashBuilder>;

    impl<K: Hash + Eq, W: Weight, S: BuildHasher> Counters<K, W, S> {
        /// Panics unless every key is found in its slot and the number of tags is that of the counters.
        fn validate(&self) {
            let taken: u32 = self.tags.iter().map(|tags| tags.taken().count_ones()).sum();
            assert_eq!(taken as usize, self.live);
            assert_eq!(self.iter().count(), self.live);
            for (slot, entry) in self.slots.iter().enumerate() {
                let taken = self.tags[slot / BUCKET].taken() >> (slot % BUCKET) & 1 == 1;
                assert!(entry.is_some() || !taken);
                if let Some(Entry { key, .. }) = entry.as_ref().filter(|_| taken) {
                    let place = self.locate(self.hash(key), key);
                    assert!(matches!(place, Place::Held(at) if at == slot));
                }
            }
        }
    }

    fn sorted<K: Ord, S>(counters: Counters<K, u64, S>) -> Vec<(K, u64)> {
        let mut entries = counters.into_entries();
        entries.sort_unstable();
        entries
    }

    fn filled(weights: &[u64]) -> Table<usize> {
        let mut counters = Counters::new(DefaultHashBuilder::default());
        for (key, &weight) in weights.iter().enumerate() {
            counters.add(counters.hash(&key), key, weight, 64);
        }
        counters
    }

    #[test]
    fn subtract_drops_what_is_not_positive() {
        let mut counters = filled(&[5, 1, 3, 9]);
        drop(counters.subtract(3));
        counters.validate();
        assert_eq!(sorted(counters), [(0, 2), (3, 6)]);
    }

    #[test]
    fn subtract_without_deaths_keeps_every_counter() {
        let mut counters = filled(&[5, 2]);
        drop(counters.subtract(1));
        counters.validate();
        assert_eq!(
            (counters.get(&0), counters.get(&1), counters.get(&2)),
            (4, 1, 0)
        );
    }

    #[test]
    fn a_high_floor_is_subtracted_from_all_heights() {
        let mut counters: Counters<u8, u8, _> = Counters::new(DefaultHashBuilder::default());
        let offers = [(1, 110, 100), (2, 120, 5), (3, 150, 40), (4, 255, 2)];
        let expected: [&[(u8, u8)]; 4] = [
            &[(1, 10)],
            &[(1, 5), (2, 115)],
            &[(2, 75), (3, 110)],
            &[(2, 73), (3, 108), (4, 253)],
        ];
        for ((key, weight, cut), expected) in offers.into_iter().zip(expected) {
            counters.add(counters.hash(&key), key, weight, 64);
            drop(counters.subtract(cut));
            counters.validate();
            let mut held: Vec<_> = counters.iter().map(|(&key, count)| (key, count)).collect();
            held.sort_unstable();
            assert_eq!(held, expected);
        }
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
            counters.add(counters.hash(&key), key, 1, 300);
            if twin.len() >= 300 {
                drop(counters.subtract(2));
                counters.validate();
                twin.retain_mut(|(_, count)| {
                    *count = count.saturating_sub(2);
                    *count > 0
                });
            }
        }
        twin.sort_unstable();
        assert_eq!(sorted(counters), twin);
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
            counters.add(7, key, u64::from(key) + 1, 100);
        }
        counters.validate();
        drop(counters.subtract(50));
        counters.validate();
        assert_eq!(counters.len(), 50);
    }
}
