//! `StratifiedReservoir`: a uniform sample per key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;

use rand::Rng;

use super::api::check_capacity;
use super::reservoir::Reservoir;
use super::stored::stored;
use crate::hash::route;
use crate::random::JobSeed;
use crate::{Merge, Summary};

/// A uniform sample of at most so many items for every key, with a cap on the keys and on the items
/// of all keys together, if wanted.
///
/// # Guarantee
///
/// For every key kept, its sample is that of a [`Reservoir`] over the items of that key. Without caps
/// every key is kept. Where a cap binds, the keys kept are those of smallest hash: a bottom-k sample
/// of the *distinct* keys, uniform as far as the fixed-seed hash [`route`] is, however often each key
/// occurs. With a cap on items the keys kept are the longest run, in order of hash, whose samples fit.
/// Which keys that is depends on the stream alone, not on its order or on how it was cut, so merges
/// are exact; and no key kept has ever lost an item to the cap.
///
/// [`dropped_keys_from`](Self::dropped_keys_from) says whether a cap has made any key be left out, and
/// [`key_inclusion_probability`](Self::key_inclusion_probability) with what share of the keys that
/// leaves.
///
/// # Cost
///
/// O(log keys) an item, besides what the key's reservoir takes. Memory: what the reservoirs hold, and
/// some 150 bytes a key.
///
/// # References
///
/// Bottom-k samples of distinct keys: Cohen and Kaplan (2008).
///
/// # Examples
///
/// ```
/// use forebay::sample::StratifiedReservoir;
///
/// let mut per_host = StratifiedReservoir::with_seed(2, 42);
/// for (host, page) in [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("a", 5)] {
///     per_host.update(host, page);
/// }
/// assert_eq!(per_host.get("a").map(|pages| (pages.len(), pages.seen())), Some((2, 4)));
/// assert_eq!(per_host.get("b").map(|pages| pages.len()), Some(1));
/// assert_eq!(per_host.dropped_keys_from(), None);
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct StratifiedReservoir<K, T> {
    limits: Limits,
    /// The keys kept, by hash; keys of equal hash share a stratum list. All hashes are below
    /// `dropped_from`.
    strata: BTreeMap<u64, Vec<Stratum<K, T>>>,
    /// The smallest hash whose keys were left out because of a cap.
    dropped_from: Option<u64>,
    /// The number of keys in `strata`.
    #[cfg_attr(feature = "serde", serde(skip))]
    keys: usize,
    /// The number of items in all reservoirs.
    #[cfg_attr(feature = "serde", serde(skip))]
    items: usize,
    /// Items offered, those of keys left out included.
    seen: u64,
    /// What the generators of the keys are derived from.
    seed: JobSeed,
}

/// How much a [`StratifiedReservoir`] may hold.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Limits {
    pub(crate) per_key: usize,
    pub(crate) keys: usize,
    pub(crate) items: usize,
}

/// One key with its sample.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stratum<K, T> {
    pub(crate) key: K,
    pub(crate) sample: Reservoir<T>,
}

impl<K, T> StratifiedReservoir<K, T> {
    /// A sampler of `per_key` items for every key, seeded by the operating system.
    ///
    /// # Panics
    ///
    /// If `per_key` is 0, or if the operating system has no randomness to give.
    #[cfg(feature = "std")]
    #[must_use]
    #[track_caller]
    pub fn new(per_key: usize) -> Self {
        Self::with_rng(per_key, &mut crate::random::from_system())
    }

