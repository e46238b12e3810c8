//! A sketch of another crate in the driver: quantiles of response times, per path since the start
//! and of all paths over the last three batches.
//!
//! ```text
//! cargo run --example quantiles
//! ```
//!
//! Two traits make any mergeable sketch a summary. This one, the KLL sketch of the `datasketches`
//! crate (Karnin, Lang and Liberty 2016), draws random bits of its own: its answers hold within
//! its error, but two runs may differ, unlike those of the summaries of this crate.

use std::error::Error;
use std::time::Duration;

use datasketches::common::SearchCriteria::Inclusive;
use datasketches::kll::KllSketch;
use forebay::stream::StreamingContext;
use forebay::{Merge, Summary};

/// Values kept per level: ranks are right within about 1.3 %.
const K: u16 = 200;

#[derive(Clone)]
struct Quantiles(KllSketch<u64>);

impl Quantiles {
    fn new() -> Self {
        Self(KllSketch::new(K).expect("the library takes this k"))
    }

    fn at(&self, rank: f64) -> u64 {
        let quantile = self.0.quantile(rank, Inclusive);
        quantile.expect("a rank within 0 and 1").unwrap_or(0)
    }
}

impl Merge for Quantiles {
    fn merge(&mut self, other: Self) {
        self.0
            .merge(&other.0)
            .expect("fewer than 2^64 values in all");
    }
}

impl Summary for Quantiles {
    type Item = u64;

    fn update(&mut self, millis: u64) {
        self.0.update(millis);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let second = Duration::from_secs(1);
    let ctx = StreamingContext::builder("quantiles")
        .batch_interval(second)
        .build()?;
    // Made-up requests: some paths are slow, and everything slows down over time.
    let requests = ctx.from_iter(
        (0..500_000u64).map(|n| {
            let (path, jitter) = (n % 3, n.wrapping_mul(2_654_435_761) % 97);
            (path, 5 + 20 * path + jitter * (1 + n / 100_000))
        }),
        100_000,
    );
    requests
        .summarize_by_key(|_rng| Quantiles::new())
        .for_each_batch(|batch, time| {
            let mut paths: Vec<_> = batch.into_iter().collect();
            paths.sort_by_key(|(path, _)| *path);
            for (path, times) in paths {
                let (median, tail) = (times.at(0.5), times.at(0.99));
                println!("{time}: /{path} since the start: median {median} ms, 99 % {tail} ms");
            }
            Ok(())
        });
    requests
        .map(|(_path, millis)| millis)
        .summarize_window(3 * second, second, |_rng| Quantiles::new())?
        .for_each_batch(|batch, time| {
            for all in batch {
                println!("{time}: all, last 3 s: 99 % {} ms", all.at(0.99));
            }
            Ok(())
        });
    ctx.into_driver()?.run_to_end()?;
    Ok(())
}
