//! Sums of blocks of weights, at the speed of memory.
//!
//! The check that all weights are valid costs one `or` per weight: NaN and infinity show in the sum,
//! and a negative weight shows in the sign bit.

const LANES: usize = 8;

/// The sum of each lane, and the bitwise `or` of its weights.
struct Sums {
    sums: [f64; LANES],
    bits: [u64; LANES],
}

impl Sums {
    fn new() -> Self {
        Self {
            sums: [0.0; LANES],
            bits: [0; LANES],
        }
    }

    /// Adds at most one weight to each lane.
    #[inline]
    fn add(&mut self, weights: &[f64]) {
        for (lane, weight) in weights.iter().enumerate() {
            self.sums[lane] += weight;
            self.bits[lane] |= weight.to_bits();
        }
    }

    /// The sum; NaN if a weight is NaN or has its sign bit set, as minus zero does.
    #[inline]
    fn checked(self) -> f64 {
        if halve(self.bits, |a, b| a | b) >> 63 == 0 {
            halve(self.sums, |a, b| a + b)
        } else {
            f64::NAN
        }
    }
}

/// The sum of the weights; NaN if one is NaN, negative or minus zero.
#[inline]
pub(crate) fn sum(weights: &[f64]) -> f64 {
    let mut sums = Sums::new();
    let chunks = weights.chunks_exact(LANES);
    let rest = chunks.remainder();
    chunks.for_each(|chunk| sums.add(chunk));
    sums.add(rest);
    sums.checked()
}

/// The sum as by [`sum`], and the largest weight that is not NaN.
#[inline]
pub(crate) fn sum_and_most(weights: &[f64]) -> (f64, f64) {
    let mut sums = Sums::new();
    let mut most = [0.0; LANES];
    let mut add = |weights: &[f64]| {
        sums.add(weights);
        for (most, &weight) in most.iter_mut().zip(weights) {
            *most = upper(weight, *most);
        }
    };
    let chunks = weights.chunks_exact(LANES);
    let rest = chunks.remainder();
    chunks.for_each(&mut add);
    add(rest);
    (sums.checked(), halve(most, upper))
}

/// The larger number; `b` if they do not compare. One instruction, unlike `f64::max`.
#[inline]
fn upper(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// Reduces the lanes to one number by halving.
#[inline]
fn halve<N: Copy>(mut lanes: [N; LANES], join: impl Fn(N, N) -> N) -> N {
    for half in [LANES / 2, LANES / 4, LANES / 8] {
        for lane in 0..half {
            lanes[lane] = join(lanes[lane], lanes[lane + half]);
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn totals_of_every_length_are_those_of_one_lane() {
        for len in 0..40u32 {
            let weights: Vec<f64> = (0..len).map(|i| f64::from((i * 29 + 11) % 41)).collect();
            let most = weights.iter().copied().fold(0.0, f64::max);
            assert_eq!(sum(&weights), weights.iter().sum::<f64>());
            assert_eq!(sum_and_most(&weights), (sum(&weights), most));
        }
    }

    #[test]
    fn an_invalid_weight_shows_in_the_sum_from_any_place() {
        for at in 0..19 {
            for invalid in [f64::NAN, -f64::NAN, -1.0, -1e-300, f64::NEG_INFINITY] {
                let mut weights = [1.0; 19];
                weights[at] = invalid;
                assert!(sum(&weights).is_nan(), "{invalid} at {at}");
                assert!(sum_and_most(&weights).0.is_nan(), "{invalid} at {at}");
            }
        }
    }

    #[test]
    fn two_invalid_weights_do_not_hide_each_other() {
        for apart in 1..16 {
            let mut weights = [1.0; 24];
            weights[2] = -1.0;
            weights[2 + apart] = -1.0;
            assert!(sum(&weights).is_nan(), "{apart}");
            assert!(sum_and_most(&weights).0.is_nan(), "{apart}");
        }
    }
}
