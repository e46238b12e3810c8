//! The parts of the public API that samplers share, each written once.
//!
//! A sampler names the macros that fit it. Their methods call private methods and fields of the
//! sampler, which each macro lists.

/// `new` and `with_seed`, which call `with_rng`. Arguments between the capacity and the generator
/// follow the name of the sampler.
macro_rules! seeded_constructors {
    ($Sampler:ident $(, $argument:ident: $Type:ty)*) => {
        #[cfg(feature = "std")]
        impl<T> $Sampler<T> {
            /// Creates a sampler whose generator is seeded by the operating system.
            ///
            /// # Panics
            ///
            /// Panics where [`with_rng`](Self::with_rng) does, and if the operating system cannot
            /// provide a seed.
            #[must_use]
            #[track_caller]
            pub fn new(capacity: usize $(, $argument: $Type)*) -> Self {
                Self::with_rng(capacity $(, $argument)*, crate::random::from_system())
            }
        }

        impl<T> $Sampler<T> {
            /// Creates a sampler with a portable generator: the same seed and the same items give
            /// the same sample on every platform.
            ///
            /// Give samplers that will be merged *different* seeds, or derive their generators
            /// from a [`JobSeed`](crate::random::JobSeed): samples with equal seeds are correlated.
            ///
            /// # Panics
            ///
            /// Panics where [`with_rng`](Self::with_rng) does.
            #[must_use]
            #[track_caller]
            pub fn with_seed(capacity: usize $(, $argument: $Type)*, seed: u64) -> Self {
                Self::with_rng(capacity $(, $argument)*, crate::random::seeded(seed))
            }
        }
    };
}

/// All constructors of a sampler that needs a capacity and a generator only.
///
/// Needs `empty(capacity: usize, rng: R) -> Self` for a capacity above 0.
macro_rules! constructors {
    ($Sampler:ident) => {
        impl<T, R> $Sampler<T, R> {
            /// Creates a sampler of the given capacity that draws its random numbers from `rng`.
            ///
            /// # Panics
            ///
            /// Panics if `capacity` is 0.
            #[must_use]
            #[track_caller]
            pub fn with_rng(capacity: usize, rng: R) -> Self {
                crate::sample::bottom_k::check_capacity(capacity);
                Self::empty(capacity, rng)
            }
        }
        crate::sample::api::seeded_constructors!($Sampler);
    };
}

/// The queries and iterators of a sampler on a `BottomK`, which is at the given path.
macro_rules! bottom_k_api {
    ($Sampler:ident, $($core:ident).+) => {
        impl<T, R> $Sampler<T, R> {
            /// Returns the most items the sample holds.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.$($core).+.capacity()
            }

            /// Returns the number of items held.
            #[must_use]
            pub fn len(&self) -> usize {
                self.$($core).+.len()
            }

            /// Returns whether no item is held. Items may have been offered: see [`seen`](Self::seen).
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Returns whether an item was left out because the sample was full.
            #[must_use]
            pub fn is_saturated(&self) -> bool {
                self.$($core).+.threshold().is_some()
            }

            /// Iterates over the items held, in no meaningful order.
            pub fn iter(&self) -> crate::sample::Iter<'_, T> {
                crate::sample::Iter::new(self.$($core).+.iter())
            }

            /// Returns the items held, in no meaningful order.
            #[must_use]
            pub fn into_vec(self) -> alloc::vec::Vec<T> {
                let entries = self.$($core).+.into_entries().into_iter();
                entries.map(|entry| entry.item).collect()
            }
        }
        crate::sample::api::iterate_and_debug!($Sampler);
    };
}

/// `seen` of a sampler with the field `seen: u64`.
macro_rules! seen_api {
    ($Sampler:ident) => {
        impl<T, R> $Sampler<T, R> {
            /// Returns the number of items offered.
            #[must_use]
            pub fn seen(&self) -> u64 {
                self.seen
            }
        }
    };
}

/// `IntoIterator`, owned and by reference, and `Debug`.
///
/// Needs `iter`, `into_vec`, `capacity` and `seen`.
macro_rules! iterate_and_debug {
    ($Sampler:ident) => {
        impl<T, R> IntoIterator for $Sampler<T, R> {
            type Item = T;
            type IntoIter = alloc::vec::IntoIter<T>;

            fn into_iter(self) -> Self::IntoIter {
                self.into_vec().into_iter()
            }
        }

        impl<'a, T, R> IntoIterator for &'a $Sampler<T, R> {
            type Item = &'a T;
            type IntoIter = crate::sample::Iter<'a, T>;

            fn into_iter(self) -> Self::IntoIter {
                self.iter()
            }
        }

        impl<T: core::fmt::Debug, R> core::fmt::Debug for $Sampler<T, R> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($Sampler))
                    .field("capacity", &self.capacity())
                    .field("seen", &self.seen())
                    .field("items", &self.iter())
                    .finish_non_exhaustive()
            }
        }
    };
}

