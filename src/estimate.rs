//! Estimates with bounds, and the interval formulas behind them.
//!
//! Plain data and arithmetic. Nothing here depends on a sampler.

mod quantile;
mod sum;

use alloc::vec::Vec;
use core::fmt;

use quantile::{normal_quantile, student_quantile};
pub(crate) use sum::sum_of;
use sum::{sum_within_range, unit_of};

/// An estimate with a confidence interval.
///
/// `lower <= value <= upper`, and the interval covers the truth with probability `confidence`:
/// approximately where the docs of a method say so, with certainty where `confidence` is 1.
///
/// # Examples
///
/// ```
/// use forebay::sample::Reservoir;
///
/// let mut sample = Reservoir::with_seed(1_000, 42);
/// sample.extend(0..100_000u32);
/// let even = sample.estimate_count(|x| x % 2 == 0);
/// assert!(even.lower < 50_000.0 && 50_000.0 < even.upper);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Estimate {
    /// The best single guess.
    pub value: f64,
    /// The lower end of the interval.
    pub lower: f64,
    /// The upper end of the interval.
    pub upper: f64,
    /// The nominal probability that the interval covers the truth; 1 if the value is exact.
    pub confidence: f64,
}

impl Estimate {
    /// The estimate of `factor` times the quantity; `factor` is not negative.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        self.map(|quantity| quantity * factor)
    }

    /// Creates an estimate of a known value: an interval of width 0 with confidence 1.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            lower: value,
            upper: value,
            confidence: 1.0,
        }
    }

    /// Returns whether `truth` lies in the interval, its ends included.
    #[must_use]
    pub fn contains(&self, truth: f64) -> bool {
        self.lower <= truth && truth <= self.upper
    }

    /// Returns the length of the interval.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }

    /// The estimate of an increasing function of the quantity.
    pub(crate) fn map(self, function: impl Fn(f64) -> f64) -> Self {
        Self {
            value: function(self.value),
            lower: function(self.lower),
            upper: function(self.upper),
            confidence: self.confidence,
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(1);
        write!(
            f,
            "{:.digits$} ({:.digits$}..={:.digits$} at {}%)",
            self.value,
            self.lower,
            self.upper,
            self.confidence * 100.0
        )
    }
}

/// The confidence of the methods that take none.
pub(crate) const DEFAULT_CONFIDENCE: f64 = 0.95;

/// Panics unless `confidence` lies strictly between 0 and 1.
#[track_caller]
pub(crate) fn check_confidence(confidence: f64) {
    assert!(
        confidence > 0.0 && confidence < 1.0,
        "the confidence must be strictly between 0 and 1, not {confidence}"
    );
}

/// Panics unless `q` lies in 0..=1.
#[track_caller]
pub(crate) fn check_quantile(q: f64) {
    assert!(
        (0.0..=1.0).contains(&q),
        "the quantile must be in 0..=1, not {q}"
    );
}

/// The number of items with a property in a population, of which `hits` items of a uniform sample of
/// `size` without replacement have it.
///
/// Wilson's score interval with the finite-population correction `(population - size)/(population -
/// 1)` on the variance (Wilson 1927; Cochran 1977, section 3.6), widened to whole numbers and cut to
/// the values that the sample leaves possible.
pub(crate) fn count_from_sample(
    hits: u64,
    size: u64,
    population: u64,
    confidence: f64,
) -> Estimate {
    check_confidence(confidence);
    if size >= population {
        return Estimate::exact(hits as f64);
    }
    let (least, most) = (hits as f64, (population - (size - hits)) as f64);
    if size == 0 {
        return Estimate {
            value: 0.0,
            lower: 0.0,
            upper: population as f64,
            confidence,
        };
    }
    let (n, total) = (size as f64, population as f64);
    let share = hits as f64 / n;
    let z = normal_quantile(0.5 + confidence / 2.0);
    // The correction shrinks the variance as if the sample were larger by its inverse.
    let z2 = z * z * (total - n) / (total - 1.0) / n;
    let (lower, upper) = wilson(share, z2);
    let value = (share * total).clamp(least, most);
    Estimate {
        value,
        // Rounding must not push an end past the value.
        lower: libm::floor(lower * total).max(least).min(value),
        upper: libm::ceil(upper * total).min(most).max(value),
        confidence,
    }
}

