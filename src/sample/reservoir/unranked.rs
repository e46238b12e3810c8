//! A reservoir built from a sample without ranks.

use alloc::vec::Vec;

use rand::Rng;

use super::{Reservoir, State};
use crate::random::{exponential, open01};
use crate::sample::bottom_k::{BottomK, Entry};
use crate::sample::rank::UniformRank;

impl<T, R: Rng> Reservoir<T, R> {
    /// Builds a reservoir of `capacity` from `items`, a uniform sample of the `seen` items of a stream.
    ///
    /// Ranks are drawn from their distribution given the sample. Which items are held is independent
    /// of the order statistics of the ranks. So the smallest rank left out is drawn first, and the ranks
    /// of the items held are independent and uniform below it. O(items).
    pub(crate) fn from_unranked(capacity: usize, seen: u64, items: Vec<T>, mut rng: R) -> Self {
        let threshold = threshold(items.len() as u64, seen, &mut rng);
        let bound = threshold.map_or(1.0, |UniformRank(rank)| rank);
        let ranked = items.into_iter().map(|item| Entry {
            rank: UniformRank(bound * open01(&mut rng)),
            item,
        });
        let entries = ranked.collect();
        Self::of(State {
            core: BottomK::from_candidates(capacity, entries, threshold),
            seen,
            next: None,
            rng,
        })
    }
}

/// A random (`held`+1)-th smallest of `seen` uniform ranks; `None` if there is none.
///
/// For exponential ranks the gaps between the smallest i and i + 1 are independent exponentials of
/// rate `seen - i` (Rényi 1953); `1 - exp(-x)` makes such ranks uniform.
fn threshold<R: Rng>(held: u64, seen: u64, rng: &mut R) -> Option<UniformRank> {
    const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;
    (held < seen).then(|| {
        let gaps = (0..=held).map(|below| exponential(rng) / (seen - below) as f64);
        let rank = -libm::expm1(-gaps.sum::<f64>());
        UniformRank(rank.min(BELOW_ONE))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::seeded;

    #[test]
    fn the_threshold_has_the_moments_of_its_beta_law() {
        let mut rng = seeded(1);
        for (held, seen) in [(1, 2), (2, 3), (3, 10), (10, 1_000), (2, (1 << 48) - 1)] {
            const TRIALS: u32 = 100_000;
            let (a, b) = (held as f64 + 1.0, (seen - held) as f64);
            let mean = a / (a + b);
            let (mut first, mut second) = (0.0, 0.0);
            for _ in 0..TRIALS {
                let rank = threshold(held, seen, &mut rng).expect("one is left out").0;
                assert!(0.0 < rank && rank < 1.0);
                first += rank / mean / f64::from(TRIALS);
                second += (rank / mean) * (rank / mean) / f64::from(TRIALS);
            }
            let variance = b / (a * (a + b + 1.0));
            let slack = 5.0 * libm::sqrt(variance / f64::from(TRIALS));
            assert!((first - 1.0).abs() < slack, "{held} of {seen}: {first}");
            let spread = (second - first * first) / variance;
            assert!((spread - 1.0).abs() < 0.05, "{held} of {seen}: {spread}");
        }
        assert!(threshold(5, 5, &mut rng).is_none());
    }

    #[test]
    fn a_smaller_capacity_lowers_the_threshold_to_a_rank_of_the_items() {
        let sample = Reservoir::from_unranked(3, 100, (0..8).collect(), seeded(1));
        assert_eq!((sample.len(), sample.seen()), (3, 100));
        assert!(sample.is_saturated());
        let whole = Reservoir::from_unranked(9, 8, (0..8).collect(), seeded(1));
        assert_eq!((whole.len(), whole.is_saturated()), (8, false));
    }
}
