//! Statistical tests: every sampler against its exact law.
//!
//! # Rules
//!
//! - One significance level for every verdict, [`ALPHA`]. With fewer than 1,000 verdicts, a suite of
//!   correct samplers fails with probability below 1e-3 when seeds are drawn, and then for ever.
//! - Seeds are computed from the index of the parameters and the trial ([`seed`]). They are fixed
//!   and are never re-rolled to turn a test green: a failure is a finding.
//! - What a test can find follows from its trials. With `N` of them, a probability that is not `p` but
//!   differs from it by the relative amount `6.3 * sqrt((1-p) / (p N))` fails at least nine times in
//!   ten: 4.2 % for p = 0.1 and 200,000 trials, 4.5 % for p = 0.5 and 20,000. More trials than an
//!   error worth finding needs are for `FOREBAY_SOAK`.
//! - `FOREBAY_SOAK=10` makes every test ten times as long, with further seeds.

mod decaying;
mod eb_pps;
mod estimates;
mod fit;
mod images;
#[path = "../support/naive.rs"]
mod naive;
mod replacement;
mod uniform;
mod var_opt;
mod weighted;

/// The probability with which a verdict may reject a sampler that is right.
const ALPHA: f64 = 1e-6;

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