/// The ends of Wilson's score interval for a share (Wilson 1927), where `z2` is the square of the
/// normal quantile divided by the effective number of draws.
///
/// The interval holds every share whose distance from the observed one is at most the quantile times
/// its own standard deviation.
fn wilson(share: f64, z2: f64) -> (f64, f64) {
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let half = libm::sqrt(z2 * (share * (1.0 - share) + z2 / 4.0)) / (1.0 + z2);
    (centre - half, centre + half)
}

/// The share of a population with a property, given its `share` of `draws` independent draws:
/// Wilson's interval.
pub(crate) fn share_of_draws(share: f64, draws: f64, confidence: f64) -> Estimate {
    let z = normal_quantile(0.5 + confidence / 2.0);
    let (lower, upper) = wilson(share, z * z / draws);
    Estimate {
        value: share,
        // Rounding must not push an end past the share itself.
        lower: lower.clamp(0.0, share),
        upper: upper.clamp(share, 1.0),
        confidence,
    }
}

/// The number of some items in a sample of fixed size, and the sum of their inclusion probabilities.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Included {
    count: f64,
    /// At most the count.
    probability: f64,
}

impl Included {
    pub(crate) fn add(&mut self, probability: f64) {
        self.count += 1.0;
        self.probability += probability.min(1.0);
    }

    /// The mean of `1 - p`, with one more item of p = 0: the fraction of an item's variance that
    /// remains under sampling without replacement. The extra item makes it conservative for few items.
    fn remaining_variance(self) -> f64 {
        (self.count - self.probability + 1.0) / (self.count + 1.0)
    }
}

/// The expected number of slots that a part of the stream takes in a sample of fixed size that holds
/// `hits` of the part and `misses` of the rest.
///
/// Wilson's score interval with a corrected variance. Let `a` be the sum of `1 - p` over the hits and
/// `b` the same over the misses. Because the size is fixed, the number of hits has the variance
/// `a * b / (a + b)` (Hájek 1964); the correction is its ratio to the binomial variance.
pub(crate) fn slots_of_sample(hits: Included, misses: Included, confidence: f64) -> Estimate {
    check_confidence(confidence);
    let size = hits.count + misses.count;
    if size == 0.0 {
        return Estimate::exact(0.0);
    }
    let (a, b) = (hits.remaining_variance(), misses.remaining_variance());
    let correction = size * a * b / (hits.count * a + misses.count * b);
    let z = normal_quantile(0.5 + confidence / 2.0);
    let (lower, upper) = wilson(hits.count / size, z * z * correction / size);
    // Rounding may have pushed an end past the value.
    Estimate {
        value: hits.count,
        lower: (lower * size).max(hits.probability).min(hits.count),
        upper: (upper * size)
            .min(size - misses.probability)
            .max(hits.count),
        confidence,
    }
}

