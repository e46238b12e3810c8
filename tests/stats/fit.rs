//! Goodness of fit: Pearson's chi-square and the Kolmogorov-Smirnov test.

use forebay::random::DefaultRng;
use rand::{RngExt, SeedableRng};
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF};

use crate::{ALPHA, seed, trials_to_find};

/// Fails unless samples of k of the numbers below n are each of the sets equally often. Finds a
/// relative error of `error`.
#[track_caller]
pub(crate) fn every_subset_alike<T: TryInto<usize, Error: std::fmt::Debug>>(
    label: &str,
    (k, n): (usize, usize),
    error: f64,
    sample: impl Fn(u64) -> Vec<T>,
) {
    let subsets = (0..1usize << n).filter(|set| set.count_ones() as usize == k);
    let runs = match subsets.count() {
        1 => 1_000,
        cells => trials_to_find(error, cells),
    };
    let mut sets = vec![0; 1 << n];
    for trial in 0..runs {
        let items = sample(trial);
        assert_eq!(items.len(), k);
        let places = items
            .into_iter()
            .map(|item| item.try_into().expect("below n"));
        sets[places.fold(0usize, |set, item: usize| set | 1 << item)] += 1;
    }
    let of_size_k: Vec<u64> = (0..1usize << n)
        .filter(|set| set.count_ones() as usize == k)
        .map(|set| sets[set])
        .collect();
    let total: u64 = of_size_k.iter().sum();
    assert_eq!(total, runs, "{label}: an item is held twice");
    let expected = vec![total as f64 / of_size_k.len() as f64; of_size_k.len()];
    chi_square(&format!("{label}: {k} of {n}"), &of_size_k, &expected, 1.0);
}

/// Fails unless counts fit what was expected (Pearson 1900).
///
/// Cells expected fewer than ten times are pooled with their neighbours. `scale` multiplies the
/// statistic; it is 1 for independent trials that each fall into one cell.
#[track_caller]
pub(crate) fn chi_square(label: &str, observed: &[u64], expected: &[f64], scale: f64) {
    assert_eq!(
        observed.len(),
        expected.len(),
        "{label}: one expectation a cell"
    );
    let (total, mass) = (
        observed.iter().sum::<u64>() as f64,
        expected.iter().sum::<f64>(),
    );
    assert!(
        (total - mass).abs() <= 1e-6 * mass,
        "{label}: {total} trials, {mass} expected"
    );
    let mut cells: Vec<(f64, f64)> = Vec::new();
    let (mut o, mut e) = (0.0, 0.0);
    for (&count, &expectation) in observed.iter().zip(expected) {
        assert!(
            expectation > 0.0 || count == 0,
            "{label}: an impossible outcome came up"
        );
        o += count as f64;
        e += expectation;
        if e >= 10.0 {
            cells.push((o, e));
            (o, e) = (0.0, 0.0);
        }
    }
    match cells.last_mut() {
        Some(last) => *last = (last.0 + o, last.1 + e),
        None => panic!("{label}: too few trials for a verdict"),
    }
    if cells.len() < 2 {
        return;
    }
    let statistic = scale
        * cells
            .iter()
            .map(|(o, e)| (o - e) * (o - e) / e)
            .sum::<f64>();
    let law = ChiSquared::new((cells.len() - 1) as f64).expect("a positive number of degrees");
    let p = law.sf(statistic);
    assert!(
        p >= ALPHA,
        "{label}: chi-square {statistic:.1} on {} degrees, p = {p:.1e}",
        cells.len() - 1
    );
}

/// Fails unless each of `n` items was included equally often by samples of `k` of them.
///
/// Inclusions of a sample of fixed size are negatively correlated: the sum of squares is multiplied
/// by (n-1)/(n-k), which makes it chi-square on n-1 degrees in the limit.
#[track_caller]
pub(crate) fn inclusions(label: &str, counts: &[u64], k: usize) {
    let n = counts.len();
    let total: u64 = counts.iter().sum();
    let expected = vec![total as f64 / n as f64; n];
    if n == k {
        assert!(
            counts.iter().all(|&c| c == counts[0]),
            "{label}: all items are in every sample"
        );
        return;
    }
    chi_square(label, counts, &expected, (n - 1) as f64 / (n - k) as f64);
}

