//! How many items, or how much weight, to pass over before the next acceptance.
//!
//! Pure functions of a generator and a threshold; nothing is stored here.

use rand::Rng;

use crate::random::{exponential, open01};

/// The logarithm of 1 - `probability`, as [`geometric`] wants it.
#[inline]
pub(crate) fn ln_miss(probability: f64) -> f64 {
    if probability >= 1.0 {
        f64::NEG_INFINITY
    } else {
        libm::log1p(-probability)
    }
}

/// The number of misses before the first hit, given the logarithm of one miss's probability.
///
/// `P(skip >= s) = exp(s * ln_miss)`, so inversion of one uniform number suffices (Li 1994 uses the
/// same step in Algorithm L). Saturates at `u64::MAX`.
#[inline]
pub(crate) fn geometric<R: Rng + ?Sized>(rng: &mut R, ln_miss: f64) -> u64 {
    (libm::log(open01(rng)) / ln_miss) as u64
}

/// The logarithm of the weight to pass over before an item's rank falls below `exp(ln_threshold)`.
///
/// Ranks `-ln(u)/w` below a threshold t form a Poisson process of rate t in cumulative weight, so
/// the weight up to the next one is exponential with rate t: one jump of A-ExpJ (Efraimidis and
/// Spirakis 2006), here in the log domain because t may be far below the smallest `f64`.
#[inline]
pub(crate) fn ln_exponential_jump<R: Rng + ?Sized>(rng: &mut R, ln_threshold: f64) -> f64 {
    libm::log(exponential(rng)) - ln_threshold
}

/// The logarithm of an unconditional rank: exponential with rate `exp(ln_weight)`.
#[inline]
pub(crate) fn ln_rank<R: Rng + ?Sized>(rng: &mut R, ln_weight: f64) -> f64 {
    libm::log(exponential(rng)) - ln_weight
}

/// The logarithm of a rank given that it lies below `exp(ln_threshold)`.
///
/// The rank is `-ln(1 - u * p)/w` with `p = 1 - exp(-w*t)`. Where `w*t` is below one unit in the
/// last place of 1 this is `u*t` to the last bit, which also holds when `w*t` underflows.
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

    /// With `x = w t`, ranks below t have the law `P(rank < r) = (1 - e^(-w r)) / (1 - e^(-x))`; where
    /// x is so small that only its logarithm is left, that is uniform on (0, t).
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
