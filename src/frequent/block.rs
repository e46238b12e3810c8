//! Offering many keys at once.

use core::hash::{BuildHasher, Hash};

use super::counters::hash_with;
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
        let mut done = 0;
        while done < items.len() {
            // Those that are added without a branch, and then the one that is not.
            let rest = &items[done..];
            let offer = |item| (key(item).clone(), weight(item));
            done += match self.counters.plain(most) {
                Some(mut plain) if far => {
                    plain.add_while(hashes[done..].iter().copied().zip(rest.iter().map(offer)))
                }
                Some(mut plain) => {
                    let hasher = plain.hasher();
                    let hash = |item| hash_with(hasher, key(item));
                    plain.add_while(rest.iter().map(|item| (hash(item), offer(item))))
                }
                None => 0,
            };
            if let Some(item) = items.get(done) {
                self.place_ref(self.counters.hash(key(item)), key(item), weight(item));
                done += 1;
            }
        }
    }

    /// The total after these weights, if all of them are positive, none is the first that is not
    /// one, and the total can be represented.
    #[inline]
    fn total_after(&self, weights: impl Iterator<Item = W>) -> Option<W> {
        let positive = |weight: W| weight.validate().is_ok() & (weight != W::ZERO);
        let (sum, fine) = match self.steps {
            Steps::Weighted => sum_if(weights, positive),
            Steps::Textbook | Steps::Merged => sum_if(weights, |weight| weight == W::ONE),
        };
        self.total.checked_add(sum).filter(|_| fine)
    }
}

/// The sum of weights, and whether all of them are as they should be.
#[inline]
fn sum_if<W: Weight>(weights: impl Iterator<Item = W>, fine: impl Fn(W) -> bool) -> (W, bool) {
    weights.fold((W::ZERO, true), |(sum, all), weight| {
        (sum.saturating_add(weight), all & fine(weight))
    })
}