/// The mean of a population of which `values` are a uniform sample without replacement.
///
/// Student's interval with the finite-population correction on the variance (Cochran 1977, section
/// 2.8). Hall's cubic transformation (Hall 1992) moves the ends for the skewness of the mean; without
/// it, intervals for values with a long tail miss too often on that side. The interval of a single
/// value is infinite.
pub(crate) fn mean_from_sample(
    values: impl Iterator<Item = f64>,
    population: u64,
    confidence: f64,
) -> Estimate {
    check_confidence(confidence);
    let mut values: Vec<f64> = values.collect();
    let unit = unit_of(&values);
    values.iter_mut().for_each(|value| *value /= unit);
    let Moments {
        n,
        mean,
        squares,
        cubes,
    } = Moments::of(&values);
    let total = population as f64;
    if values.len() as u64 >= population {
        return Estimate::exact(mean * unit);
    }
    let (below, above) = if n < 2.0 {
        (f64::INFINITY, f64::INFINITY)
    } else {
        let share = n / total;
        let error = libm::sqrt(squares / (n - 1.0) * (1.0 - share) / n);
        // The skewness of the mean: that of the values over sqrt(n), reduced for the finite
        // population.
        let skew = if squares > 0.0 {
            cubes / (squares * libm::sqrt(squares)) * (1.0 - 2.0 * share) / libm::sqrt(1.0 - share)
        } else {
            0.0
        };
        let t = student_quantile(0.5 + confidence / 2.0, n - 1.0);
        (error * unskewed(t, skew), -error * unskewed(-t, skew))
    };
    Estimate {
        value: mean * unit,
        lower: (mean - below.max(0.0)) * unit,
        upper: (mean + above.max(0.0)) * unit,
        confidence,
    }
}

/// The number, the mean and the sums of squared and cubed deviations of some values.
struct Moments {
    n: f64,
    mean: f64,
    squares: f64,
    cubes: f64,
}

impl Moments {
    /// The mean first, then what is around it, so that nothing cancels.
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = sum_within_range(values.iter().copied()) / n.max(1.0);
        let (mut squares, mut cubes) = (0.0, 0.0);
        for value in values {
            let off = value - mean;
            squares += off * off;
            cubes += off * off * off;
        }
        Self {
            n,
            mean,
            squares,
            cubes,
        }
    }
}

/// The sum over a population of which `values` are a uniform sample without replacement: the sum of all values
/// if they are all there, else `seen` times the mean.
pub(crate) fn sum_from_sample(
    values: impl Iterator<Item = f64>,
    population: u64,
    seen: u64,
    confidence: f64,
) -> Estimate {
    check_confidence(confidence);
    let values: Vec<f64> = values.collect();
    if values.len() as u64 >= population {
        return Estimate::exact(sum_of(&values));
    }
    mean_from_sample(values.into_iter(), population, confidence).scaled(seen as f64)
}

/// The inverse of Hall's transformation of a mean whose skewness is `skew`.
fn unskewed(x: f64, skew: f64) -> f64 {
    if skew.abs() < 1e-6 {
        return x;
    }
    3.0 / skew * (libm::cbrt(1.0 + skew * (x - skew / 6.0)) - 1.0)
}

/// The `q`-quantile of a population of which `values` are a uniform sample without replacement;
/// `None` if there are no values.
///
/// The value is the quantile of the sample. The interval runs between two order statistics: their
/// ranks enclose, with the given confidence in the normal approximation, the number of sampled values
/// at or below the true quantile (David and Nagaraja 2003, section 7.1). An end for which the sample
/// is too small is infinite.
pub(crate) fn quantile_from_sample(
    mut values: Vec<f64>,
    population: u64,
    q: f64,
    confidence: f64,
) -> Option<Estimate> {
    check_confidence(confidence);
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    // The smallest value with at least a share q of all values at or below it.
    let mut rank = (libm::ceil(q * n as f64) as usize).clamp(1, n.max(1));
    // The product may be rounded up past a whole number.
    if rank > 1 && (rank - 1) as f64 / n as f64 >= q {
        rank -= 1;
    }
    let value = *values.get(rank - 1)?;
    if n as u64 >= population {
        return Some(Estimate::exact(value));
    }
    // The plausible ranks of the true quantile in the sample.
    let (size, total) = (n as f64, population as f64);
    let spread = libm::sqrt(size * q * (1.0 - q) * (total - size) / (total - 1.0));
    let reach = normal_quantile(0.5 + confidence / 2.0) * spread;
    let low = libm::floor(size * q - reach);
    let high = libm::ceil(size * q + reach) + 1.0;
    Some(Estimate {
        value,
        lower: if low < 1.0 {
            f64::NEG_INFINITY
        } else {
            values[low as usize - 1]
        },
        upper: if high > size {
            f64::INFINITY
        } else {
            values[high as usize - 1]
        },
        confidence,
    })
}

