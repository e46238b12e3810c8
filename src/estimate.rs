//! Estimates with bounds, and the interval formulas behind them.
//!
//! Plain data and arithmetic: nothing here knows a sampler.

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
