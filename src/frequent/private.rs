//! Release of counters with differential privacy.

use alloc::vec::Vec;
use core::fmt;

use rand::Rng;

use super::misra_gries::{MisraGries, Steps};
use super::weight::Weight;
use crate::random::exponential;

/// Noisy counters that can be published, created by [`MisraGries::release_private`].
#[derive(Clone, Debug, PartialEq)]
pub struct PrivateRelease<'a, K> {
    /// Keys with their noisy counts (whole numbers), in descending order; equal counts in ascending order
    /// of the key.
    pub rows: Vec<(&'a K, f64)>,
    /// The smallest noisy count that is released.
    pub threshold: f64,
}

/// The reason why counters cannot be released.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrivateError {
    /// Weights other than one were offered, so one update may change counters by any amount.
    Weighted,
    /// Counters were merged, so one update may change them in ways that the proof does not cover.
    Merged,
    /// The keys of a slice were counted in another order, which one update may change; see
    /// [`MisraGries::extend_from_slice`].
    Reordered,
}

impl fmt::Display for PrivateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weighted => "weights other than one cannot be released privately",
            Self::Merged => "merged counters cannot be released privately",
            Self::Reordered => {
                "keys of a slice counted out of order cannot be released privately; offer the keys one by one"
            }
        })
    }
}

impl core::error::Error for PrivateError {}

impl<K: Ord, W: Weight, S> MisraGries<K, W, S> {
    /// Returns counters with noise that are (`epsilon`, `delta`)-differentially private. O(k log k).
    ///
    /// # Guarantee
    ///
    /// Take two streams that differ by one missing update, and any set of releases. Their probabilities p
    /// and q of a release in the set satisfy `p <= exp(epsilon) * q + delta`. This protects single
    /// *events*. For a *user* with m updates, replace epsilon by `m * epsilon` and delta by
    /// `m * exp((m - 1) * epsilon) * delta`.
    ///
    /// Each counter gets two-sided geometric noise of scale `1 / epsilon`, and one more such noise is
    /// added to all. Noisy counts below a threshold of at most `5 + 2 * ln((k + 1) / delta) / epsilon` are
    /// withheld (after Lebeda and Tetek 2023). The noise does not depend on k, because one more update
    /// changes either one counter by one or all counters by one. Every release uses up the privacy budget
    /// again.
    ///
    /// The noise comes from 52-bit uniform numbers, so a `delta` below 2^-40 is not guaranteed. The
    /// generator must be unpredictable for the readers of the release.
    ///
    /// # Errors
    ///
    /// Returns an error if weights other than one were offered, counters were merged, or a slice was
    /// counted out of order (possible with 2 MB of counters or more). The proof does not cover these.
    ///
    /// # Panics
    ///
    /// Panics if `epsilon` is not positive and finite, or `delta` is not strictly between 0 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::MisraGries;
    /// use rand::{SeedableRng, rngs::ChaCha8Rng};
    ///
    /// let mut summary: MisraGries<&str> = MisraGries::new(16);
    /// summary.extend(std::iter::repeat_n("tide", 1_000).chain(["secret"]));
    /// let mut rng = ChaCha8Rng::seed_from_u64(7); // use one nobody can guess
    /// let release = summary.release_private(1.0, 1e-6, &mut rng)?;
    /// assert_eq!(release.rows.len(), 1);
    /// assert!((release.rows[0].1 - 1_000.0).abs() < 40.0);
    /// # Ok::<(), forebay::frequent::PrivateError>(())
    /// ```
    #[track_caller]
    pub fn release_private<R: Rng + ?Sized>(
        &self,
        epsilon: f64,
        delta: f64,
        rng: &mut R,
    ) -> Result<PrivateRelease<'_, K>, PrivateError> {
        assert!(
            epsilon > 0.0 && epsilon.is_finite(),
            "epsilon must be positive and finite, not {epsilon}"
        );
        assert!(
            delta > 0.0 && delta < 1.0,
            "delta must be between 0 and 1, not {delta}"
        );
        match self.steps {
            Steps::Textbook => {}
            Steps::Gathered => return Err(PrivateError::Reordered),
            Steps::Merged => return Err(PrivateError::Merged),
            Steps::Weighted => return Err(PrivateError::Weighted),
        }
        let threshold = threshold(self.k, epsilon, delta);
        // In the order of the keys, because the order of the table reveals the order of updates.
        let mut keys: Vec<_> = self
            .tracked()
            .map(|(key, count)| (key, count.lower))
            .collect();
        keys.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let shared = noise(epsilon, rng);
        let mut rows: Vec<_> = keys
            .into_iter()
            .map(|(key, count)| (key, count.to_f64() + shared + noise(epsilon, rng)))
            .filter(|&(_, noisy)| noisy >= threshold)
            .collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(PrivateRelease { rows, threshold })
    }
}

