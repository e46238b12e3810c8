//! The bottom-k sample of a slice, with about k random numbers instead of k ln(n/k).
//!
//! The length of a slice is known, so its final threshold can be estimated. The items whose ranks are
//! below a fixed t are a Bernoulli(t) process, which geometric skips visit. With t a little above
//! (k+1)/len, more than k ranks are below t almost surely. The k+1 smallest of them are the k+1 smallest
//! of all, because every other rank is at least t. In the rare case of too few, the remaining ranks are
//! uniform on (t, 1), and the step is repeated for (t, 2t).

use alloc::vec::Vec;

use rand::Rng;

use super::bottom_k::{BottomK, Entry};
use super::rank::UniformRank;
use super::skip::{geometric, ln_miss};
use crate::random::open01;

/// With fewer expected candidates, single skips are as cheap.
const FEWEST_CANDIDATES: f64 = 64.0;

/// Whether sampling a slice of `len` items by itself is cheaper than single skips.
pub(crate) fn pays<T>(core: &BottomK<UniformRank, T>, len: usize) -> bool {
    first_threshold(core, len) * len as f64 >= FEWEST_CANDIDATES
}

/// Samples `items` alone. The sample is complete below the threshold of `core`.
pub(crate) fn sample<T: Clone, R: Rng>(
    items: &[T],
    core: &BottomK<UniformRank, T>,
    rng: &mut R,
) -> BottomK<UniformRank, T> {
    let bound = bound(core);
    let mut candidates = Vec::new();
    let (mut low, mut high) = (0.0, first_threshold(core, items.len()));
    loop {
        collect(&mut candidates, items.len(), low, high, rng);
        if candidates.len() > core.capacity() || high >= bound {
            break;
        }
        (low, high) = (high, (2.0 * high).min(bound));
    }
    let left_out = (high < 1.0).then_some(UniformRank(high));
    let chosen = BottomK::from_candidates(core.capacity(), candidates, left_out);
    chosen.map(|position| items[position].clone())
}

/// A threshold that more than `capacity` of `len` ranks are below, except with probability about 1e-3
/// (three standard deviations); at most the threshold of `core`.
fn first_threshold<T>(core: &BottomK<UniformRank, T>, len: usize) -> f64 {
    let wanted = core.capacity() as f64 + 1.0;
    ((wanted + 3.0 * libm::sqrt(wanted) + 3.0) / len.max(1) as f64).min(bound(core))
}

/// The upper bound of the ranks that `core` accepts.
fn bound<T>(core: &BottomK<UniformRank, T>) -> f64 {
    core.threshold().map_or(1.0, |UniformRank(rank)| rank)
}

/// Adds the positions below `len` with ranks between `low` and `high`. The candidates so far are exactly
/// the positions with ranks below `low`.
fn collect<R: Rng>(
    candidates: &mut Vec<Entry<UniformRank, usize>>,
    len: usize,
    low: f64,
    high: f64,
    rng: &mut R,
) {
    let mut taken: Vec<usize> = candidates.iter().map(|entry| entry.item).collect();
    taken.sort_unstable();
    let ln_miss = ln_miss((high - low) / (1.0 - low));
    let mut next = 0usize;
    loop {
        let skip = geometric(rng, ln_miss);
        next = next.saturating_add(usize::try_from(skip).unwrap_or(usize::MAX));
        if next >= len {
            return;
        }
        if taken.is_empty() || taken.binary_search(&next).is_err() {
            let rank = UniformRank(low + (high - low) * open01(rng));
            candidates.push(Entry { rank, item: next });
        }
        next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::seeded;
    use alloc::vec;

    #[test]
    fn a_band_takes_its_share_of_the_positions_not_taken() {
        const LEN: usize = 100_000;
        let (low, high) = (0.3, 0.6);
        let mut candidates = Vec::new();
        collect(&mut candidates, LEN, 0.0, low, &mut seeded(1));
        let first = candidates.len();
        collect(&mut candidates, LEN, low, high, &mut seeded(2));
        // Five standard deviations of binomial numbers of mean 30,000.
        assert!(first.abs_diff(30_000) < 725, "{first}");
        let ranks = |from: usize| candidates[from..].iter().map(|entry| entry.rank.0);
        let second = candidates.len() - first;
        assert!(second.abs_diff(30_000) < 725, "{second}");
        assert!(ranks(0).take(first).all(|rank| 0.0 < rank && rank < low));
        assert!(ranks(first).all(|rank| low < rank && rank < high));
        let mean = ranks(first).sum::<f64>() / second as f64;
        // Five standard deviations of the mean of uniform numbers on a band of 0.3.
        assert!((mean - 0.45).abs() < 0.0025, "{mean}");
        let mut positions: Vec<usize> = candidates.iter().map(|entry| entry.item).collect();
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(positions.len(), first + second);
    }

    #[test]
    fn a_slice_no_longer_than_the_capacity_is_held_completely_without_a_threshold() {
        for len in [64, 99, 100] {
            let core = BottomK::new(100);
            assert!(pays(&core, len));
            let held = sample(&vec![7; len], &core, &mut seeded(1));
            assert_eq!((held.len(), held.threshold().is_some()), (len, false));
        }
        let held = sample(&[7; 101], &BottomK::new(100), &mut seeded(1));
        assert_eq!((held.len(), held.threshold().is_some()), (100, true));
    }

    #[test]
    fn a_slice_of_which_exactly_k_ranks_came_is_drawn_further_for_its_threshold() {
        let (core, mut rng) = (BottomK::new(1), seeded(1));
        let guessed = first_threshold(&core, 1_000);
        // One candidate alone comes in nine slices of ten thousand.
        for _ in 0..20_000 {
            let held = sample(&[0; 1_000], &core, &mut rng);
            let threshold = held.threshold().map(|UniformRank(rank)| rank);
            assert!(threshold.is_some_and(|rank| rank != guessed));
        }
    }

    #[test]
    fn few_candidates_do_not_pay() {
        assert!(!pays(&BottomK::<_, u8>::new(10), 63));
        let nearly_full = BottomK::<_, u8>::from_candidates(100, vec![], Some(UniformRank(0.001)));
        assert!(!pays(&nearly_full, 63_999));
        assert!(pays(&nearly_full, 64_001));
    }
}
