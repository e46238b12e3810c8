//! Weighted slices: the weights are read at the speed of memory, and about k items are accepted.
//!
//! A reservoir that starts empty accepts `k ln(n/k)` items by jumps. But the final threshold of a slice
//! can be estimated first. Ranks below a fixed t are a Poisson process of rate t in cumulative weight.
//! With t a little above `(k+1)/W`, more than k ranks are below t almost surely, and the k+1 smallest of
//! them are the k+1 smallest of all. The choice of t does not bias the sample, because it depends on
//! weights only and not on ranks. If too few ranks are below t, all others are at least t, and their
//! excess over t is exponential again: a second pass samples the remaining items for the free places.

use alloc::vec::Vec;

use rand::Rng;

use super::WeightedReservoir;
use crate::sample::WeightError;
use crate::sample::bottom_k::{BottomK, Entry, FEWEST_GATHERED};
use crate::sample::lanes::sum;
use crate::sample::rank::WeightedRank;
use crate::sample::skip::ln_rank_below;
use crate::sample::weight::Weight;

/// The number of weights that are summed before a comparison with the jump, and the number if the sum
/// of a block exceeds it.
const BLOCK: usize = 1_024;
const PIECE: usize = 32;

/// The number of weights that are probed to guess the threshold of a slice, and the shortest slice for
/// which that is cheap.
const PROBED: usize = 256;
const SHORTEST: usize = 32 * PROBED;

impl<T, R: Rng> WeightedReservoir<T, R> {
    /// Offers `items[i]` with weight `weights[i]` for every i. Clones only the items kept.
    ///
    /// Reads the weights at the speed of memory. A slice much longer than the stream before it takes
    /// about k random numbers, not `k ln(n/k)`.
    ///
    /// # Errors
    ///
    /// Returns an error at the first weight that is NaN, negative or infinite. The items before it have
    /// been offered.
    ///
    /// # Panics
    ///
    /// Panics if the slices differ in length.
    #[track_caller]
    pub fn extend_from_slices(&mut self, items: &[T], weights: &[f64]) -> Result<(), WeightError>
    where
        T: Clone,
    {
        assert_eq!(items.len(), weights.len(), "one weight for every item");
        match guess(&self.core, weights) {
            Some(ln_threshold) => self.extend_below(items, weights, ln_threshold),
            None => self.offer_each(weights, 0, &|at| items[at].clone()),
        }
    }

    /// Samples the slice alone below a guessed threshold, and merges the result.
    fn extend_below(
        &mut self,
        items: &[T],
        weights: &[f64],
        ln_threshold: f64,
    ) -> Result<(), WeightError>
    where
        T: Clone,
    {
        let mut scan = WeightedReservoir::with_rng(self.capacity(), &mut self.rng);
        let outcome = scan.sample_below(weights, ln_threshold);
        let WeightedReservoir {
            core,
            seen,
            total_weight,
            ..
        } = scan;
        let core = core.map(|at| items[at].clone());
        self.merge_parts(core, seen, total_weight);
        outcome
    }

    /// Offers `make(first + i)` with weight `weights[i]` for every i.
    fn offer_each(
        &mut self,
        weights: &[f64],
        first: usize,
        make: &impl Fn(usize) -> T,
    ) -> Result<(), WeightError> {
        let mut gathered = Gathered {
            sample: self,
            accepted: Vec::new(),
        };
        let mut pieces = pieces(weights, first, BLOCK);
        pieces.try_for_each(|(at, weights)| gathered.offer_block(weights, at, make))
    }

    /// Skips `len` items of total weight `sum` if that does not use up the jump. If it does, or if the
    /// sum is NaN, nothing changes.
    fn pass_over(&mut self, len: usize, sum: f64) -> bool {
        let left = self.left - sum * self.unit;
        let passed = left >= 0.0 && sum < f64::INFINITY;
        if passed {
            self.left = left;
            self.seen = self.seen.saturating_add(len as u64);
            self.total_weight = (self.total_weight + sum).min(f64::MAX);
        }
        passed
    }
}

/// Accepted items that are not in the sample yet. They come in when this is dropped, also if an item panicked
/// while it was cloned.
struct Gathered<'a, T, R> {
    sample: &'a mut WeightedReservoir<T, R>,
    accepted: Vec<Entry<WeightedRank, T>>,
}

