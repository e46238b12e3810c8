//! `StratifiedReservoir`: a uniform sample per key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;

use rand::Rng;

use super::bottom_k::check_capacity;
use super::reservoir::Reservoir;
use super::stored::stored;
use super::whole::whole;
use crate::hash::route;
use crate::random::JobSeed;
use crate::{Merge, Summary};

/// A uniform sample for every key, with an optional cap on the number of keys and on the number of all
/// items.
///
/// # Guarantee
///
/// The sample of each key kept is a [`Reservoir`] over the items of that key. Without caps every key is
/// kept. With a cap on keys, the keys kept are those of smallest hash: a bottom-k sample of the
/// *distinct* keys, however often each occurs, as uniform as the fixed-seed hash [`route`]. With a cap
/// on items, the keys kept are the longest run in order of hash whose samples fit.
///
/// The choice of keys depends on the stream alone, not on its order or on how it was split, so merges
/// are exact. A key that is kept has never lost an item to a cap.
///
/// [`dropped_keys_from`](Self::dropped_keys_from) tells whether keys were dropped, and
/// [`key_inclusion_probability`](Self::key_inclusion_probability) the expected share of keys kept.
///
/// # Panics of keys and items
///
/// If `Hash` or `Eq` of a key or `Drop` of either panics in an update, the sampler can be used on, as if the
/// item had not been offered or as if nothing had happened. If one panics in a merge, the sampler is empty
/// afterwards, as after [`clear`](Self::clear).
///
/// # Cost
///
/// O(log keys) per item, besides the update of the key's reservoir. Memory: the reservoirs, and about
/// 150 bytes per key.
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
    /// The keys kept, by hash; keys with equal hashes share a list. All hashes are below
    /// `dropped_from`.
    strata: BTreeMap<u64, Vec<Stratum<K, T>>>,
    /// The smallest hash whose keys a cap dropped.
    dropped_from: Option<u64>,
    /// The number of keys in `strata`.
    #[cfg_attr(feature = "serde", serde(skip))]
    keys: usize,
    /// The number of items in all reservoirs.
    #[cfg_attr(feature = "serde", serde(skip))]
    items: usize,
    /// Items offered, including those of dropped keys.
    seen: u64,
    /// The seed from which the generators of the keys are derived, and the number of times that all keys were
    /// removed: each time the keys get other generators.
    seed: JobSeed,
    cleared: u64,
}

