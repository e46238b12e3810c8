//! Estimates with bounds, and the interval formulas behind them.
//!
//! Plain data and arithmetic: nothing here knows a sampler.

use alloc::vec::Vec;
use core::fmt;

/// An estimate with a confidence interval: `lower <= value <= upper`, and the interval covers the
/// truth with probability `confidence` (approximately where a sampler's docs say so, with
/// certainty where `confidence` is 1).
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
    /// The probability with which the interval is meant to cover the truth; 1 if it is exact.
    pub confidence: f64,
}

impl Estimate {
    /// The same estimate of `factor` times the quantity; `factor` is not negative.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        self.map(|quantity| quantity * factor)
    }

    /// A value that is known.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            lower: value,
            upper: value,
            confidence: 1.0,
        }
    }

    /// Whether `truth` lies in the interval, its ends included.
    #[must_use]
    pub fn contains(&self, truth: f64) -> bool {
        self.lower <= truth && truth <= self.upper
    }

    /// The length of the interval.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }

    /// The estimate of an increasing function of what this one estimates.
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

/// The confidence of the short forms, 0.95.
pub(crate) const DEFAULT_CONFIDENCE: f64 = 0.95;

/// Panics unless `confidence` lies strictly between 0 and 1.
#[track_caller]
pub(crate) fn check_confidence(confidence: f64) {
    assert!(
        confidence > 0.0 && confidence < 1.0,
        "a confidence must lie strictly between 0 and 1, not {confidence}"
    );
}

/// How many of `population` items have a property that `hits` of a uniform sample of `size`
/// without replacement have: Wilson's score interval with the finite-population correction
/// `(population - size)/(population - 1)` on the variance (Wilson 1927; Cochran 1977, section
/// 3.6), widened to whole numbers and cut to what the sample leaves possible.
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
    Estimate {
        value: share * total,
        lower: libm::floor(lower * total).max(least),
        upper: libm::ceil(upper * total).min(most),
        confidence,
    }
}

/// The ends of Wilson's score interval for a share, `z2` being the square of the normal quantile
/// over the effective number of draws: every share whose distance from the one observed is at most
/// that quantile times its own standard deviation (Wilson 1927).
fn wilson(share: f64, z2: f64) -> (f64, f64) {
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let half = libm::sqrt(z2 * (share * (1.0 - share) + z2 / 4.0)) / (1.0 + z2);
    (centre - half, centre + half)
}

/// Some items of a sample of fixed size, their inclusion probabilities summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Included {
    count: f64,
    /// The sum of the probabilities, which is at most the count.
    probability: f64,
}

impl Included {
    pub(crate) fn add(&mut self, probability: f64) {
        self.count += 1.0;
        self.probability += probability.min(1.0);
    }

    /// The mean of `1 - p`, as if there were one more item with p = 0: an item's share of its
    /// variance that sampling without replacement leaves, on the cautious side for a few items.
    fn left(self) -> f64 {
        (self.count - self.probability + 1.0) / (self.count + 1.0)
    }
}

/// How many of the slots of a sample of fixed size a part of the stream is expected to take, if
/// `hits` of it and `misses` of the rest came up.
///
/// Wilson's score interval. The inclusions of the part have the variance `a = sum of 1 - p` over the
/// items that came up, those of the rest `b` alike, and fixing the size leaves `a * b / (a + b)` of
/// it (Hájek 1964), which the binomial variance is multiplied down to.
pub(crate) fn slots_of_sample(hits: Included, misses: Included, confidence: f64) -> Estimate {
    check_confidence(confidence);
    let size = hits.count + misses.count;
    if size == 0.0 {
        return Estimate::exact(0.0);
    }
    let (a, b) = (hits.left(), misses.left());
    let correction = size * a * b / (hits.count * a + misses.count * b);
    let z = normal_quantile(0.5 + confidence / 2.0);
    let (lower, upper) = wilson(hits.count / size, z * z * correction / size);
    Estimate {
        value: hits.count,
        lower: (lower * size).max(hits.probability),
        upper: (upper * size).min(size - misses.probability),
        confidence,
    }
}

