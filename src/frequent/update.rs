//! Updates with single keys, by value or by reference, with or without a weight.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::counters::Place;
use super::error::UpdateError;
use super::misra_gries::{MisraGries, Steps};
use super::weight::Weight;

impl<K: Hash + Eq, W: Weight, S: BuildHasher> MisraGries<K, W, S> {
    /// Offers one key with weight one.
    ///
    /// # Panics
    ///
    /// Panics if the total weight overflows `W`.
    #[inline]
    #[track_caller]
    pub fn update(&mut self, key: K) {
        self.update_weighted(key, W::ONE);
    }

    /// Offers one key with a weight. Weight zero changes nothing.
    ///
    /// # Panics
    ///
    /// Panics if the weight is not a number, negative or infinite, or if the total weight overflows `W`;
    /// see [`try_update_weighted`](Self::try_update_weighted).
    #[inline]
    #[track_caller]
    pub fn update_weighted(&mut self, key: K, weight: W) {
        if let Err(error) = self.try_update_weighted(key, weight) {
            refuse(error);
        }
    }

    /// Offers one key with a weight, or returns why the weight is invalid. Weight zero changes nothing.
    ///
    /// # Errors
    ///
    /// Returns an error if the weight is not a number, negative or infinite, or if the total weight would
    /// overflow `W`. The summary is then unchanged.
    #[inline]
    pub fn try_update_weighted(&mut self, key: K, weight: W) -> Result<(), UpdateError> {
        let hash = self.counters.hash(&key);
        if self.admit(weight)? {
            self.place(hash, key, weight);
        }
        Ok(())
    }

    /// Offers one key by reference with weight one. Clones it only if it is not tracked yet.
    ///
    /// # Panics
    ///
    /// Panics if the total weight overflows `W`.
    #[inline]
    #[track_caller]
    pub fn update_ref<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.update_weighted_ref(key, W::ONE);
    }

    /// Offers one key by reference with a weight. Clones it only if it is not tracked yet.
    ///
    /// # Panics
    ///
    /// Panics where [`update_weighted`](Self::update_weighted) does.
    #[inline]
    #[track_caller]
    pub fn update_weighted_ref<Q>(&mut self, key: &Q, weight: W)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Err(error) = self.try_update_weighted_ref(key, weight) {
            refuse(error);
        }
    }

    /// Offers one key by reference with a weight, or returns why the weight is invalid.
    ///
    /// # Errors
    ///
    /// As for [`try_update_weighted`](Self::try_update_weighted).
    #[inline]
    pub fn try_update_weighted_ref<Q>(&mut self, key: &Q, weight: W) -> Result<(), UpdateError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.counters.hash(key);
        if self.admit(weight)? {
            self.place_ref(hash, key, weight);
        }
        Ok(())
    }

    /// Adds a weight to the total. Returns `false` if it is zero, so that nothing else is to do.
    #[inline]
    fn admit(&mut self, weight: W) -> Result<bool, UpdateError> {
        weight.validate()?;
        let total = self.total.checked_add(weight);
        self.total = total.ok_or(UpdateError::Overflow)?;
        Ok(weight != W::ZERO)
    }

    /// Adds a positive weight, which is in the total already, to a key.
    #[inline]
    pub(super) fn place(&mut self, hash: u32, key: K, weight: W) {
        self.note_weight(weight);
        let most = self.most_counters();
        let key = match self.counters.plain(most) {
            Some(mut plain) => match plain.add(hash, key, weight) {
                Ok(()) => return,
                Err(key) => key,
            },
            None => key,
        };
        match self.counters.locate(hash, &key) {
            Place::Held(slot) => self.counters.add_at(slot, weight),
            Place::Vacant(slot) if self.takes_newcomer() => {
                self.counters.insert(slot, hash, weight, most, |_| key);
                self.settle();
            }
            Place::Vacant(_) => {}
        }
    }

    /// Like [`place`](Self::place), by reference.
    #[inline]
    pub(super) fn place_ref<Q>(&mut self, hash: u32, key: &Q, weight: W)
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.note_weight(weight);
        self.place_noted(hash, key, weight);
    }

    /// Adds a weight, which is in the total already and whose kind is noted, to a key. If all weights are
    /// one, it is the sum of consecutive updates.
    #[inline]
    pub(super) fn place_noted<Q>(&mut self, hash: u32, key: &Q, mut weight: W)
    where
        K: Borrow<Q>,
        Q: Eq + ToOwned<Owned = K> + ?Sized,
    {
        while weight != W::ZERO {
            match self.counters.locate(hash, key) {
                Place::Held(slot) => return self.counters.add_at(slot, weight),
                Place::Vacant(slot) => weight = self.place_newcomer(slot, hash, key, weight),
            }
        }
    }

    /// Adds a weight to a key without a counter, or the part of it that one reduction removes. Returns the
    /// rest.
    #[inline(never)]
    fn place_newcomer<Q>(&mut self, slot: usize, hash: u32, key: &Q, weight: W) -> W
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        if !self.takes_newcomer() {
            return weight.saturating_minus(W::ONE);
        }
        let most = self.most_counters();
        self.counters
            .insert(slot, hash, weight, most, |remains| copied(key, remains));
        self.settle();
        W::ZERO
    }

    /// Whether a new key gets a counter.
    ///
    /// If all weights are one and all counters are taken, it does not: this is the textbook step, which
    /// reduces k + 1 counters by the smallest, the new key's counter of one.
    #[inline]
    fn takes_newcomer(&mut self) -> bool {
        if self.counters.len() < self.k || self.steps == Steps::Weighted {
            return true;
        }
        self.subtract(W::ONE);
        false
    }
}

/// An owned copy of a key, in the memory of a dropped key if there is one.
fn copied<Q: ToOwned + ?Sized>(key: &Q, remains: Option<Q::Owned>) -> Q::Owned {
    match remains {
        Some(mut remains) => {
            key.clone_into(&mut remains);
            remains
        }
        None => key.to_owned(),
    }
}

#[cold]
#[track_caller]
fn refuse(error: UpdateError) -> ! {
    panic!("invalid update: {error}")
}