impl<T, R: Rng> Gathered<'_, T, R> {
    /// Offers a block: as a whole if the jump extends beyond it, else piece by piece, else item by item.
    fn offer_block(
        &mut self,
        weights: &[f64],
        first: usize,
        make: &impl Fn(usize) -> T,
    ) -> Result<(), WeightError> {
        if self.sample.pass_over(weights.len(), sum(weights)) {
            return Ok(());
        }
        for (at, weights) in pieces(weights, first, PIECE) {
            if self.sample.pass_over(weights.len(), sum(weights)) {
                continue;
            }
            for (i, &weight) in weights.iter().enumerate() {
                if !self.sample.pass(Weight::new(weight)?.get()) {
                    self.gather(|| make(at + i), weight);
                }
            }
        }
        Ok(())
    }

    /// Like `consider`, but gathers accepted items. The threshold is lowered only when there are as many
    /// of them as the sample holds: O(1) each instead of O(log k).
    fn gather(&mut self, item: impl FnOnce() -> T, weight: f64) {
        let sample = &mut *self.sample;
        let Some(threshold) = sample.core.threshold().filter(|_| sample.drawn) else {
            return sample.consider(item, weight);
        };
        sample.forget_jump();
        let item = item();
        let ln_rank = ln_rank_below(&mut sample.rng, libm::log(weight), threshold.ln_rank);
        sample.count(weight);
        let rank = WeightedRank { ln_rank, weight };
        self.accepted.push(Entry { rank, item });
        if self.accepted.len() >= sample.core.capacity().max(FEWEST_GATHERED) {
            sample.core.absorb(&mut self.accepted);
        }
        sample.draw_jump();
    }
}

impl<T, R> Drop for Gathered<'_, T, R> {
    fn drop(&mut self) {
        if !self.accepted.is_empty() {
            self.sample.forget_jump();
            self.sample.core.absorb(&mut self.accepted);
        }
    }
}

impl<R: Rng> WeightedReservoir<usize, &mut R> {
    /// Fills an empty sampler with a sample of the positions of `weights`, up to the first invalid
    /// weight. Starts with ranks below a threshold.
    fn sample_below(&mut self, weights: &[f64], ln_threshold: f64) -> Result<(), WeightError> {
        let threshold = WeightedRank {
            ln_rank: ln_threshold,
            weight: f64::MIN_POSITIVE,
        };
        let capacity = self.capacity();
        self.core = BottomK::from_candidates(capacity, Vec::new(), Some(threshold));
        self.forget_jump();
        let outcome = self.offer_each(weights, 0, &|at| at);
        let too_few = |reached: WeightedRank| reached.ln_rank == ln_threshold;
        if self.core.threshold().is_some_and(too_few) {
            let offered = self.seen as usize;
            self.add_rest(&weights[..offered], ln_threshold)?;
        }
        outcome
    }

    /// Completes a sample of at most `capacity` positions that holds all those with ranks below
    /// `ln_least`.
    fn add_rest(&mut self, weights: &[f64], ln_least: f64) -> Result<(), WeightError> {
        let mut taken: Vec<usize> = self.core.iter().map(|entry| entry.item).collect();
        taken.sort_unstable();
        let capacity = self.capacity();
        // At least one, for the rank that becomes the threshold.
        let places = (capacity - taken.len()).max(1);
        let mut rest = WeightedReservoir::with_rng(places, &mut *self.rng);
        let mut from = 0;
        for end in taken.into_iter().chain([weights.len()]) {
            rest.offer_each(&weights[from..end], from, &|at| at)?;
            from = end + 1;
        }
        let lift = |rank: WeightedRank| WeightedRank {
            ln_rank: ln_sum(rank.ln_rank, ln_least),
            ..rank
        };
        let threshold = rest.core.threshold().map(lift);
        let lifted = rest.core.into_entries().into_iter().map(|entry| Entry {
            rank: lift(entry.rank),
            ..entry
        });
        let candidates = lifted.chain(self.core.iter().cloned()).collect();
        self.core = BottomK::from_candidates(capacity, candidates, threshold);
        Ok(())
    }
}

/// The logarithm of a sum, given the logarithms of its terms.
fn ln_sum(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high + libm::log1p(libm::exp(low - high))
}

/// A slice of weights in pieces of at most `len`, each with its position; the first is at `first`.
fn pieces(weights: &[f64], first: usize, len: usize) -> impl Iterator<Item = (usize, &[f64])> {
    (first..).step_by(len).zip(weights.chunks(len))
}

/// The logarithm of a threshold that more than `capacity` ranks of the slice are likely to be below.
/// `None` unless it is far below the threshold of `core` and the slice is long enough to pay.
fn guess<T>(core: &BottomK<WeightedRank, T>, weights: &[f64]) -> Option<f64> {
    if weights.len() < SHORTEST.max(core.capacity().saturating_mul(2)) {
        return None;
    }
    let stride = weights.len() / PROBED;
    let probed: Vec<f64> = weights.iter().copied().step_by(stride).collect();
    let most = probed.iter().copied().fold(0.0, f64::max);
    let valid = |&weight: &f64| Weight::new(weight).is_ok();
    if most == 0.0 || !probed.iter().all(valid) {
        return None;
    }
    let relative: Vec<f64> = probed.iter().map(|weight| weight / most).collect();
    let wanted = core.capacity() as f64 + 1.0;
    let wanted = (wanted + 3.0 * libm::sqrt(wanted) + 3.0) / weights.len() as f64;
    let ln_threshold = libm::log(reach(&relative, wanted)?) - libm::log(most);
    let far_below =
        |held: WeightedRank| ln_threshold < held.ln_rank - 2.0 * core::f64::consts::LN_2;
    core.threshold()
        .is_none_or(far_below)
        .then_some(ln_threshold)
}

