//! Weights looked at in blocks, at the speed of memory.

/// What can be said of a block of weights without looking at each.
pub(crate) struct Totals {
    /// NaN if any weight is.
    pub(crate) sum: f64,
    /// Passes over NaN.
    pub(crate) least: f64,
    /// Passes over NaN.
    pub(crate) most: f64,
}

const LANES: usize = 8;

/// The sum, the minimum and the maximum, in independent lanes.
#[inline]
pub(crate) fn totals(weights: &[f64]) -> Totals {
    let mut sums = [0.0; LANES];
    let mut least = [f64::INFINITY; LANES];
    let mut most = [f64::NEG_INFINITY; LANES];
    let chunks = weights.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
            least[lane] = lower(chunk[lane], least[lane]);
            most[lane] = upper(chunk[lane], most[lane]);
        }
    }
    for (lane, &weight) in rest.iter().enumerate() {
        sums[lane] += weight;
        least[lane] = lower(weight, least[lane]);
        most[lane] = upper(weight, most[lane]);
    }
    Totals {
        sum: halve(sums, |a, b| a + b),
        least: halve(least, lower),
        most: halve(most, upper),
    }
}

/// The first number if it is smaller. One instruction, which `f64::min` is not.
#[inline]
fn lower(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The first number if it is larger.
#[inline]
fn upper(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// Reduces lanes to one number, half of them at a time.
#[inline]
fn halve(mut lanes: [f64; LANES], pick: impl Fn(f64, f64) -> f64) -> f64 {
    for half in [LANES / 2, LANES / 4, LANES / 8] {
        for lane in 0..half {
            lanes[lane] = pick(lanes[lane], lanes[lane + half]);
        }
    }
    lanes[0]
}

/// Both slices in pieces of at most `len` items.
pub(crate) fn blocks<'a, T>(
    items: &'a [T],
    weights: &'a [f64],
    len: usize,
) -> impl Iterator<Item = (&'a [T], &'a [f64])> {
    items.chunks(len).zip(weights.chunks(len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn totals_of_every_length_are_those_of_one_lane() {
        for len in 0..40u32 {
            let weights: Vec<f64> = (0..len).map(|i| f64::from((i * 29 + 11) % 41)).collect();
            let totals = totals(&weights);
            assert_eq!(totals.sum, weights.iter().sum::<f64>());
            let extremes = weights
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |e, &w| {
                    (e.0.min(w), e.1.max(w))
                });
            assert_eq!((totals.least, totals.most), extremes);
        }
    }

    #[test]
    fn nan_reaches_the_sum_from_any_place() {
        for at in 0..19 {
            let mut weights = [1.0; 19];
            weights[at] = f64::NAN;
            assert!(totals(&weights).sum.is_nan(), "{at}");
        }
    }
}