/// `1 + 2a` with the smallest whole `a` for which k + 1 noises are all below `a`, except with probability
/// `delta * exp(-epsilon)`. A noise is at least `a` with probability
/// `exp(-epsilon * a) / (1 + exp(-epsilon))`.
fn threshold(k: usize, epsilon: f64, delta: f64) -> f64 {
    let odds = (k + 1) as f64 / (delta * (1.0 + libm::exp(-epsilon)));
    1.0 + 2.0 * libm::ceil(1.0 + libm::log(odds) / epsilon).max(1.0)
}

/// A random whole number j with probability proportional to `exp(-epsilon * |j|)`: the difference of two
/// geometric numbers.
fn noise<R: Rng + ?Sized>(epsilon: f64, rng: &mut R) -> f64 {
    let mut geometric = || libm::floor(exponential(rng) / epsilon);
    geometric() - geometric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::DefaultRng;
    use rand::SeedableRng;

    #[test]
    fn noise_follows_the_two_sided_geometric_law() {
        const DRAWS: usize = 200_000;
        const REACH: i64 = 6;
        let epsilon = 0.7;
        let alpha = f64::exp(-epsilon);
        let mut rng = DefaultRng::seed_from_u64(11);
        let mut seen = [0u32; 2 * REACH as usize + 2];
        for _ in 0..DRAWS {
            let drawn = noise(epsilon, &mut rng) as i64;
            let cell = if drawn.abs() <= REACH {
                drawn + REACH
            } else {
                2 * REACH + 1
            };
            seen[cell as usize] += 1;
        }
        let law = |j: i64| (1.0 - alpha) / (1.0 + alpha) * alpha.powi(j.unsigned_abs() as i32);
        let inside: f64 = (-REACH..=REACH).map(law).sum();
        let cells = (-REACH..=REACH).map(law).chain([1.0 - inside]);
        let chi_square: f64 = cells
            .zip(seen)
            .map(|(share, seen)| {
                let expected = share * DRAWS as f64;
                (f64::from(seen) - expected).powi(2) / expected
            })
            .sum();
        // The 0.999 quantile of chi-square on 13 degrees of freedom.
        assert!(chi_square < 34.53, "{chi_square}");
    }

    #[test]
    fn threshold_is_the_least_that_hides_a_key_seen_once() {
        for (k, epsilon, delta) in [(1, 1.0, 1e-3), (64, 0.1, 1e-6), (1_000, 5.0, 1e-9)] {
            let a = (threshold(k, epsilon, delta) - 1.0) / 2.0;
            let tail = |a: f64| (k + 1) as f64 * (-epsilon * a).exp() / (1.0 + (-epsilon).exp());
            let allowed = delta * (-epsilon).exp();
            assert!(tail(a) <= allowed * (1.0 + 1e-9));
            assert!(tail(a - 1.0) > allowed);
        }
    }

    #[test]
    fn both_noises_are_added_to_the_count() {
        let mut summary: MisraGries<u8> = MisraGries::new(32);
        for at in 0..200_000u32 {
            summary.update((at % 20) as u8);
        }
        for seed in 0..8 {
            let mut rng = DefaultRng::seed_from_u64(seed);
            let release = summary.release_private(0.05, 1e-6, &mut rng).unwrap();
            assert_eq!(release.rows.len(), 20);
            // Twenty times the scale of a noise.
            let near = |noisy: f64| (noisy - 10_000.0).abs() < 400.0;
            assert!(release.rows.iter().all(|&(_, noisy)| near(noisy)));
        }
    }
}
