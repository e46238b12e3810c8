//! Offering many keys at once.

use core::hash::{BuildHasher, Hash};

use super::cut::PendingCut;
use super::misra_gries::{MisraGries, Steps};
use super::weight::Weight;

/// Keys hashed together, so that the memory they need is fetched together.
pub(super) const BLOCK: usize = 128;

impl<K: Hash + Eq + Clone, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Offers every key of a slice, each with weight one. Keys that own memory are cloned only if they
    /// are not tracked yet.
    ///
    /// The same as an [`update`](Self::update) for each, and faster: keys are looked up in blocks.
    ///
    /// # Panics
    ///
    /// If the total weight overflows `W`.
    #[track_caller]
    pub fn extend_from_slice(&mut self, keys: &[K]) {
        for block in keys.chunks(BLOCK) {
            self.offer_block(block, |key| key, |_| W::ONE);
        }
    }

    /// Offers every key of a slice with its weight. Keys that own memory are cloned only if they are
    /// not tracked yet.
    ///
    /// The same as an [`update_weighted`](Self::update_weighted) for each, and faster.
    ///
    /// # Panics
    ///
    /// As [`update_weighted`](Self::update_weighted).
    #[track_caller]
    pub fn extend_from_slice_weighted(&mut self, keys: &[(K, W)]) {
        for block in keys.chunks(BLOCK) {
            self.offer_block(block, |(key, _)| key, |&(_, weight)| weight);
        }
    }

    #[track_caller]
    #[inline]
    fn offer_block<I>(&mut self, items: &[I], key: impl Fn(&I) -> &K, weight: impl Fn(&I) -> W) {
        let Some(total) = self.total_after(items.iter().map(&weight)) else {
            for item in items {
                self.update_weighted_ref(key(item), weight(item));
            }
            return;
        };
        self.total = total;
        self.pending = PendingCut::unknown();
        let far = self.counters.is_far();
        let mut hashes = [0; BLOCK];
        if far {
            for (hash, item) in hashes.iter_mut().zip(items) {
                *hash = self.counters.hash(key(item));
            }
            self.counters.touch(&hashes[..items.len()]);
        }
        let most = self.most_counters();
        self.counters
            .reserve((self.counters.len() + items.len()).min(most), most);
        let mut items = items.iter().zip(&hashes);
        loop {
            // Those that are added without a branch, and then the one that is not.
            let odd = match self.counters.plain(most) {
                Some(mut plain) => items.find(|&(item, &hash)| {
                    let hash = if far { hash } else { plain.hash(key(item)) };
                    plain.add(hash, key(item).clone(), weight(item)).is_err()
                }),
                None => items.next(),
            };
            let Some((item, _)) = odd else {
                return;
            };
            self.place_ref(self.counters.hash(key(item)), key(item), weight(item));
        }
    }

    /// The total after these weights, if all of them are positive, none is the first that is not
    /// one, and the total can be represented.
    #[inline]
    fn total_after(&self, weights: impl Iterator<Item = W>) -> Option<W> {
        let mut sum = W::ZERO;
        let mut fine = true;
        let weighted = self.steps == Steps::Weighted;
        for weight in weights {
            fine &= weight.validate().is_ok() & (weight != W::ZERO);
            fine &= weighted | (weight == W::ONE);
            sum = sum.saturating_add(weight);
        }
        self.total.checked_add(sum).filter(|_| fine)
    }
}
