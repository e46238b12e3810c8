//! The samplers that are not bottom-k, each against its floor.
//!
//! `cargo bench --bench sample_unequal` runs all groups and ends with the table of ratios and of
//! nanoseconds an item. The slices hold 50 M items. Peers that are not in Rust, on the machine of
//! the issue: C++ DataSketches VarOpt 18 ns and EB-PPS 43 ns an item at k = 10,000.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "support/ratios.rs"]
mod ratios;

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, criterion_group, measurement::WallTime};
use forebay::random::JobSeed;
use forebay::sample::{EbPps, ReplacementReservoir, VarOpt};
use forebay::{Merge, merge_all};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const N: usize = 50_000_000;
const SIZES: [usize; 2] = [100, 10_000];

/// Weights of one magnitude: all light once the sample is full.
fn even() -> Vec<f64> {
    (0..N).map(|i| 0.5 + (i % 1_000) as f64 / 1_000.0).collect()
}

/// Pareto weights with shape 1.1: a mean, but no variance.
fn heavy_tailed() -> Vec<f64> {
    let mut rng = SmallRng::seed_from_u64(1);
    (0..N)
        .map(|_| (1.0 - rng.random::<f64>()).powf(-1.0 / 1.1))
        .collect()
}

/// Offers all items one by one, and all as a slice.
macro_rules! offer {
    ($group:expr, $Sampler:ident, $k:expr, $items:expr, $weights:expr) => {
        let (items, weights): (&[u64], &[f64]) = ($items, $weights);
        let mut seed = 0;
        $group.bench_function(concat!(stringify!($Sampler), " update loop"), |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = $Sampler::with_seed($k, seed);
                for (&item, &weight) in items.iter().zip(weights) {
                    sample
                        .update_weighted(item, weight)
                        .expect("a valid weight");
                }
                sample
            });
        });
        $group.bench_function(concat!(stringify!($Sampler), " slice"), |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = $Sampler::with_seed($k, seed);
                sample
                    .extend_from_slices(items, weights)
                    .expect("valid weights");
                sample
            });
        });
    };
}

fn sum_of_weights(group: &mut BenchmarkGroup<'_, WallTime>, weights: &[f64]) {
    group.bench_function("sum of weights", |b| {
        b.iter(|| black_box(weights).iter().sum::<f64>());
    });
}

fn weighted(c: &mut Criterion) {
    let items: Vec<u64> = (0..N as u64).collect();
    for (law, weights) in [("even", even()), ("heavy-tailed", heavy_tailed())] {
        for k in SIZES {
            let mut group = c.benchmark_group(format!("{law} weights k={k}"));
            group.sample_size(10);
            sum_of_weights(&mut group, &weights);
            offer!(group, VarOpt, k, &items, &weights);
            offer!(group, EbPps, k, &items, &weights);
            group.finish();
        }
    }
}

fn decay(c: &mut Criterion) {
    const BATCH: u64 = 10_000;
    let mut group = c.benchmark_group("decay k=10000");
    group.sample_size(10);
    group.bench_function("sum of items", |b| {
        b.iter(|| (0..N as u64).fold(0, |sum: u64, i| sum.wrapping_add(black_box(i))));
    });
    group.bench_function("EbPps", |b| {
        b.iter(|| {
            let mut sample = EbPps::with_seed(10_000, 1);
            for batch in 0..N as u64 / BATCH {
                sample.decay(0.95);
                for item in 0..BATCH {
                    sample.update(batch * BATCH + item);
                }
            }
            sample
        });
    });
    group.finish();
}

fn replacement(c: &mut Criterion) {
    let items: Vec<u64> = (0..N as u64).collect();
    for k in SIZES {
        let mut group = c.benchmark_group(format!("replacement k={k}"));
        group.sample_size(10);
        group.bench_function("k draws by index", |b| {
            let mut rng = SmallRng::seed_from_u64(1);
            b.iter(|| {
                (0..k)
                    .map(|_| items[rng.random_range(0..items.len())])
                    .collect::<Vec<_>>()
            });
        });
        let mut seed = 0;
        group.bench_function("slice", |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = ReplacementReservoir::with_seed(k, seed);
                sample.extend_from_slice(&items);
                sample
            });
        });
        group.bench_function("update loop", |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = ReplacementReservoir::with_seed(k, seed);
                for &item in black_box(&items) {
                    sample.update(item);
                }
                sample
            });
        });
        group.finish();
    }
}

fn merges(c: &mut Criterion) {
    const PARTS: u32 = 100;
    const K: usize = 1_024;
    fn measure<S: Merge + Clone>(
        group: &mut BenchmarkGroup<'_, WallTime>,
        name: &str,
        part: impl Fn(u32) -> S,
    ) {
        let parts: Vec<S> = (0..PARTS).map(part).collect();
        group.bench_function(format!("{name} copy"), |b| b.iter(|| parts.clone()));
        group.bench_function(format!("{name} copy and merge_all"), |b| {
            b.iter(|| merge_all(parts.clone()));
        });
    }
    let job = JobSeed::new(1);
    let weights = &heavy_tailed()[..10 * K];
    let items: Vec<u64> = (0..weights.len() as u64).collect();
    let mut group = c.benchmark_group("merge 100 x 1024");
    group.sample_size(20);
    measure(&mut group, "VarOpt", |part| {
        let mut sample = VarOpt::with_rng(K, job.partition_rng(0, part, 0));
        sample
            .extend_from_slices(&items, weights)
            .expect("valid weights");
        sample
    });
    measure(&mut group, "EbPps", |part| {
        let mut sample = EbPps::with_rng(K, job.partition_rng(1, part, 0));
        sample
            .extend_from_slices(&items, &vec![1.0; weights.len()])
            .expect("valid weights");
        sample
    });
    measure(&mut group, "ReplacementReservoir", |part| {
        let mut sample = ReplacementReservoir::with_rng(K, job.partition_rng(2, part, 0));
        sample.extend_from_slice(&items);
        sample
    });
    group.finish();
}

criterion_group!(benches, weighted, decay, replacement, merges);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    let offered = [
        "VarOpt update loop",
        "VarOpt slice",
        "EbPps update loop",
        "EbPps slice",
    ];
    for k in SIZES {
        for law in ["even", "heavy-tailed"] {
            ratios::print(&format!("{law} weights k={k}"), "sum of weights", &offered);
        }
        let ways = ["slice", "update loop"];
        ratios::print(&format!("replacement k={k}"), "k draws by index", &ways);
    }
    ratios::print("decay k=10000", "sum of items", &["EbPps"]);
    println!("  (50 M items each: 50 ms = 1 ns an item)");
    for name in ["VarOpt", "EbPps", "ReplacementReservoir"] {
        let merged = format!("{name} copy and merge_all");
        ratios::print("merge 100 x 1024", &format!("{name} copy"), &[&merged]);
    }
    println!("  (102,400 samples offered; ns a sample = difference / 102,400)");
}
