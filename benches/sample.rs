//! The samplers on the bottom-k core, each against its floor and its rivals.
//!
//! `cargo bench --bench sample` runs all groups and ends with the table of ratios. The slices hold
//! 100 M and 50 M items: 1.6 GB of memory.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "support/ratios.rs"]
mod ratios;

use std::hint::black_box;

use criterion::{Criterion, criterion_group};
use forebay::merge_all;
use forebay::random::JobSeed;
use forebay::sample::{Reservoir, WeightedReservoir};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::{IteratorRandom, index};

const UNIFORM: u64 = 100_000_000;
const WEIGHTED: usize = 50_000_000;

fn uniform_slice(c: &mut Criterion) {
    let items: Vec<u64> = (0..UNIFORM).collect();
    for k in [100, 10_000] {
        let mut group = c.benchmark_group(format!("uniform slice k={k}"));
        group.sample_size(20);
        let mut rng = SmallRng::seed_from_u64(1);
        let mut seed = 0;
        group.bench_function("rand index::sample", |b| {
            b.iter(|| {
                let chosen = index::sample(&mut rng, items.len(), k);
                chosen.into_iter().map(|i| items[i]).collect::<Vec<_>>()
            });
        });
        group.bench_function("extend_from_slice", |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = Reservoir::with_seed(k, seed);
                sample.extend_from_slice(&items);
                sample
            });
        });
        group.bench_function("extend", |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = Reservoir::<u64>::with_seed(k, seed);
                sample.extend(&items);
                sample
            });
        });
        group.finish();
    }
}

/// An iterator that must be driven item by item and whose length is not known.
struct Opaque<I>(I);

impl<I: Iterator> Iterator for Opaque<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

fn uniform_stream(c: &mut Criterion) {
    let items: Vec<u64> = (0..UNIFORM).collect();
    let opaque = || Opaque(black_box(&items).iter().copied());
    for k in [100, 10_000] {
        let mut group = c.benchmark_group(format!("uniform stream k={k}"));
        group.sample_size(10);
        let mut rng = SmallRng::seed_from_u64(1);
        group.bench_function("sum", |b| {
            b.iter(|| opaque().fold(0, u64::wrapping_add));
        });
        group.bench_function("extend", |b| {
            b.iter(|| {
                let mut sample = Reservoir::with_seed(k, 1);
                sample.extend(opaque());
                sample
            });
        });
        group.bench_function("update loop", |b| {
            b.iter(|| {
                let mut sample = Reservoir::with_seed(k, 1);
                for item in opaque() {
                    sample.update(item);
                }
                sample
            });
        });
        group.bench_function("rand IteratorRandom::sample", |b| {
            b.iter(|| opaque().sample(&mut rng, k));
        });
        group.finish();
    }
}

fn weighted_slice(c: &mut Criterion) {
    let items: Vec<u64> = (0..WEIGHTED as u64).collect();
    let weights: Vec<f64> = items.iter().map(|i| 0.5 + (i % 1_000) as f64).collect();
    for k in [100, 10_000] {
        let mut group = c.benchmark_group(format!("weighted slice k={k}"));
        group.sample_size(20);
        let mut seed = 0;
        group.bench_function("sum of weights", |b| {
            b.iter(|| lanes_sum(black_box(&weights)));
        });
        group.bench_function("plain sum of weights", |b| {
            b.iter(|| black_box(&weights).iter().sum::<f64>());
        });
        group.bench_function("extend_from_slices", |b| {
            b.iter(|| {
                seed += 1;
                let mut sample = WeightedReservoir::with_seed(k, seed);
                sample
                    .extend_from_slices(&items, &weights)
                    .expect("valid weights");
                sample
            });
        });
        let mut rng = SmallRng::seed_from_u64(1);
        group.sample_size(10);
        group.bench_function("rand sample_weighted", |b| {
            b.iter(|| {
                let chosen = index::sample_weighted(&mut rng, weights.len(), |i| weights[i], k);
                let chosen = chosen.expect("valid weights");
                chosen.into_iter().map(|i| items[i]).collect::<Vec<_>>()
            });
        });
        group.finish();
    }
}

/// The sum at the speed of memory: eight independent lanes.
fn lanes_sum(weights: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    for chunk in weights.chunks_exact(8) {
        for (lane, weight) in lanes.iter_mut().zip(chunk) {
            *lane += weight;
        }
    }
    lanes.iter().sum()
}

fn merges(c: &mut Criterion) {
    const PARTS: u32 = 1_000;
    const K: usize = 1_024;
    let job = JobSeed::new(1);
    let parts: Vec<Reservoir<u64>> = (0..PARTS)
        .map(|part| {
            let mut sample = Reservoir::with_rng(K, job.partition_rng(0, part, 0));
            sample.extend(0..10 * K as u64);
            sample
        })
        .collect();
    let mut group = c.benchmark_group("merge 1000 x 1024");
    group.bench_function("copy", |b| b.iter(|| parts.clone()));
    group.bench_function("copy and merge_all", |b| {
        b.iter(|| merge_all(parts.clone()));
    });
    group.finish();
}

criterion_group!(
    benches,
    uniform_slice,
    uniform_stream,
    weighted_slice,
    merges
);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    for k in [100, 10_000] {
        ratios::print(
            &format!("uniform slice k={k}"),
            "rand index::sample",
            &["extend_from_slice", "extend"],
        );
        ratios::print(
            &format!("uniform stream k={k}"),
            "sum",
            &["extend", "update loop", "rand IteratorRandom::sample"],
        );
        ratios::print(
            &format!("weighted slice k={k}"),
            "sum of weights",
            &[
                "plain sum of weights",
                "extend_from_slices",
                "rand sample_weighted",
            ],
        );
    }
    ratios::print("merge 1000 x 1024", "copy", &["copy and merge_all"]);
    println!("  (1,024,000 samples offered; ns a sample = difference / 1,024,000)");
}
