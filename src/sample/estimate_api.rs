//! The estimates that samplers share, each written once.

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

pub(crate) use {part_estimates, value_estimates};