/// The mean over `population` items of which `values` are a uniform sample without replacement.
///
/// Student's interval with the finite-population correction on the variance (Cochran 1977, section
/// 2.8), its ends moved for the skewness of the mean by Hall's cubic transformation (Hall 1992), without
/// which intervals for values with a long tail miss too often on that side. A single value bounds
/// nothing.
pub(crate) fn mean_from_sample(
    values: impl Iterator<Item = f64>,
    population: u64,
    confidence: f64,
) -> Estimate {
    check_confidence(confidence);
    let Moments {
        n,
        mean,
        squares,
        cubes,
    } = Moments::of(values);
    let total = population as f64;
    if n >= total {
        return Estimate::exact(mean);
    }
    let (below, above) = if n < 2.0 {
        (f64::INFINITY, f64::INFINITY)
    } else {
        let share = n / total;
        let error = libm::sqrt(squares / (n - 1.0) * (1.0 - share) / n);
        // The skewness of the mean, which is that of the values over sqrt(n), less what the finite
        // population takes from it.
        let skew = if squares > 0.0 {
            cubes / (squares * libm::sqrt(squares)) * (1.0 - 2.0 * share) / libm::sqrt(1.0 - share)
        } else {
            0.0
        };
        let t = student_quantile(0.5 + confidence / 2.0, n - 1.0);
        (error * unskewed(t, skew), -error * unskewed(-t, skew))
    };
    Estimate {
        value: mean,
        lower: mean - below.max(0.0),
        upper: mean + above.max(0.0),
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
    /// One pass without cancellation (Welford 1962; Pébay 2008).
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut n, mut mean, mut squares, mut cubes) = (0.0, 0.0, 0.0, 0.0);
        for value in values {
            n += 1.0;
            let off = value - mean;
            let step = off / n;
            let square = off * step * (n - 1.0);
            mean += step;
            cubes += square * step * (n - 2.0) - 3.0 * step * squares;
            squares += square;
        }
        Self {
            n,
            mean,
            squares,
            cubes,
        }
    }
}

/// The inverse of Hall's transformation of a mean whose skewness is `skew`.
fn unskewed(x: f64, skew: f64) -> f64 {
    if skew.abs() < 1e-6 {
        return x;
    }
    3.0 / skew * (libm::cbrt(1.0 + skew * (x - skew / 6.0)) - 1.0)
}

/// The `q`-quantile of `population` items of which `values` are a uniform sample without
/// replacement: the sample's own quantile, between the two order statistics whose ranks are the
/// ends of the interval for the share `q` (Wilson's, as in [`count_from_sample`]; for order statistics see
/// David and Nagaraja 2003, section 7.1). An end for which the sample is too small is infinite.
///
/// `None` if there are no values.
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
    let rank = (libm::ceil(q * n as f64) as usize).clamp(1, n.max(1));
    let value = *values.get(rank - 1)?;
    if n as u64 >= population {
        return Some(Estimate::exact(value));
    }
    // Where the share of the population at or below the true quantile could fall in the sample.
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

/// The sum over all items of which `parts` are a sample: each part is an item's value and the
/// probability with which it was included, given a threshold that makes inclusions independent
/// (Horvitz and Thompson 1952; for bottom-k samples Cohen and Kaplan 2008, who show that the
/// adjusted values of different items are uncorrelated). The interval is the normal one with the unbiased estimate of
/// the variance, `sum of value^2 (1 - p)/p^2`; if no value is negative, its lower end is at least the
/// sum of the values held.
pub(crate) fn sum_from_parts(parts: impl Iterator<Item = (f64, f64)>, confidence: f64) -> Estimate {
    check_confidence(confidence);
    let (mut value, mut held, mut variance, mut least) = (0.0, 0.0, 0.0, 0.0f64);
    let mut certain = true;
    for (part, p) in parts {
        let adjusted = part / p;
        value += adjusted;
        held += part;
        variance += adjusted * adjusted * (1.0 - p);
        least = least.min(part);
        certain &= p == 1.0;
    }
    if certain {
        return Estimate::exact(value);
    }
    let half = normal_quantile(0.5 + confidence / 2.0) * libm::sqrt(variance);
    let floor = if least < 0.0 { f64::NEG_INFINITY } else { held };
    Estimate {
        value,
        lower: (value - half).max(floor),
        upper: value + half,
        confidence,
    }
}

/// The quantile function of Student's law with `degrees` degrees of freedom, for `p` >= 1/2: Hill's
/// algorithm 396 (1970); relative error below 1e-3 from two degrees on, exact for one and two.
fn student_quantile(p: f64, degrees: f64) -> f64 {
    use core::f64::consts::PI;
    let two_tailed = 2.0 * (1.0 - p);
    if degrees < 1.5 {
        return 1.0 / libm::tan(two_tailed * PI / 2.0);
    }
    if degrees < 2.5 {
        return libm::sqrt(2.0 / (two_tailed * (2.0 - two_tailed)) - 2.0);
    }
    let a = 1.0 / (degrees - 0.5);
    let b = 48.0 / (a * a);
    let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * libm::sqrt(a * PI / 2.0) * degrees;
    let mut y = libm::pow(d * two_tailed, 2.0 / degrees);
    if y > 0.05 + a {
        let x = normal_quantile(p);
        y = x * x;
        if degrees < 5.0 {
            c += 0.3 * (degrees - 4.5) * (x + 0.6);
        }
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
        y = libm::expm1(a * y * y);
    } else {
        let head = ((degrees + 6.0) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2.0) * 3.0;
        y = ((1.0 / head + 0.5 / (degrees + 4.0)) * y - 1.0) * (degrees + 1.0) / (degrees + 2.0)
            + 1.0 / y;
    }
    libm::sqrt(degrees * y)
}