/// The caps of a [`StratifiedReservoir`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Limits {
    pub(crate) per_key: usize,
    #[cfg_attr(feature = "serde", serde(with = "super::stored::cap"))]
    pub(crate) keys: usize,
    #[cfg_attr(feature = "serde", serde(with = "super::stored::cap"))]
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
    /// Creates a sampler of `per_key` items for every key, seeded by the operating system.
    ///
    /// # Panics
    ///
    /// Panics if `per_key` is 0, or if the operating system cannot provide a seed.
    #[cfg(feature = "std")]
    #[must_use]
    #[track_caller]
    pub fn new(per_key: usize) -> Self {
        Self::with_rng(per_key, crate::random::from_system())
    }

    /// Creates a sampler of `per_key` items for every key with a portable seed.
    ///
    /// Give samplers that will be merged *different* seeds.
    ///
    /// # Panics
    ///
    /// Panics if `per_key` is 0.
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
            cleared: 0,
        }
    }

    /// Creates a sampler of `per_key` items for every key that takes its seed from `rng`. It needs no more of
    /// it: pass `&mut rng` to keep it.
    ///
    /// # Panics
    ///
    /// Panics if `per_key` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_rng<R: Rng>(per_key: usize, mut rng: R) -> Self {
        Self::with_seed(per_key, rng.next_u64())
    }

    /// Sets a cap on the number of keys.
    ///
    /// # Panics
    ///
    /// Panics if `keys` is 0.
    #[must_use]
    #[track_caller]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        assert!(keys > 0, "the cap on keys must be at least 1");
        self.limits.keys = keys;
        self.enforce_limits();
        self
    }

    /// Sets a cap on the total number of items held.
    ///
    /// # Panics
    ///
    /// Panics if `items` is less than the cap per key, because a single key might not fit.
    #[must_use]
    #[track_caller]
    pub fn with_max_items(mut self, items: usize) -> Self {
        let per_key = self.limits.per_key;
        assert!(
            items >= per_key,
            "the cap on items ({items}) is below the cap per key ({per_key})"
        );
        self.limits.items = items;
        self.enforce_limits();
        self
    }

    /// Returns the most items held for a key.
    #[must_use]
    pub fn capacity_per_key(&self) -> usize {
        self.limits.per_key
    }

    /// Returns the number of keys kept.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// Returns the number of items held, for all keys together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items
    }

    /// Returns whether no item is held. Items may have been offered: see [`seen`](Self::seen).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Returns the number of items offered, including those of dropped keys.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Returns the smallest hash ([`route`]) whose keys a cap dropped, or `None` if every key is kept.
    #[must_use]
    pub fn dropped_keys_from(&self) -> Option<u64> {
        self.dropped_from
    }

    /// Returns the expected share of the distinct keys that is kept: 1 if no key was dropped.
    #[must_use]
    pub fn key_inclusion_probability(&self) -> f64 {
        const HASHES: f64 = 18_446_744_073_709_551_616.0;
        self.dropped_from.map_or(1.0, |from| from as f64 / HASHES)
    }

    /// Iterates over the keys kept with their samples, in order of hash.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Reservoir<T>)> + Clone {
        let strata = self.strata.values().flatten();
        strata.map(|stratum| (&stratum.key, &stratum.sample))
    }

    /// Returns the sample of one key, if it is kept.
    pub fn get<Q>(&self, key: &Q) -> Option<&Reservoir<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let strata = self.strata.get(&route(key))?.iter();
        let mut same = strata.filter(|stratum| stratum.key.borrow() == key);
        same.next().map(|stratum| &stratum.sample)
    }

    /// Removes every key and item. The caps stay. Samples drawn afterwards are independent of those before.
    pub fn clear(&mut self) {
        self.dropped_from = None;
        self.keys = 0;
        self.items = 0;
        self.seen = 0;
        self.cleared = self.cleared.wrapping_add(1);
        self.strata.clear();
    }

    /// Drops the keys of largest hash until the caps hold.
    fn enforce_limits(&mut self) {
        // The items are dropped last: that may panic.
        let mut left_out = Vec::new();
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
            left_out.push(strata);
        }
    }

    /// Lowers each cap to that of `other` if it is smaller.
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
        let hash = route(&key);
        if self.is_dropped(hash) {
            self.seen = self.seen.saturating_add(1);
            return;
        }
        let strata = self.strata.entry(hash).or_default();
        let known = strata.iter().position(|stratum| stratum.key == key);
        let position = known.unwrap_or_else(|| {
            let rng = self.seed.key_rng(0, hash, self.cleared);
            strata.push(Stratum {
                key,
                sample: Reservoir::with_rng(self.limits.per_key, rng),
            });
            self.keys += 1;
            strata.len() - 1
        });
        // Not before: the key may have panicked when it was compared or dropped.
        self.seen = self.seen.saturating_add(1);
        let sample = &mut strata[position].sample;
        let before = sample.len();
        sample.update(item);
        self.items += sample.len() - before;
        self.enforce_limits();
    }

    /// Merges the sample of one key.
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
    /// Merges the samples key by key, and keeps the keys that one sampler of both streams would keep.
    /// Draws no random numbers.
    ///
    /// Each new cap is the smallest cap of the sides that were offered items. `self` keeps its seed.
    fn merge(&mut self, other: Self) {
        if other.seen == 0 {
            return;
        }
        if self.seen == 0 {
            *self = Self {
                seed: self.seed,
                cleared: self.cleared,
                ..other
            };
            return;
        }
        whole(self, Self::clear, |sample| sample.merge_seen(other));
    }
}

impl<K: Hash + Eq, T> StratifiedReservoir<K, T> {
    /// Merges two sides that were both offered items.
    fn merge_seen(&mut self, other: Self) {
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
        self.enforce_limits();
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
                    return Err("a key of a stratified sample is stored under a wrong hash");
                }
                if self.get(&stratum.key).is_some() {
                    return Err("a key of a stratified sample occurs twice");
                }
                if stratum.sample.seen() == 0 || stratum.sample.capacity() > limits.per_key {
                    return Err("the sample of a key does not fit its cap");
                }
                seen = seen.saturating_add(stratum.sample.seen());
                self.merge_stratum(stored_hash, stratum);
            }
        }
        if self.keys > limits.keys || self.items > limits.items {
            return Err("a stratified sample holds more than its caps allow");
        }
        if seen > self.seen || (seen < self.seen && self.dropped_from.is_none()) {
            return Err("the number of items seen does not fit the items held");
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
    cleared: u64,
} keys = 0, items = 0);