/// Fails unless something of probability `p` may have happened `hits` times in `runs` independent
/// trials: the exact binomial tail, of either side.
#[track_caller]
pub(crate) fn share(label: &str, hits: u64, runs: u64, p: f64) {
    if p >= 1.0 - 1e-12 || p <= 1e-12 {
        let wanted = if p < 0.5 { 0 } else { runs };
        assert_eq!(hits, wanted, "{label}: certain in every trial");
        return;
    }
    let law = Binomial::new(p, runs).expect("a probability");
    let below = law.cdf(hits);
    let above = if hits == 0 { 1.0 } else { law.sf(hits - 1) };
    let tail = 2.0 * below.min(above);
    assert!(
        tail >= ALPHA,
        "{label}: {hits} of {runs} trials at probability {p:.6}, p = {tail:.1e}"
    );
}

/// Fails unless `draws` come from the continuous law with distribution function `cdf` (Kolmogorov
/// 1933; tail after Stephens 1970, good to three digits from eight draws on).
#[track_caller]
pub(crate) fn kolmogorov_smirnov(label: &str, mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let gap = draws.iter().enumerate().fold(0.0f64, |gap, (i, &x)| {
        let (below, above) = (i as f64 / n, (i + 1) as f64 / n);
        gap.max(cdf(x) - below).max(above - cdf(x))
    });
    let x = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * gap;
    // The leading term of the tail; the others are below ALPHA^3.
    let p = 2.0 * (-2.0 * x * x).exp();
    assert!(
        p >= ALPHA,
        "{label}: largest gap {gap:.5} over {n} draws, p = {p:.1e}"
    );
}

#[test]
fn the_verdicts_accept_the_law_and_reject_a_shift_of_a_percent() {
    let fair: Vec<u64> = (0..10).map(|i| 100_000 + i % 3 - 1).collect();
    chi_square("fair", &fair, &[100_000.0; 10], 1.0);
    let mut biased = vec![100_000; 10];
    (biased[0], biased[9]) = (101_500, 98_500);
    let rejected = std::panic::catch_unwind(|| chi_square("biased", &biased, &[1e5; 10], 1.0));
    assert!(rejected.is_err());
    let grid = |shift: f64| {
        (0..100_000)
            .map(|i| (i as f64 + 0.5) / 1e5 + shift)
            .collect()
    };
    kolmogorov_smirnov("grid", grid(0.0), |x| x.clamp(0.0, 1.0));
    let rejected = std::panic::catch_unwind(|| {
        kolmogorov_smirnov("shifted", grid(0.01), |x| x.clamp(0.0, 1.0));
    });
    assert!(rejected.is_err());
}

/// Laws that are wrong by the stated error are rejected nine times in ten: in 160 of 200 at least,
/// which 9 in 10 falls short of with probability below 1e-5.
#[test]
fn an_error_of_the_stated_size_is_found() {
    for (case, (cells, error)) in [(2, 0.1), (10, 0.1), (126, 0.2)].into_iter().enumerate() {
        let runs = trials_to_find(error, cells);
        let expected = vec![runs as f64 / cells as f64; cells];
        let rejected = (0..200).filter(|&round| {
            let mut rng = DefaultRng::seed_from_u64(seed(99, case as u64, round));
            let mut counts = vec![0; cells];
            for _ in 0..runs {
                let cell = rng.random_range(0..cells);
                // Half of the cells give a share of theirs to their neighbours.
                let moved = cell % 2 == 0 && rng.random_bool(error);
                counts[cell + usize::from(moved)] += 1;
            }
            std::panic::catch_unwind(|| chi_square("", &counts, &expected, 1.0)).is_err()
        });
        let rejected = rejected.count();
        assert!((160..200).contains(&rejected), "{rejected} of 200 rejected");
    }
}
