//! The estimates that samplers share, each written once.

/// Means, sums and quantiles of a function of the items of a uniform sample.
///
/// Needs `uniform`, which returns items that have the distribution of draws without replacement, and the size
/// of their population.
macro_rules! value_estimates {
    ($Sampler:ident) => {
        /// Estimates of means, sums and quantiles.
        impl<T, R> $Sampler<T, R> {
            /// Estimates the mean of `value` over all items seen, at confidence 0.95.
            ///
            /// See [`estimate_mean_with_confidence`](Self::estimate_mean_with_confidence).
            pub fn estimate_mean(&self, value: impl FnMut(&T) -> f64) -> Option<$crate::Estimate> {
                self.estimate_mean_with_confidence(value, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// Estimates the mean of `value` over all items seen. Returns `None` if no item was seen.
            ///
            /// Student's interval, with its ends moved for skewness (Hall 1992) and, without
            /// replacement, the finite-population correction (Cochran 1977, section 2.8). It assumes
            /// that the mean of k values is nearly normal: about a dozen values are enough, or hundreds
            /// if the values have a heavy tail. The interval of a single value is infinite.
            ///
            /// # Panics
            ///
            /// Panics if `confidence` is not strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_mean_with_confidence(
                &self,
                value: impl FnMut(&T) -> f64,
                confidence: f64,
            ) -> Option<$crate::Estimate> {
                let (items, population) = self.uniform();
                let values = items.map(value);
                let mean = $crate::estimate::mean_from_sample(values, population, confidence);
                (!self.is_empty()).then_some(mean)
            }

            /// Estimates the sum of `value` over all items seen, at confidence 0.95.
            pub fn estimate_sum(&self, value: impl FnMut(&T) -> f64) -> $crate::Estimate {
                self.estimate_sum_with_confidence(value, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// Estimates the sum of `value` over all items seen: n times
            /// [`estimate_mean_with_confidence`](Self::estimate_mean_with_confidence). If all items are held,
            /// their values are added up, and the sum is rounded once.
            ///
            /// # Panics
            ///
            /// Panics if `confidence` is not strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_sum_with_confidence(
                &self,
                value: impl FnMut(&T) -> f64,
                confidence: f64,
            ) -> $crate::Estimate {
                let (items, population) = self.uniform();
                let values = items.map(value);
                $crate::estimate::sum_from_sample(values, population, self.seen(), confidence)
            }

            /// Estimates the `q`-quantile of `value` over all items seen, at confidence 0.95.
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

            /// Estimates the smallest value with at least a share `q` of all values at or below it.
            /// Returns `None` if no item was seen. Values are in the order of [`f64::total_cmp`].
            ///
            /// The interval runs between two order statistics of the sample. Their ranks enclose, with
            /// the given confidence in the normal approximation, the number of sampled values at or
            /// below the true quantile (David and Nagaraja 2003, section 7.1). An end for which the
            /// sample is too small is infinite. O(k log k).
            ///
            /// # Panics
            ///
            /// Panics if `q` is not in 0..=1, or if `confidence` is not strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_quantile_with_confidence(
                &self,
                value: impl FnMut(&T) -> f64,
                q: f64,
                confidence: f64,
            ) -> Option<$crate::Estimate> {
                $crate::estimate::check_quantile(q);
                let (items, population) = self.uniform();
                let values = items.map(value).collect();
                $crate::estimate::quantile_from_sample(values, population, q, confidence)
            }
        }
    };
}

/// Counts and sums over the items of a sample by weight.
///
/// Needs `parts`, which returns each item held with its inclusion probability.
macro_rules! part_estimates {
    ($Sampler:ident) => {
        /// Estimates of counts and sums: each item is divided by its inclusion probability (Horvitz and
        /// Thompson 1952), which is unbiased after any tree of merges.
        ///
        /// The interval is the normal one with the variance of independent inclusions. It is good if
        /// dozens of items in the sample contribute. The answer is exact as long as no item has been
        /// left out.
        impl<T, R> $Sampler<T, R> {
            /// Estimates the number of items of positive weight seen that satisfy `predicate`, at
            /// confidence 0.95.
            pub fn estimate_count(&self, predicate: impl FnMut(&T) -> bool) -> $crate::Estimate {
                self.estimate_count_with_confidence(predicate, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// Estimates the number of items of positive weight seen that satisfy `predicate`.
            ///
            /// # Panics
            ///
            /// Panics if `confidence` is not strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_count_with_confidence(
                &self,
                mut predicate: impl FnMut(&T) -> bool,
                confidence: f64,
            ) -> $crate::Estimate {
                self.estimate_sum_with_confidence(|item| f64::from(predicate(item)), confidence)
            }

            /// Estimates the sum of `value` over the items of positive weight seen, at confidence 0.95.
            pub fn estimate_sum(&self, value: impl FnMut(&T) -> f64) -> $crate::Estimate {
                self.estimate_sum_with_confidence(value, $crate::estimate::DEFAULT_CONFIDENCE)
            }

            /// Estimates the sum of `value` over the items of positive weight seen.
            ///
            /// # Panics
            ///
            /// Panics if `confidence` is not strictly between 0 and 1.
            #[track_caller]
            pub fn estimate_sum_with_confidence(
                &self,
                mut value: impl FnMut(&T) -> f64,
                confidence: f64,
            ) -> $crate::Estimate {
                let parts = self.parts().map(|(item, p)| (value(item), p));
                $crate::estimate::sum_from_parts(parts, !self.is_saturated(), confidence)
            }
        }
    };
}

pub(crate) use {part_estimates, value_estimates};
