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

/// The sum, the minimum and the maximum, in independent lanes.
#[inline]
pub(crate) fn totals(weights: &[f64]) -> Totals {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let mut least = [f64::INFINITY; LANES];
    let mut most = [f64::NEG_INFINITY; LANES];
    let chunks = weights.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            let weight = chunk[lane];
            sums[lane] += weight;
            least[lane] = if weight < least[lane] {
                weight
            } else {
                least[lane]
            };
            most[lane] = if weight > most[lane] {
                weight
            } else {
                most[lane]
            };
        }
    }
    let fold = |lanes: [f64; LANES], start: f64, pick: fn(f64, f64) -> f64| {
        lanes.iter().chain(rest).copied().fold(start, pick)
    };
    Totals {
        sum: fold(sums, 0.0, |a, b| a + b),
        least: fold(least, f64::INFINITY, f64::min),
        most: fold(most, f64::NEG_INFINITY, f64::max),
    }
}