    /// A sampler of `per_key` items for every key with a portable seed.
    ///
    /// Give samplers that will be merged *different* seeds.
    ///
    /// # Panics
    ///
    /// If `per_key` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_seed(per_key: usize, seed: u64) -> Self {
        check_capacity(per_key);
        Self {
            limits: Limits {
                per_key,
                keys: usize::MAX,
                items: usize::MAX,
            },
            strata: BTreeMap::new(),
            dropped_from: None,
            keys: 0,
            items: 0,
            seen: 0,
            seed: JobSeed::new(seed),
        }
    }

    /// A sampler of `per_key` items for every key that takes its seed from `rng`.
    ///
    /// # Panics
    ///
    /// If `per_key` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_rng<R: Rng + ?Sized>(per_key: usize, rng: &mut R) -> Self {
        Self::with_seed(per_key, rng.next_u64())
    }

    /// The same sampler with a cap on the number of keys.
    ///
    /// # Panics
    ///
    /// If `keys` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        assert!(keys > 0, "the cap on keys must be at least 1");
        self.limits.keys = keys;
        self.keep_to_limits();
        self
    }

    /// The same sampler with a cap on the number of items of all keys together.
    ///
    /// # Panics
    ///
    /// If `items` is less than the cap per key, so that a single key might not fit.
    #[must_use]
    #[track_caller]
    pub fn with_max_items(mut self, items: usize) -> Self {
        let per_key = self.limits.per_key;
        assert!(
            items >= per_key,
            "the cap on items, {items}, is below that per key, {per_key}"
        );
        self.limits.items = items;
        self.keep_to_limits();
        self
    }

    /// The most items held for a key.
    #[must_use]
    pub fn capacity_per_key(&self) -> usize {
        self.limits.per_key
    }

    /// The number of keys kept.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// The number of items held, of all keys together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items
    }

    /// Whether nothing was ever offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// The number of items offered, those of keys left out included.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The smallest hash ([`route`]) whose keys a cap has made be left out; `None` while every key
    /// is kept.
    #[must_use]
    pub fn dropped_keys_from(&self) -> Option<u64> {
        self.dropped_from
    }

    /// The share of all distinct keys that is kept on average: 1 while no cap binds.
    #[must_use]
    pub fn key_inclusion_probability(&self) -> f64 {
        const HASHES: f64 = 18_446_744_073_709_551_616.0;
        self.dropped_from.map_or(1.0, |from| from as f64 / HASHES)
    }

    /// The keys kept with their samples, in order of hash.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Reservoir<T>)> + Clone {
        let strata = self.strata.values().flatten();
        strata.map(|stratum| (&stratum.key, &stratum.sample))
    }

    /// The sample of one key, if it is kept.
    pub fn get<Q>(&self, key: &Q) -> Option<&Reservoir<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let strata = self.strata.get(&route(key))?.iter();
        let mut same = strata.filter(|stratum| stratum.key.borrow() == key);
        same.next().map(|stratum| &stratum.sample)
    }

    /// Forgets every key and item; caps and seed stay.
    pub fn clear(&mut self) {
        self.strata.clear();
        self.dropped_from = None;
        self.keys = 0;
        self.items = 0;
        self.seen = 0;
    }

    /// Drops keys of largest hash until the limits are kept.
    fn keep_to_limits(&mut self) {
        while self.keys > self.limits.keys || self.items > self.limits.items {
            let Some((hash, strata)) = self.strata.pop_last() else {
                return;
            };
            self.keys -= strata.len();
            self.items -= strata
                .iter()
                .map(|stratum| stratum.sample.len())
                .sum::<usize>();
            self.dropped_from = Some(hash);
        }
    }

    /// Makes each cap the smaller one of its own and that of `other`.
    fn lower_limits(&mut self, other: Limits) {
        if other.per_key < self.limits.per_key {
            for stratum in self.strata.values_mut().flatten() {
                self.items -= stratum.sample.len();
                stratum.sample.limit(other.per_key);
                self.items += stratum.sample.len();
            }
        }
        self.limits = Limits {
            per_key: self.limits.per_key.min(other.per_key),
            keys: self.limits.keys.min(other.keys),
            items: self.limits.items.min(other.items),
        };
    }

    fn is_dropped(&self, hash: u64) -> bool {
        self.dropped_from.is_some_and(|from| hash >= from)
    }
}

impl<K: Hash + Eq, T> StratifiedReservoir<K, T> {
    /// Offers one item of one key.
    pub fn update(&mut self, key: K, item: T) {
        self.seen = self.seen.saturating_add(1);
        let hash = route(&key);
        if self.is_dropped(hash) {
            return;
        }
        let strata = self.strata.entry(hash).or_default();
        let known = strata.iter().position(|stratum| stratum.key == key);
        let position = known.unwrap_or_else(|| {
            let rng = self.seed.key_rng(0, hash, 0);
            strata.push(Stratum {
                key,
                sample: Reservoir::with_rng(self.limits.per_key, rng),
            });
            self.keys += 1;
            strata.len() - 1
        });
        let sample = &mut strata[position].sample;
        let before = sample.len();
        sample.update(item);
        self.items += sample.len() - before;
        self.keep_to_limits();
    }