/// What a sampler without ranks has beside its law: constructors, counts, iterators and the merge,
/// whose docs and extra bounds are given.
///
/// Needs the fields `capacity: usize`, `seen: u64` and `rng: R`, and the methods `empty`, `iter`
/// and `into_vec`. `holds_none(&self) -> bool` says that a merge may ignore a side: it may hold a partial
/// item and still be empty. `merge_held(&mut self, other: Self, seen: u64)` merges two sides of which
/// neither holds none, which have seen so many items together. Only a merge of the latter kind draws
/// random numbers.
macro_rules! rankless_api {
    ($Sampler:ident, $(#[$merge:meta])+ merge $(where T: $Bound:path)?) => {
        crate::sample::api::constructors!($Sampler);
        crate::sample::api::seen_api!($Sampler);
        crate::sample::api::iterate_and_debug!($Sampler);

        impl<T, R> $Sampler<T, R> {
            /// Returns the most items the sample holds.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.capacity
            }

            /// Returns whether the sample has no item. Items may have been offered: see
            /// [`seen`](Self::seen).
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        impl<T $(: $Bound)?, R: rand::Rng> crate::Merge for $Sampler<T, R> {
            $(#[$merge])+
            fn merge(&mut self, mut other: Self) {
                let seen = self.seen.saturating_add(other.seen);
                match (self.holds_none(), other.holds_none()) {
                    (true, true) => {
                        self.capacity = self.capacity.min(other.capacity);
                        self.seen = seen;
                    }
                    (false, true) => self.seen = seen,
                    (true, false) => {
                        core::mem::swap(&mut self.rng, &mut other.rng);
                        other.seen = seen;
                        *self = other;
                    }
                    (false, false) => self.merge_held(other, seen),
                }
            }
        }
    };
}

/// The ways of offering weighted items one by one.
///
/// Needs `update_valid(&mut self, weight: Weight, item: impl FnOnce() -> T)`.
macro_rules! weighted_api {
    ($Sampler:ident) => {
        impl<T, R: rand::Rng> $Sampler<T, R> {
            /// Offers one item with its weight. Amortised O(1); O(log k) if the item is kept.
            ///
            /// # Errors
            ///
            /// Returns an error if `weight` is NaN, negative or infinite. The sampler is then
            /// unchanged.
            #[inline]
            pub fn update_weighted(
                &mut self,
                item: T,
                weight: f64,
            ) -> Result<(), crate::sample::WeightError> {
                self.update_valid(crate::sample::Weight::new(weight)?, || item);
                Ok(())
            }

            /// Offers one item of weight 1.
            #[inline]
            pub fn update(&mut self, item: T) {
                self.update_valid(crate::sample::Weight::ONE, || item);
            }
        }

        impl<T, R: rand::Rng> Extend<(T, crate::sample::Weight)> for $Sampler<T, R> {
            fn extend<I: IntoIterator<Item = (T, crate::sample::Weight)>>(&mut self, items: I) {
                items
                    .into_iter()
                    .for_each(|(item, weight)| self.update_valid(weight, || item));
            }
        }

        impl<T, R: rand::Rng> crate::Summary for $Sampler<T, R> {
            type Item = (T, crate::sample::Weight);

            fn update(&mut self, (item, weight): (T, crate::sample::Weight)) {
                self.update_valid(weight, || item);
            }
        }
    };
}

/// The ways of offering weighted items to a sampler with a `Gate`, and reading one back.
///
/// Needs the fields `gate: Gate`, `seen: u64` and `rng: R`, and the methods `pool(&self) ->
/// Option<Pool>`, `consider(&mut self, item: impl FnOnce() -> T, weight: f64)` for an item that the
/// gate stopped, and `check(&self) -> Result<(), &'static str>`.
macro_rules! gated_api {
    ($Sampler:ident) => {
        crate::sample::api::weighted_api!($Sampler);

        impl<T, R: rand::Rng> $Sampler<T, R> {
            #[inline]
            fn update_valid(&mut self, weight: crate::sample::Weight, item: impl FnOnce() -> T) {
                self.seen = self.seen.saturating_add(1);
                if !self.gate.pass(weight.get()) {
                    self.consider(item, weight.get());
                }
            }

            /// Offers `items[i]` with weight `weights[i]` for every i. Clones only the items kept.
            ///
            /// # Errors
            ///
            /// Returns an error at the first weight that is NaN, negative or infinite. The items
            /// before it have been offered.
            ///
            /// # Panics
            ///
            /// Panics if the slices differ in length.
            #[track_caller]
            pub fn extend_from_slices(
                &mut self,
                items: &[T],
                weights: &[f64],
            ) -> Result<(), crate::sample::WeightError>
            where
                T: Clone,
            {
                assert_eq!(items.len(), weights.len(), "one weight for every item");
                let mut next = 0;
                loop {
                    let passed = self.gate.pass_first(&weights[next..]);
                    self.seen = self.seen.saturating_add(passed as u64);
                    next += passed;
                    let Some(&weight) = weights.get(next) else {
                        return Ok(());
                    };
                    let weight = crate::sample::Weight::new(weight)?;
                    self.update_valid(weight, || items[next].clone());
                    next += 1;
                }
            }

            /// Opens the gate with a new jump, or closes it if there is no pool.
            fn open_gate(&mut self) {
                match self.pool() {
                    Some(pool) => self.gate.open(pool, &mut self.rng),
                    None => self.gate.close(),
                }
            }
        }

        #[cfg(feature = "serde")]
        impl<T, R> $Sampler<T, R> {
            /// Checks a sample that was read back, and opens its gate again.
            fn restore(&mut self) -> Result<(), &'static str> {
                self.check()?;
                let pool = self.pool();
                self.gate.restore(pool)
            }
        }
    };
}

pub(crate) use {
    bottom_k_api, constructors, gated_api, iterate_and_debug, rankless_api, seeded_constructors,
    seen_api, weighted_api,
};
