//! Updates with slices of keys.

use core::hash::{BuildHasher, Hash};

use super::counters::{Slot, hash_with};
use super::front::Front;
use super::misra_gries::{MisraGries, Steps};
use super::plain::{BLOCK, FAR};
use super::tags::{BUCKET, fewest_buckets};
use super::weight::Weight;

impl<K: Hash + Eq + Clone, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Offers every key of a slice with weight one. Keys that own memory are cloned only if they are not
    /// tracked yet.
    ///
    /// The guarantee is that of an [`update`](Self::update) for each key. It is faster, because keys are
    /// looked up in blocks. With less than 2 MB of counters the counters are also the same. With more, keys
    /// without a destructor may be counted in another order within a slice of at least 1,024 keys, because
    /// the weights of frequent keys are gathered first.
    ///
    /// # Panics
    ///
    /// Panics if the total weight overflows `W`.
    #[track_caller]
    pub fn extend_from_slice(&mut self, keys: &[K]) {
        self.offer_slice(keys, |key| key, |_| W::ONE);
    }

    /// Offers every key of a slice with its weight. Keys that own memory are cloned only if they are not
    /// tracked yet.
    ///
    /// The guarantee is that of an [`update_weighted`](Self::update_weighted) for each key. With less than
    /// 1 MB of counters the counters are also the same; with more, see
    /// [`extend_from_slice`](Self::extend_from_slice).
    ///
    /// # Panics
    ///
    /// Panics where [`update_weighted`](Self::update_weighted) does. The keys before the invalid weight have
    /// been counted.
    #[track_caller]
    pub fn extend_from_slice_weighted(&mut self, keys: &[(K, W)]) {
        self.offer_slice(keys, |(key, _)| key, |&(_, weight)| weight);
    }

    #[track_caller]
    fn offer_slice<I>(&mut self, items: &[I], key: impl Fn(&I) -> &K, weight: impl Fn(&I) -> W) {
        // The first block determines the kind of weights.
        let (block, rest) = items.split_at(items.len().min(BLOCK));
        self.offer_block(block, &key, &weight);
        let gathered = self.offer_gathered(rest, &key, &weight);
        for block in rest[gathered..].chunks(BLOCK) {
            self.offer_block(block, &key, &weight);
        }
    }

    /// Offers the items of a slice and gathers the weights of frequent keys first, as long as that pays.
    /// Returns the number of items offered.
    #[track_caller]
    fn offer_gathered<I>(
        &mut self,
        items: &[I],
        key: impl Fn(&I) -> &K,
        weight: impl Fn(&I) -> W,
    ) -> usize {
        let slots = fewest_buckets(self.most_counters()) * BUCKET;
        let far = slots * size_of::<Slot<K, W>>() >= self.gathered_from();
        let any = items.first().filter(|_| far);
        let Some(mut front) = any.and_then(|any| Front::new(items.len(), key(any))) else {
            return 0;
        };
        let mut offered = 0;
        for block in items.chunks(BLOCK) {
            if !front.pays() {
                break;
            }
            offered += block.len();
            if let Some(total) = self.total_after(block.iter().map(&weight)) {
                self.total = total;
                let offer = |item| {
                    (
                        self.counters.hash(key(item)),
                        (key(item).clone(), weight(item)),
                    )
                };
                front.gather(block.iter().map(offer));
                self.add_gathered(front.take_evicted());
            } else {
                self.add_gathered(&front.take_all());
                self.offer_block(block, &key, &weight);
            }
        }
        self.add_gathered(&front.take_all());
        offered
    }

    /// The bytes of counters from which gathering pays. With weights of one it only saves waits for
    /// memory; with other weights it saves reductions too.
    fn gathered_from(&self) -> usize {
        match self.steps {
            Steps::Weighted => FAR / 2,
            Steps::Textbook | Steps::Gathered | Steps::Merged => FAR,
        }
    }

    /// Adds gathered weights, which are in the total already.
    fn add_gathered(&mut self, entries: &[(K, W)]) {
        let (subtracted, steps) = (self.subtracted, self.steps);
        if steps == Steps::Textbook {
            self.steps = Steps::Gathered;
        }
        for block in entries.chunks(BLOCK) {
            self.add_block(block, |(key, _)| key, |&(_, weight)| weight);
        }
        // Without a reduction in between, the order of keys makes no difference.
        if self.subtracted == subtracted {
            self.steps = steps;
        }
    }

    #[track_caller]
    fn offer_block<I>(&mut self, items: &[I], key: impl Fn(&I) -> &K, weight: impl Fn(&I) -> W) {
        let Some(total) = self.total_after(items.iter().map(&weight)) else {
            for item in items {
                self.update_weighted_ref(key(item), weight(item));
            }
            return;
        };
        self.total = total;
        self.add_block(items, key, weight);
    }

    /// Adds weights that are in the total already and whose kind is noted.
    fn add_block<I>(&mut self, items: &[I], key: impl Fn(&I) -> &K, weight: impl Fn(&I) -> W) {
        self.counters.forget_cut();
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
            // First the items that need no reduction and no memory, then the one that does.
            let rest = &items[done..];
            let offer = |item| (key(item).clone(), weight(item));
            done += match self.counters.plain(most) {
                Some(plain) if far => {
                    plain.add_while(hashes[done..].iter().copied().zip(rest.iter().map(offer)))
                }
                Some(plain) => {
                    let hasher = plain.hasher();
                    let hash = |item| hash_with(hasher, key(item));
                    plain.add_while(rest.iter().map(|item| (hash(item), offer(item))))
                }
                None => 0,
            };
            if let Some(item) = items.get(done) {
                let hash = self.counters.hash(key(item));
                self.place_noted(hash, key(item), weight(item));
                done += 1;
            }
        }
    }

    /// The total after these weights. `None` if it overflows, if a weight is invalid, or if one is the
    /// first that is neither one nor zero.
    #[inline]
    fn total_after(&self, weights: impl Iterator<Item = W>) -> Option<W> {
        let (sum, fine) = match self.steps {
            Steps::Weighted => sum_if(weights, |weight| weight.validate().is_ok()),
            Steps::Textbook | Steps::Gathered | Steps::Merged => {
                sum_if(weights, |weight| (weight == W::ONE) | (weight == W::ZERO))
            }
        };
        self.total.checked_add(sum).filter(|_| fine)
    }
}

/// The sum of weights, and whether all of them pass a check.
#[inline]
fn sum_if<W: Weight>(weights: impl Iterator<Item = W>, fine: impl Fn(W) -> bool) -> (W, bool) {
    weights.fold((W::ZERO, true), |(sum, all), weight| {
        (sum.saturating_add(weight), all & fine(weight))
    })
}
