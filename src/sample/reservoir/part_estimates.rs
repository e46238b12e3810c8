//! Estimates of the mean and the quantiles of a part of the stream.

use alloc::vec::Vec;

use super::Reservoir;
use crate::estimate::{self, Estimate};

/// Estimates for a part of the stream: the items for which a function returns a value.
///
/// Given their number, the items held that belong to the part are a uniform sample of it. So the
/// methods for the whole stream apply, to a population of `m * n/k` items if m items of the part are
/// held (domain estimation: Cochran 1977, section 2.12).
impl<T, R> Reservoir<T, R> {
    /// Estimates the mean of `value` over the items seen for which it returns `Some`. Returns `None` if
    /// there is no such item in the sample.
    ///
    /// The interval is that of [`estimate_mean_with_confidence`](Self::estimate_mean_with_confidence)
    /// over the items of the part. It is exact as long as no item has been left out.
    ///
    /// # Panics
    ///
    /// Panics if `confidence` is not strictly between 0 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::Reservoir;
    ///
    /// let mut sample = Reservoir::with_seed(1_000, 1);
    /// sample.extend(0..100_000u32);
    /// let odd = |&i: &u32| (i % 2 == 1).then_some(f64::from(i));
    /// let mean = sample.estimate_mean_where_with_confidence(odd, 0.99);
    /// assert!(mean.is_some_and(|mean| mean.contains(50_000.0)));
    /// ```
    #[track_caller]
    pub fn estimate_mean_where_with_confidence(
        &self,
        value: impl FnMut(&T) -> Option<f64>,
        confidence: f64,
    ) -> Option<Estimate> {
        let (values, population) = self.part(value);
        let any = !values.is_empty();
        let mean = estimate::mean_from_sample(values.into_iter(), population, confidence);
        any.then_some(mean)
    }

    /// Estimates the `q`-quantile of `value` over the items seen for which it returns `Some`. Returns
    /// `None` if there is no such item in the sample.
    ///
    /// The interval is that of
    /// [`estimate_quantile_with_confidence`](Self::estimate_quantile_with_confidence) over the items of
    /// the part. It is exact as long as no item has been left out.
    ///
    /// # Panics
    ///
    /// Panics if `q` is not in 0..=1, or if `confidence` is not strictly between 0 and 1.
    #[track_caller]
    pub fn estimate_quantile_where_with_confidence(
        &self,
        value: impl FnMut(&T) -> Option<f64>,
        q: f64,
        confidence: f64,
    ) -> Option<Estimate> {
        estimate::check_quantile(q);
        let (values, population) = self.part(value);
        estimate::quantile_from_sample(values, population, q, confidence)
    }

    /// The values of the items held of a part, and the estimated size of the part. It is rounded up, so
    /// that a sample of a larger part is never taken for the whole part.
    fn part(&self, value: impl FnMut(&T) -> Option<f64>) -> (Vec<f64>, u64) {
        let values: Vec<f64> = self.iter().filter_map(value).collect();
        let held = self.len().max(1) as u128;
        let population = (values.len() as u128 * u128::from(self.seen())).div_ceil(held);
        (values, u64::try_from(population).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a stream of 20,000, every tenth item, with a value of its own.
    fn tenth(item: &u32) -> Option<f64> {
        item.is_multiple_of(10).then(|| f64::from(item % 1_000))
    }

    fn coverage(ask: impl Fn(&Reservoir<u32>) -> Option<Estimate>, truth: f64) -> u32 {
        let covers = |seed: &u64| {
            let mut sample = Reservoir::with_seed(500, *seed);
            sample.extend(0..20_000);
            ask(&sample).is_some_and(|estimate| estimate.contains(truth))
        };
        (0..500).filter(covers).count() as u32
    }

    #[test]
    fn intervals_cover_the_truth_of_the_part() {
        // 500 runs at 0.95: 475 are wanted, with a standard deviation of 4.9.
        let mean = coverage(
            |sample| sample.estimate_mean_where_with_confidence(tenth, 0.95),
            495.0,
        );
        assert!((455..=495).contains(&mean), "{mean}");
        let median = coverage(
            |sample| sample.estimate_quantile_where_with_confidence(tenth, 0.5, 0.95),
            490.0,
        );
        assert!((455..=500).contains(&median), "{median}");
    }

    #[test]
    fn a_complete_sample_is_exact_and_an_empty_one_has_no_mean() {
        let mut sample = Reservoir::with_seed(5, 1);
        sample.extend([1u32, 2, 30, 40]);
        let large = |&i: &u32| (i > 9).then_some(f64::from(i));
        let mean = sample.estimate_mean_where_with_confidence(large, 0.9);
        assert_eq!(mean, Some(Estimate::exact(35.0)));
        let least = sample.estimate_quantile_where_with_confidence(large, 0.0, 0.9);
        assert_eq!(least, Some(Estimate::exact(30.0)));
        let none = sample.estimate_mean_where_with_confidence(|_| None, 0.9);
        assert_eq!(none, None);
    }

    #[test]
    fn a_part_of_which_little_was_left_out_is_not_taken_as_complete() {
        let mut sample = Reservoir::with_seed(100, 1);
        sample.extend(0..101u32);
        let mean = sample.estimate_mean_where_with_confidence(tenth, 0.95);
        assert!(mean.is_some_and(|mean| mean.width() > 0.0));
    }
}
