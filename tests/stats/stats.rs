//! Statistical tests: every sampler against its exact law.
//!
//! # Rules
//!
//! - One significance level for every verdict, [`ALPHA`]. With fewer than 1,000 verdicts, a suite of
//!   correct samplers fails with probability below 1e-3 when seeds are drawn, and then for ever.
//! - Seeds are computed from the index of the parameters and the trial ([`seed`]). They are fixed
//!   and are never re-rolled to turn a test green: a failure is a finding.
//! - A test states the error that it finds nine times in ten, and [`trials_to_find`] gives it as many
//!   trials as that takes, no more. Errors are relative: the root of the mean square over the cells of
//!   a law, each cell weighted with its probability. 4 to 8 % where a trial is cheap, 10 to 15 % where
//!   it reads thousands of items.
//! - `FOREBAY_SOAK=10` makes every test ten times as long, with further seeds.

mod clear;
mod decaying;
mod eb_pps;
mod estimates;
mod fit;
mod images;
#[path = "../support/naive.rs"]
mod naive;
mod panics;
mod replacement;
mod uniform;
mod var_opt;
mod weighted;

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The probability with which a verdict may reject a sampler that is right.
const ALPHA: f64 = 1e-6;

/// The trials with which a verdict over the counts of so many cells finds a relative `error` nine
/// times in ten: the chi-square statistic then has the noncentrality `trials * error^2`, and exceeds
/// its quantile at [`ALPHA`] (normal approximation, up to 3 % more trials than needed).
///
/// For one probability there are two cells, and `error` is that at p = 1/2: with 0.04, any
/// probability that is off by 0.02 is found.
fn trials_to_find(error: f64, cells: usize) -> u64 {
    let degrees = (cells - 1) as f64;
    let law = ChiSquared::new(degrees).expect("two cells at least");
    // Mean d + x and variance 2 (d + 2x); 1.29 deviations below the mean lies a tenth.
    let excess = law.inverse_cdf(1.0 - ALPHA) - degrees;
    let root = 1.29 + (1.29f64.powi(2) + excess + degrees / 2.0).sqrt();
    let noncentrality = root * root - degrees / 2.0;
    trials((noncentrality / (error * error)).ceil() as u64)
}

/// The number of trials of a test, `FOREBAY_SOAK` times as many as it asks for.
fn trials(base: u64) -> u64 {
    let soak = std::env::var("FOREBAY_SOAK").map_or(1, |text| {
        text.parse().expect("FOREBAY_SOAK is a whole number")
    });
    base * soak
}

/// The seed of one trial of one case of one test: injective for cases and trials below 2^24 and
/// 2^32.
fn seed(test: u8, case: u64, trial: u64) -> u64 {
    u64::from(test) << 56 | case << 32 | trial
}
