//! The parts of the public API that are the same for every sampler, written once.

/// `new` and `with_seed`, both delegating to `with_rng`, with the arguments between the capacity
/// and the generator, if any.
macro_rules! seeded_constructors {
    ($Sampler:ident $(, $argument:ident: $Type:ty)*) => {
        #[cfg(feature = "std")]
        impl<T> $Sampler<T> {
            /// A sampler whose generator is seeded by the operating system.
            ///
            /// # Panics
            ///
            /// Where `with_rng` does, or if the operating system has no randomness to give.
            #[must_use]
            #[track_caller]
            pub fn new(capacity: usize $(, $argument: $Type)*) -> Self {
                Self::with_rng(capacity $(, $argument)*, crate::random::from_system())
            }
        }

        impl<T> $Sampler<T> {
            /// A sampler with a portable generator: the same seed and the same items give the same
            /// sample on every platform.
            ///
            /// Give samplers that will be merged *different* seeds, or derive their generators
            /// with [`JobSeed`](crate::random::JobSeed): equal seeds make their samples
            /// correlated.
            ///
            /// # Panics
            ///
            /// Where `with_rng` does.
            #[must_use]
            #[track_caller]
            pub fn with_seed(capacity: usize $(, $argument: $Type)*, seed: u64) -> Self {
                Self::with_rng(capacity $(, $argument)*, crate::random::seeded(seed))
            }
        }
    };
}

/// What a sampler answers from its `BottomK`, found at the path given, and its iterators and `Debug`.
macro_rules! bottom_k_api {
    ($Sampler:ident, $($core:ident).+) => {
        impl<T, R> $Sampler<T, R> {
            /// The most items the sample holds.
            #[must_use]
            pub fn capacity(&self) -> usize {
                self.$($core).+.capacity()
            }

            /// The number of items held.
            #[must_use]
            pub fn len(&self) -> usize {
                self.$($core).+.len()
            }

            /// Whether the capacity has made any item be left out.
            #[must_use]
            pub fn is_saturated(&self) -> bool {
                self.$($core).+.threshold().is_some()
            }

            /// The items held, in no meaningful order.
            pub fn iter(&self) -> crate::sample::Iter<'_, T> {
                crate::sample::Iter::from(self.$($core).+.iter())
            }

            /// The items held, in no meaningful order.
            #[must_use]
            pub fn into_vec(self) -> alloc::vec::Vec<T> {
                let entries = self.$($core).+.into_entries().into_iter();
                entries.map(|entry| entry.item).collect()
            }
        }
        crate::sample::api::iterate_and_debug!($Sampler);
    };
}

/// `is_empty` and `seen` of a sampler with the field `seen: u64`.
macro_rules! seen_api {
    ($Sampler:ident) => {
        impl<T, R> $Sampler<T, R> {
            /// Whether nothing was ever offered.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.seen == 0
            }

            /// The number of items offered.
            #[must_use]
            pub fn seen(&self) -> u64 {
                self.seen
            }
        }
    };
}

/// `IntoIterator`, owned and by reference, and `Debug`, by `iter`, `into_vec`, `capacity` and
/// `seen`.
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

