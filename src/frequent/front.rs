//! Gathering the weights of frequent keys before they reach the table.
//!
//! In a large table every counter is in its own line of distant memory. A skewed stream repeats a few
//! keys again and again. Their weights are summed in a small table that fits the cache, and added to
//! their counters at once.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::select_unpredictable as choose;
use core::mem;

use super::plain::BLOCK;
use super::weight::Weight;

/// Bytes of the largest front: a part of the second-level cache.
const BYTES: usize = 1 << 17;

/// Items of a slice per place: the front is emptied at the end of the slice.
const ITEMS_A_PLACE: usize = 8;

/// A direct-mapped table of keys of plain data with their gathered weights.
pub(super) struct Front<K, W> {
    /// Weight zero where there is no key. The length is a power of two.
    waiting: Vec<(K, W)>,
    /// Evicted keys, still to be added to the table: the first `evicted`.
    gone: Vec<(K, W)>,
    evicted: usize,
    /// The number of keys offered, and of keys evicted.
    seen: (usize, usize),
}

impl<K: Clone + Eq, W: Weight> Front<K, W> {
    /// A front for a slice of `items` keys; `any` fills vacant places. `None` if keys are not plain data or
    /// the slice is too short.
    pub(super) fn new(items: usize, any: &K) -> Option<Self> {
        let places = (BYTES / size_of::<(K, W)>()).min(items / ITEMS_A_PLACE);
        if mem::needs_drop::<K>() || places < BLOCK {
            return None;
        }
        let vacant = (any.clone(), W::ZERO);
        Some(Self {
            waiting: vec![vacant.clone(); 1 << places.ilog2()],
            gone: vec![vacant; 2 * BLOCK],
            evicted: 0,
            seen: (0, 0),
        })
    }

    /// Adds the weights of a block to those gathered for the same keys. No branch depends on a key.
    #[inline]
    pub(super) fn gather(&mut self, offers: impl Iterator<Item = (u32, (K, W))>) {
        let before = self.evicted;
        for (hash, (key, weight)) in offers.take(BLOCK) {
            let place = hash as usize & (self.waiting.len() - 1);
            let slot = &mut self.waiting[place];
            let same = slot.0 == key;
            let other = !same & (slot.1 != W::ZERO);
            let sum = choose(same, slot.1, W::ZERO).saturating_add(weight);
            // Always written; the next write overwrites it unless the key was evicted.
            self.gone[self.evicted] = mem::replace(slot, (key, sum));
            self.evicted += usize::from(other);
            self.seen.0 += 1;
        }
        self.seen.1 += self.evicted - before;
    }

    /// Takes the evicted keys, if there are at least a block of them.
    #[inline]
    pub(super) fn take_evicted(&mut self) -> &[(K, W)] {
        let evicted = if self.evicted < BLOCK {
            0
        } else {
            self.evicted
        };
        self.evicted -= evicted;
        &self.gone[..evicted]
    }

    /// Takes all keys that are left.
    pub(super) fn take_all(&mut self) -> Vec<(K, W)> {
        let evicted = &mut self.gone[..mem::take(&mut self.evicted)];
        evicted
            .iter_mut()
            .chain(&mut self.waiting)
            .filter(|(_, weight)| *weight != W::ZERO)
            .map(|(key, weight)| (key.clone(), mem::replace(weight, W::ZERO)))
            .collect()
    }

    /// Whether at least a third of the keys were already in the front when offered, or it is too early to
    /// tell. With fewer, gathering costs more than it saves.
    #[inline]
    pub(super) fn pays(&self) -> bool {
        let (offered, evicted) = self.seen;
        offered < 4 * self.waiting.len() || evicted < offered / 3 * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    fn offered(front: &mut Front<u32, u64>, keys: impl Iterator<Item = u32>) -> BTreeMap<u32, u64> {
        let mut came_out = BTreeMap::new();
        let mut count = |entries: &[(u32, u64)]| {
            for &(key, weight) in entries {
                assert!(weight > 0);
                *came_out.entry(key).or_insert(0) += weight;
            }
        };
        let keys: Vec<u32> = keys.collect();
        for block in keys.chunks(BLOCK) {
            let hash = |key: u32| key.wrapping_mul(0x9e37_79b9) >> 7;
            front.gather(block.iter().map(|&key| (hash(key), (key, 1))));
            count(front.take_evicted());
        }
        count(&front.take_all());
        came_out
    }

    #[test]
    fn every_weight_comes_out_once() {
        let mut front = Front::new(4_096, &0).expect("long enough");
        let keys = (0..10_000).map(|at: u32| at * at % 1_009);
        let mut twin = BTreeMap::new();
        keys.clone()
            .for_each(|key| *twin.entry(key).or_insert(0) += 1);
        assert_eq!(offered(&mut front, keys), twin);
        assert!(front.take_all().is_empty());
    }

    #[test]
    fn it_pays_for_a_few_keys_and_not_for_many() {
        let mut front = Front::new(8_192, &0).expect("long enough");
        offered(&mut front, (0..20_000).map(|at| at % 100));
        assert!(front.pays());
        let mut front = Front::new(8_192, &0).expect("long enough");
        assert!(front.pays());
        offered(&mut front, 0..20_000);
        assert!(!front.pays());
    }

    #[test]
    fn short_slices_and_keys_that_own_memory_have_none() {
        assert!(Front::<u32, u64>::new(1_023, &0).is_none());
        assert!(Front::<u32, u64>::new(1_024, &0).is_some());
        assert!(Front::<alloc::string::String, u64>::new(1 << 20, &Default::default()).is_none());
    }
}
