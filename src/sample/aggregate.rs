//! Samples of fixed size with given inclusion probabilities.

use alloc::vec::Vec;

use rand::Rng;

use crate::random::open01;

/// Decides one of two candidates whose probabilities are below 1. If they sum to less than 1, one is
/// dropped, else one is chosen. Returns the chosen one, and the undecided one with its new probability.
///
/// The probability that a candidate is chosen in the end does not change.
pub(crate) fn settle<T, R: Rng + ?Sized>(
    (p, item): (f64, T),
    (q, other): (f64, T),
    rng: &mut R,
) -> (Option<T>, (f64, T)) {
    let (sum, u) = (p + q, open01(rng));
    if sum < 1.0 {
        let stays = if u * sum < p { item } else { other };
        (None, (sum, stays))
    } else if u * (2.0 - sum) < 1.0 - q {
        (Some(item), (sum - 1.0, other))
    } else {
        (Some(other), (sum - 1.0, item))
    }
}

/// Chooses `slots` candidates, each with its probability. The probabilities sum to `slots`.
///
/// Pairs are decided one after the other until one candidate is left: pair aggregation, which keeps a
/// sample variance-optimal (Cohen, Cormode and Duffield 2011; the pivotal method of Deville and Tillé
/// 1998). Draws one random number per candidate.
pub(crate) fn aggregate<T, R: Rng + ?Sized>(
    candidates: impl Iterator<Item = (f64, T)>,
    slots: usize,
    rng: &mut R,
) -> Vec<T> {
    let mut chosen = Vec::with_capacity(slots);
    let mut open = None;
    for candidate in candidates {
        if candidate.0 >= 1.0 {
            chosen.push(candidate.1);
        } else if let Some(other) = open.take() {
            let (decided, undecided) = settle(candidate, other, rng);
            chosen.extend(decided);
            open = Some(undecided);
        } else {
            open = Some(candidate);
        }
    }
    // The last one has probability 0 or 1, up to rounding.
    if chosen.len() < slots {
        chosen.extend(open.map(|(_, item)| item));
    }
    chosen.truncate(slots);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::seeded;

    #[test]
    fn every_candidate_is_chosen_in_its_share_of_trials_and_the_size_is_fixed() {
        let law = [0.9, 0.05, 1.0, 0.3, 0.75, 0.5, 0.5];
        const TRIALS: u32 = 200_000;
        let mut counts = [0u32; 7];
        let mut rng = seeded(1);
        for _ in 0..TRIALS {
            let chosen = aggregate(law.into_iter().zip(0..), 4, &mut rng);
            assert_eq!(chosen.len(), 4);
            chosen.into_iter().for_each(|i: usize| counts[i] += 1);
        }
        for (p, count) in law.into_iter().zip(counts) {
            // Five standard deviations.
            let (mean, n) = (p * f64::from(TRIALS), f64::from(TRIALS));
            assert!(
                (f64::from(count) - mean).abs() <= 5.0 * libm::sqrt(n * p * (1.0 - p)),
                "{p}"
            );
        }
    }
}