/// The quantile function of the standard normal law, for 0 < `p` < 1; relative error about 1e-16
/// (algorithm AS 241, PPND16, Wichura 1988).
#[allow(
    clippy::excessive_precision,
    reason = "the published coefficients, digit for digit"
)]
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const CENTRE: [[f64; 8]; 2] = [
        [
            3.387_132_872_796_366_608,
            1.331_416_678_917_843_774_5e2,
            1.971_590_950_306_551_442_7e3,
            1.373_169_376_550_946_112_5e4,
            4.592_195_393_154_987_145_7e4,
            6.726_577_092_700_870_085_3e4,
            3.343_057_558_358_812_810_5e4,
            2.509_080_928_730_122_672_7e3,
        ],
        [
            1.0,
            4.231_333_070_160_091_125_2e1,
            6.871_870_074_920_579_082_6e2,
            5.394_196_021_424_751_107_7e3,
            2.121_379_430_158_659_586_7e4,
            3.930_789_580_009_271_061_1e4,
            2.872_908_573_572_194_267_4e4,
            5.226_495_278_852_545_702_1e3,
        ],
    ];
    const MIDDLE: [[f64; 8]; 2] = [
        [
            1.423_437_110_749_683_577_34,
            4.630_337_846_156_545_295_9,
            5.769_497_221_460_691_405_5,
            3.647_848_324_763_204_605_04,
            1.270_458_252_452_368_382_58,
            2.417_807_251_774_506_117_7e-1,
            2.272_384_498_926_918_458_33e-2,
            7.745_450_142_783_414_076_4e-4,
        ],
        [
            1.0,
            2.053_191_626_637_758_821_87,
            1.676_384_830_183_803_849_4,
            6.897_673_349_851_000_045_5e-1,
            1.481_039_764_274_800_745_9e-1,
            1.519_866_656_361_645_719_66e-2,
            5.475_938_084_995_344_946e-4,
            1.050_750_071_644_416_843_24e-9,
        ],
    ];
    const TAIL: [[f64; 8]; 2] = [
        [
            6.657_904_643_501_103_777_2,
            5.463_784_911_164_114_369_9,
            1.784_826_539_917_291_335_8,
            2.965_605_718_285_048_912_3e-1,
            2.653_218_952_657_612_309_3e-2,
            1.242_660_947_388_078_438_6e-3,
            2.711_555_568_743_487_578_15e-5,
            2.010_334_399_292_288_132_65e-7,
        ],
        [
            1.0,
            5.998_322_065_558_879_376_9e-1,
            1.369_298_809_227_358_053_1e-1,
            1.487_536_129_085_061_485_25e-2,
            7.868_691_311_456_132_591e-4,
            1.846_318_317_510_054_681_8e-5,
            1.421_511_758_316_445_888_7e-7,
            2.044_263_103_389_939_785_64e-15,
        ],
    ];
    let ratio = |[top, bottom]: &[[f64; 8]; 2], x: f64| {
        let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
        horner(top) / horner(bottom)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    let r = libm::sqrt(-libm::log(p.min(1.0 - p)));
    let size = if r <= 5.0 {
        ratio(&MIDDLE, r - 1.6)
    } else {
        ratio(&TAIL, r - 5.0)
    };
    libm::copysign(size, q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantile_matches_published_values() {
        // From tables of the normal law.
        let table = [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_901),
            (0.25, -0.674_489_750_196_081_7),
            (1e-9, -5.997_807_015_007_687),
            (1e-20, -9.262_340_089_798_408),
        ];
        for (p, z) in table {
            assert!(
                (normal_quantile(p) - z).abs() < 1e-12 * (1.0 + z.abs()),
                "{p}"
            );
        }
    }

    #[test]
    fn student_quantile_matches_published_values() {
        // From tables of Student's law.
        let table = [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.975, 3.0, 3.182_446_305),
            (0.975, 9.0, 2.262_157_163),
            (0.995, 5.0, 4.032_142_984),
            (0.90, 30.0, 1.310_415_025),
            (0.975, 1e6, 1.959_966),
        ];
        for (p, degrees, t) in table {
            let found = student_quantile(p, degrees);
            assert!((found - t).abs() < 1e-3 * t, "{p} {degrees}: {found}");
        }
    }

    #[test]
    fn count_interval_stays_within_the_possible() {
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