/// The sum over a population of which `parts` are a sample: each part is the value of an item and its
/// inclusion probability, given a threshold that makes inclusions independent. They are all there if the sample
/// is `whole`; a probability may also be rounded to 1 where items were left out.
///
/// The Horvitz-Thompson estimate (Horvitz and Thompson 1952). For bottom-k samples, the adjusted values
/// of different items are uncorrelated (Cohen and Kaplan 2008). The interval is the normal one with the
/// unbiased variance estimate `sum of value^2 (1 - p)/p^2`. If no value is negative, its lower end is at
/// least the sum of the values held.
pub(crate) fn sum_from_parts(
    parts: impl Iterator<Item = (f64, f64)>,
    whole: bool,
    confidence: f64,
) -> Estimate {
    check_confidence(confidence);
    let parts: Vec<(f64, f64)> = parts.collect();
    let adjusted: Vec<f64> = parts.iter().map(|(part, p)| part / p).collect();
    let value = sum_of(&adjusted);
    if whole {
        return Estimate::exact(value);
    }
    let unit = unit_of(&adjusted);
    let terms = parts.iter().zip(adjusted);
    let variance = terms.fold(0.0, |variance, ((_, p), adjusted)| {
        let adjusted = adjusted / unit;
        variance + adjusted * adjusted * (1.0 - p)
    });
    let half = normal_quantile(0.5 + confidence / 2.0) * libm::sqrt(variance) * unit;
    let held: Vec<f64> = parts.iter().map(|(part, _)| *part).collect();
    let floor = if held.iter().any(|&part| part < 0.0) {
        f64::NEG_INFINITY
    } else {
        sum_of(&held)
    };
    Estimate {
        value,
        lower: (value - half).max(floor).min(value),
        upper: value + half,
        confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_scale_with_the_unit_of_the_values() {
        let values: Vec<f64> = (1..60).map(|i| f64::from(i * i % 47 - 9)).collect();
        let p = |i: usize| 1.0 / (1.0 + i as f64 / 20.0);
        for exponent in [-1_000, -540, -300, 1, 300, 540, 1_000] {
            let unit = libm::scalbn(1.0, exponent);
            let mean = |unit: f64| {
                let scaled = values.iter().map(|value| value * unit);
                mean_from_sample(scaled, 200, 0.95)
            };
            let sum = |unit: f64| {
                let parts = values.iter().enumerate();
                sum_from_parts(parts.map(|(i, value)| (value * unit, p(i))), false, 0.95)
            };
            assert_eq!(mean(unit), mean(1.0).scaled(unit));
            assert_eq!(sum(unit), sum(1.0).scaled(unit));
        }
    }

    #[test]
    fn slots_lie_within_their_interval() {
        for size in 1..60u32 {
            for hits in 0..=size {
                for probability in [0.0, 0.1, 0.9] {
                    let [mut inside, mut outside] = [Included::default(); 2];
                    (0..hits).for_each(|_| inside.add(probability));
                    (hits..size).for_each(|_| outside.add(probability));
                    let e = slots_of_sample(inside, outside, 0.95);
                    assert!(e.lower <= e.value && e.value <= e.upper, "{e:?}");
                }
            }
        }
    }

    #[test]
    fn count_intervals_stay_within_the_possible() {
        for population in 1..30u64 {
            for size in 0..=population {
                for hits in 0..=size {
                    let e = count_from_sample(hits, size, population, 0.95);
                    assert!(e.lower <= e.value && e.value <= e.upper, "{e:?}");
                    assert!(
                        e.lower >= hits as f64 && e.upper <= (population - (size - hits)) as f64
                    );
                    assert_eq!(size == population, e.confidence == 1.0);
                }
            }
        }
    }
}