    /// Takes in a key with its sample.
    fn merge_stratum(&mut self, hash: u64, mut stratum: Stratum<K, T>) {
        stratum.sample.limit(self.limits.per_key);
        let strata = self.strata.entry(hash).or_default();
        match strata.iter_mut().find(|own| own.key == stratum.key) {
            Some(own) => {
                self.items -= own.sample.len();
                own.sample.merge(stratum.sample);
                self.items += own.sample.len();
            }
            None => {
                self.keys += 1;
                self.items += stratum.sample.len();
                strata.push(stratum);
            }
        }
    }
}

impl<K: Hash + Eq, T> Extend<(K, T)> for StratifiedReservoir<K, T> {
    fn extend<I: IntoIterator<Item = (K, T)>>(&mut self, items: I) {
        items
            .into_iter()
            .for_each(|(key, item)| self.update(key, item));
    }
}

impl<K: Hash + Eq, T> Merge for StratifiedReservoir<K, T> {
    /// Merges the samples key by key, and keeps the keys that one sampler over both streams would
    /// keep. Draws nothing.
    ///
    /// Each cap becomes the smaller one of the sides that were offered anything.
    fn merge(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = other;
            return;
        }
        self.lower_limits(other.limits);
        self.seen = self.seen.saturating_add(other.seen);
        if let Some(from) = other.dropped_from.filter(|&from| !self.is_dropped(from)) {
            self.dropped_from = Some(from);
            let left_out = self.strata.split_off(&from);
            self.keys -= left_out.values().map(Vec::len).sum::<usize>();
            let samples = left_out
                .values()
                .flatten()
                .map(|stratum| stratum.sample.len());
            self.items -= samples.sum::<usize>();
        }
        for (hash, strata) in other.strata {
            if !self.is_dropped(hash) {
                for stratum in strata {
                    self.merge_stratum(hash, stratum);
                }
            }
        }
        self.keep_to_limits();
    }
}

impl<K: Hash + Eq, T> Summary for StratifiedReservoir<K, T> {
    type Item = (K, T);

    fn update(&mut self, (key, item): (K, T)) {
        Self::update(self, key, item);
    }
}

impl<K, T> IntoIterator for StratifiedReservoir<K, T> {
    type Item = (K, Reservoir<T>);
    type IntoIter = alloc::vec::IntoIter<(K, Reservoir<T>)>;

    /// The keys kept with their samples, in order of hash.
    fn into_iter(self) -> Self::IntoIter {
        let strata = self.strata.into_values().flatten();
        let pairs = strata.map(|stratum| (stratum.key, stratum.sample));
        pairs.collect::<Vec<_>>().into_iter()
    }
}

impl<K: fmt::Debug, T: fmt::Debug> fmt::Debug for StratifiedReservoir<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(feature = "serde")]
impl<K: Hash + Eq, T> StratifiedReservoir<K, T> {
    /// Checks a sample that was read back, and counts its keys and items.
    fn restore(&mut self) -> Result<(), &'static str> {
        let limits = self.limits;
        if limits.per_key == 0 || limits.keys == 0 || limits.items < limits.per_key {
            return Err("a cap of a stratified sample is 0");
        }
        let mut seen = 0u64;
        for (stored_hash, strata) in core::mem::take(&mut self.strata) {
            for stratum in strata {
                if route(&stratum.key) != stored_hash || self.is_dropped(stored_hash) {
                    return Err("a key of a stratified sample is not where its hash belongs");
                }
                if self.get(&stratum.key).is_some() {
                    return Err("a key of a stratified sample is there twice");
                }
                if stratum.sample.is_empty() || stratum.sample.capacity() > limits.per_key {
                    return Err("a key's sample does not fit its cap");
                }
                seen = seen.saturating_add(stratum.sample.seen());
                self.merge_stratum(stored_hash, stratum);
            }
        }
        if self.keys > limits.keys || self.items > limits.items {
            return Err("a stratified sample holds more than its caps allow");
        }
        if seen > self.seen || (seen < self.seen && self.dropped_from.is_none()) {
            return Err("a stratified sample has not seen what it holds");
        }
        Ok(())
    }
}

stored!(StratifiedReservoir<K, T> where K: Hash + Eq {
    limits: Limits,
    strata: BTreeMap<u64, Vec<Stratum<K, T>>>,
    dropped_from: Option<u64>,
    seen: u64,
    seed: JobSeed,
} keys = 0, items = 0);
