//! The number of items, or the weight, to skip before the next accepted item.
//!
//! Pure functions of a generator and a threshold. Nothing is stored here.

use rand::Rng;

use crate::random::{exponential, open01};

/// `ln(1 - probability)`, the argument of [`geometric`].
#[inline]
pub(crate) fn ln_miss(probability: f64) -> f64 {
    if probability >= 1.0 {
        f64::NEG_INFINITY
    } else {
        libm::log1p(-probability)
    }
}

/// A random number of misses before the first hit, given the logarithm of the probability of a miss.
///
/// `P(skip >= s) = exp(s * ln_miss)`, so one uniform number is inverted, as in Algorithm L (Li 1994).
/// Saturates at `u64::MAX`.
#[inline]
pub(crate) fn geometric<R: Rng + ?Sized>(rng: &mut R, ln_miss: f64) -> u64 {
    (libm::log(open01(rng)) / ln_miss) as u64
}

/// The logarithm of a random weight to skip before the next item whose rank is below
/// `exp(ln_threshold)`.
///
/// Ranks `-ln(u)/w` below a threshold t form a Poisson process of rate t in cumulative weight. So the
/// weight up to the next one is exponential with rate t: one jump of A-ExpJ (Efraimidis and Spirakis
/// 2006). It is kept as a logarithm because t may be far below the smallest `f64`.
#[inline]
pub(crate) fn ln_exponential_jump<R: Rng + ?Sized>(rng: &mut R, ln_threshold: f64) -> f64 {
    libm::log(exponential(rng)) - ln_threshold
}

/// The logarithm of a random rank: exponential with rate `exp(ln_weight)`.
#[inline]
pub(crate) fn ln_rank<R: Rng + ?Sized>(rng: &mut R, ln_weight: f64) -> f64 {
    libm::log(exponential(rng)) - ln_weight
}

/// The logarithm of a random rank, given that it is below `exp(ln_threshold)`.
///
/// The rank is `-ln(1 - u * p)/w` with `p = 1 - exp(-w*t)`. If `w*t` is below one unit in the last
/// place of 1, that is `u*t` to the last bit. The shortcut also covers an underflow of `w*t`.
#[inline]
pub(crate) fn ln_rank_below<R: Rng + ?Sized>(
    rng: &mut R,
    ln_weight: f64,
    ln_threshold: f64,
) -> f64 {
    let u = open01(rng);
    let exponent = libm::exp(ln_weight + ln_threshold);
    if exponent < f64::EPSILON / 16.0 {
        return ln_threshold + libm::log(u);
    }
    let hit = -libm::expm1(-exponent);
    libm::log(-libm::log1p(-u * hit)) - ln_weight
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::seeded;

    /// With `x = w t`, ranks below t have the law `P(rank < r) = (1 - e^(-w r)) / (1 - e^(-x))`. If x
    /// underflows, that is uniform on (0, t).
    #[test]
    fn ranks_below_a_threshold_have_their_law_at_every_size_of_the_threshold() {
        const TRIALS: u32 = 40_000;
        for (ln_weight, ln_threshold) in [
            (-800.0, 5.0),
            (-30.0, -10.0),
            (600.0, -700.0),
            (-2.0, 1.0),
            (3.0, -1.0),
        ] {
            let mut rng = seeded(1);
            let x = libm::exp(ln_weight + ln_threshold);
            let mut mean = 0.0;
            for _ in 0..TRIALS {
                let ln_rank = ln_rank_below(&mut rng, ln_weight, ln_threshold);
                assert!(ln_rank <= ln_threshold);
                let relative = libm::exp(ln_rank - ln_threshold);
                let level = if x < 1e-9 {
                    relative
                } else {
                    libm::expm1(-x * relative) / libm::expm1(-x)
                };
                mean += level / f64::from(TRIALS);
            }
            // Five standard deviations of the mean of uniform numbers.
            assert!(
                (mean - 0.5).abs() < 0.0073,
                "{ln_weight} {ln_threshold}: {mean}"
            );
        }
    }
}