/// A threshold that at least the fraction `wanted` of ranks is likely to be below, for weights like
/// these. It is at most about twice as high as needed, or four times if a few weights dominate.
fn reach(weights: &[f64], wanted: f64) -> Option<f64> {
    const TRIED: usize = 16;
    let number = weights.len() as f64;
    let mean = weights.iter().sum::<f64>() / number;
    let square = |weight: &f64| (weight - mean) * (weight - mean);
    let deviation = libm::sqrt(weights.iter().map(square).sum::<f64>()) / number;
    let low_mean = (mean - 3.0 * deviation).max(mean / 4.0);
    let below = |threshold: f64| {
        let hits = weights
            .iter()
            .map(|weight| -libm::expm1(-weight * threshold));
        hits.sum::<f64>() / number * low_mean / mean
    };
    let first = wanted / low_mean;
    core::iter::successors(Some(first), |threshold| Some(2.0 * threshold))
        .take(TRIED)
        .find(|&threshold| below(threshold) >= 0.95 * wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// The expected number of ranks below the threshold that is guessed for an empty sample of `k`,
    /// divided by the intended number.
    fn expected_over_wanted(k: usize, weights: &[f64]) -> f64 {
        let ln_threshold = guess(&BottomK::<_, ()>::new(k), weights).expect("the slice is long");
        let hit = |weight: &f64| -libm::expm1(-libm::exp(libm::log(*weight) + ln_threshold));
        let places = k as f64 + 1.0;
        weights.iter().map(hit).sum::<f64>() / (places + 3.0 * places.sqrt() + 3.0)
    }

    #[test]
    fn a_guess_lets_a_few_more_than_k_below() {
        for scale in [1e-300, 1e-9, 1.0, 1e300] {
            for k in [1, 10, 150] {
                let equal = expected_over_wanted(k, &[scale; 30_000]);
                assert!((0.96..1.001).contains(&equal), "{equal} for {k}");
                let even: Vec<f64> = (0..30_000).map(|i| f64::from(i % 1_000) * scale).collect();
                let even = expected_over_wanted(k, &even);
                assert!((1.05..1.25).contains(&even), "{even} for {k}");
            }
        }
    }

    #[test]
    fn a_guess_for_heavy_tails_is_at_most_a_few_times_too_high() {
        let tail: Vec<f64> = (1..=30_000)
            .map(|i| 1.0 / f64::from(i * 7 % 30_011))
            .collect();
        for k in [1, 10, 100, 1_000] {
            let tail = expected_over_wanted(k, &tail);
            assert!((0.5..5.0).contains(&tail), "{tail} for {k}");
        }
    }

    #[test]
    fn there_is_no_guess_where_it_does_not_pay() {
        let empty = |k| BottomK::<WeightedRank, ()>::new(k);
        assert!(guess(&empty(10), &vec![1.0; SHORTEST]).is_some());
        assert!(guess(&empty(10), &vec![1.0; SHORTEST - 1]).is_none());
        assert!(guess(&empty(10), &vec![0.0; SHORTEST]).is_none());
        assert!(guess(&empty(SHORTEST / 2), &vec![1.0; SHORTEST]).is_some());
        assert!(guess(&empty(SHORTEST / 2 + 1), &vec![1.0; SHORTEST]).is_none());
        assert!(guess(&empty(usize::MAX), &vec![1.0; SHORTEST]).is_none());
        let mut bad = vec![1.0; SHORTEST];
        bad[0] = f64::NAN;
        assert!(guess(&empty(10), &bad).is_none());
        let ln_guess = guess(&empty(10), &vec![1.0; SHORTEST]).expect("it pays");
        for (times, pays) in [(3.9f64, false), (4.1, true)] {
            let threshold = WeightedRank {
                ln_rank: ln_guess + times.ln(),
                weight: 1.0,
            };
            let held = BottomK::<_, ()>::from_candidates(10, Vec::new(), Some(threshold));
            assert_eq!(guess(&held, &vec![1.0; SHORTEST]).is_some(), pays);
        }
    }

    #[test]
    fn logarithms_of_sums_are_those_of_the_sums() {
        for (a, b) in [
            (1.0f64, 1.0f64),
            (3.0, 5.0),
            (5.0, 3.0),
            (1e-12, 4.0),
            (1e200, 1e190),
        ] {
            let ln = ln_sum(a.ln(), b.ln());
            assert!((ln - (a + b).ln()).abs() < 1e-12, "{a} + {b}");
        }
        assert_eq!(ln_sum(-1e300, 7.0), 7.0);
    }
}