/// The ways of offering weighted items, by `update_valid(Weight, FnOnce() -> T)` and
/// `pass_first(&[f64]) -> usize`, which passes over as many items as need no looking at.
macro_rules! offer_weighted {
    ($Sampler:ident) => {
        impl<T, R: rand::Rng> $Sampler<T, R> {
            /// Offers one item. Amortised O(1); O(log k) when it is heavy.
            ///
            /// # Errors
            ///
            /// If `weight` is NaN, negative or infinite. The sampler is as it was before.
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

            /// Offers `items[i]` with weight `weights[i]` for every i, cloning only those that are
            /// kept.
            ///
            /// # Errors
            ///
            /// If a weight is NaN, negative or infinite; the items before it have been offered.
            ///
            /// # Panics
            ///
            /// If the slices differ in length.
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
                    next += self.pass_first(&weights[next..]);
                    let Some(&weight) = weights.get(next) else {
                        return Ok(());
                    };
                    let weight = crate::sample::Weight::new(weight)?;
                    self.update_valid(weight, || items[next].clone());
                    next += 1;
                }
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

/// Means, sums and quantiles of a function of the items of a uniform sample, `$population` giving the
/// number of items that draws without replacement would be from for the law of this sample.
macro_rules! value_estimates {
    ($Sampler:ident, $population:ident) => {
        /// Means, sums and quantiles.
        impl<T, R> $Sampler<T, R> {
            /// The mean of `value` over all items seen, at confidence 0.95.
            ///
            /// See [`estimate_mean_with_confidence`](Self::estimate_mean_with_confidence).
            pub fn estimate_mean(&self, value: impl FnMut(&T) -> f64) -> Option<$crate::Estimate> {
                self.estimate_mean_with_confidence(value, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// The mean of `value` over all items seen; `None` if nothing was.
            ///
            /// Student's interval, its ends moved for skewness (Hall 1992); without replacement, with
            /// the finite-population correction (Cochran 1977, section 2.8). It rests on the mean of
            /// k values being nearly normal: good from k of a dozen on, or of hundreds for values
            /// with a heavy tail. One value alone bounds nothing: its interval is infinite.
            ///
            /// # Panics
            ///
            /// If `confidence` does not lie strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_mean_with_confidence(
                &self,
                value: impl FnMut(&T) -> f64,
                confidence: f64,
            ) -> Option<$crate::Estimate> {
                let mean = $crate::estimate::mean_from_sample(
                    self.iter().map(value),
                    self.$population(),
                    confidence,
                );
                (!self.is_empty()).then_some(mean)
            }

            /// The sum of `value` over all items seen, at confidence 0.95.
            pub fn estimate_sum(&self, value: impl FnMut(&T) -> f64) -> $crate::Estimate {
                self.estimate_sum_with_confidence(value, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// The sum of `value` over all items seen: n times
            /// [`estimate_mean_with_confidence`](Self::estimate_mean_with_confidence).
            ///
            /// # Panics
            ///
            /// If `confidence` does not lie strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_sum_with_confidence(
                &self,
                value: impl FnMut(&T) -> f64,
                confidence: f64,
            ) -> $crate::Estimate {
                self.estimate_mean_with_confidence(value, confidence)
                    .map_or($crate::Estimate::exact(0.0), |mean| {
                        mean.scaled(self.seen() as f64)
                    })
            }

            /// The `q`-quantile of `value` over all items seen, at confidence 0.95.
            ///
            /// See [`estimate_quantile_with_confidence`](Self::estimate_quantile_with_confidence).
            #[track_caller]
            pub fn estimate_quantile(
                &self,
                value: impl FnMut(&T) -> f64,
                q: f64,
            ) -> Option<$crate::Estimate> {
                self.estimate_quantile_with_confidence(
                    value,
                    q,
                    $crate::estimate::DEFAULT_CONFIDENCE,
                )
            }

            /// The smallest value with at least a share `q` of the values of all items seen at or below it;
            /// `None` if nothing was seen. Values are in the order of [`f64::total_cmp`].
            ///
            /// The interval runs between two values held, whose ranks are so chosen that the number of values
            /// below the true quantile lies between them with the given
            /// confidence in the normal approximation (order statistics: David and Nagaraja 2003, section
            /// 7.1). An end for which the sample is too small is infinite. O(k log k).
            ///
            /// # Panics
            ///
            /// If `q` is not in 0..=1, or if `confidence` does not lie strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_quantile_with_confidence(
                &self,
                value: impl FnMut(&T) -> f64,
                q: f64,
                confidence: f64,
            ) -> Option<$crate::Estimate> {
                $crate::estimate::check_quantile(q);
                let values = self.iter().map(value).collect();
                $crate::estimate::quantile_from_sample(values, self.$population(), q, confidence)
            }
        }
    };
}

/// Counts and sums over the items of a sample by weight, whose `parts` gives each item held with the
/// probability with which it was included.
macro_rules! part_estimates {
    ($Sampler:ident) => {
        /// Counts and sums of items, each over the probability with which it was included (Horvitz
        /// and Thompson 1952): unbiased after any tree of merges.
        ///
        /// The interval is the normal one with the variance that independent inclusions have: good
        /// where dozens of items held contribute. While nothing has been left out every answer is
        /// exact.
        impl<T, R> $Sampler<T, R> {
            /// How many of the items of positive weight seen satisfy `predicate`, at confidence
            /// 0.95.
            pub fn estimate_count(&self, predicate: impl FnMut(&T) -> bool) -> $crate::Estimate {
                self.estimate_count_with_confidence(predicate, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// How many of the items of positive weight seen satisfy `predicate`.
            ///
            /// # Panics
            ///
            /// If `confidence` does not lie strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_count_with_confidence(
                &self,
                mut predicate: impl FnMut(&T) -> bool,
                confidence: f64,
            ) -> $crate::Estimate {
                self.estimate_sum_with_confidence(|item| f64::from(predicate(item)), confidence)
            }

            /// The sum of `value` over the items of positive weight seen, at confidence 0.95.
            pub fn estimate_sum(&self, value: impl FnMut(&T) -> f64) -> $crate::Estimate {
                self.estimate_sum_with_confidence(value, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// The sum of `value` over the items of positive weight seen.
            ///
            /// # Panics
            ///
            /// If `confidence` does not lie strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_sum_with_confidence(
                &self,
                mut value: impl FnMut(&T) -> f64,
                confidence: f64,
            ) -> $crate::Estimate {
                let parts = self.parts().map(|(item, p)| (value(item), p));
                $crate::estimate::sum_from_parts(parts, confidence)
            }
        }
    };
}

pub(crate) use {
    bottom_k_api, iterate_and_debug, offer_weighted, part_estimates, seeded_constructors, seen_api,
    value_estimates,
};
