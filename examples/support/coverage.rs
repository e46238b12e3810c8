//! How often intervals cover the truth: shared by the example that prints the table and by the
//! statistical test that judges it.
#![allow(
    unreachable_pub,
    reason = "included by path into programs of their own"
)]

use forebay::Estimate;
use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, VarOpt, WeightedReservoir,
};

/// One kind of estimate on one kind of stream.
pub struct Case {
    /// What is estimated, and from what.
    pub name: &'static str,
    /// Whether the normal approximation behind the interval applies.
    pub normal: bool,
    /// The truth.
    pub truth: f64,
    /// The estimate by a sampler with this seed.
    pub estimate: Box<dyn Fn(u64) -> Estimate>,
}

/// How the intervals of a case did.
pub struct Outcome {
    /// The share of intervals that covered the truth.
    pub coverage: f64,
    /// The mean of the estimates divided by the truth.
    pub bias: f64,
    /// The mean length of finite intervals divided by the truth.
    pub width: f64,
}

/// Runs a case with `seeds` seeds.
pub fn run(case: &Case, seeds: u64) -> Outcome {
    let estimates: Vec<Estimate> = (0..seeds).map(|seed| (case.estimate)(seed)).collect();
    let covered = estimates.iter().filter(|e| e.contains(case.truth)).count();
    let n = seeds as f64;
    let finite: Vec<f64> = estimates
        .iter()
        .map(Estimate::width)
        .filter(|w| w.is_finite())
        .collect();
    Outcome {
        coverage: covered as f64 / n,
        bias: estimates.iter().map(|e| e.value).sum::<f64>() / n / case.truth,
        width: finite.iter().sum::<f64>() / finite.len().max(1) as f64 / case.truth,
    }
}

/// A uniform sample of the numbers below `n`.
fn uniform(k: usize, n: u64, seed: u64) -> Reservoir<u64> {
    let mut sample = Reservoir::with_seed(k, seed);
    sample.extend(0..n);
    sample
}

/// A scrambled number in (0, 1) for each item, the same in every run.
fn noise(item: u64) -> f64 {
    let mixed = item.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ mixed >> 32) >> 12) as f64 / (1u64 << 52) as f64
}

/// A value with a heavy tail: the 99th percentile is a hundred times the median.
fn heavy(item: u64) -> f64 {
    (1.0 - noise(item)).max(1e-9).powf(-1.0 / 1.5)
}

/// The size of a packet, 40 to 1500.
fn size(item: u64) -> f64 {
    (40.0 + 1_460.0 * noise(item) * noise(item)).floor()
}

fn weighted(k: usize, n: u64, seed: u64) -> WeightedReservoir<u64> {
    let mut sample = WeightedReservoir::with_seed(k, seed);
    for item in 0..n {
        sample
            .update_weighted(item, size(item))
            .expect("a valid weight");
    }
    sample
}

fn decaying(k: usize, n: u64, seed: u64) -> DecayingReservoir<u64> {
    let mut sample = DecayingReservoir::with_seed(k, 1_000.0, seed);
    for item in 0..n {
        sample.update_at(item, item as f64).expect("a finite time");
    }
    sample
}

fn replacement(k: usize, n: u64, seed: u64) -> ReplacementReservoir<u64> {
    let mut draws = ReplacementReservoir::with_seed(k, seed);
    draws.extend(0..n);
    draws
}

fn var_opt(k: usize, n: u64, seed: u64) -> VarOpt<u64> {
    let mut sample = VarOpt::with_seed(k, seed);
    for item in 0..n {
        sample
            .update_weighted(item, size(item))
            .expect("a valid weight");
    }
    sample
}

/// Items that fade by half over about a thousand of them.
fn fading(k: usize, n: u64, seed: u64) -> EbPps<u64> {
    let mut sample = EbPps::with_seed(k, seed);
    for item in 0..n {
        if item % 100 == 0 {
            sample.decay(f64::exp2(-0.1));
        }
        sample.update(item);
    }
    sample
}

const N: u64 = 20_000;

/// A case about uniform samples of `k` of [`N`] items.
fn case(
    name: &'static str,
    normal: bool,
    k: usize,
    truth: f64,
    answer: impl Fn(&Reservoir<u64>) -> Estimate + 'static,
) -> Case {
    Case {
        name,
        normal,
        truth,
        estimate: Box::new(move |seed| answer(&uniform(k, N, seed))),
    }
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let total = |value: fn(u64) -> f64| (0..N).map(value).sum::<f64>();
    let mut sorted: Vec<f64> = (0..N).map(size).collect();
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| sorted[(q * N as f64).ceil() as usize - 1];
    let odd_sizes: f64 = (0..N).filter(|item| item % 2 == 1).map(size).sum();
    let decayed: f64 = (0..N).map(|age| f64::exp2(-(age as f64) / 1_000.0)).sum();
    let fade = |item: u64| f64::exp2(-0.1 * ((N - 1) / 100 - item / 100) as f64);
    let faded_odd: f64 = (0..N).filter(|item| item % 2 == 1).map(fade).sum();
    vec![
        case("count of 10 %, k = 500", true, 500, 2_000.0, |s| {
            s.estimate_count(|i| i % 10 == 0)
        }),
        case("count of 10 %, k = 15,000", true, 15_000, 2_000.0, |s| {
            s.estimate_count(|i| i % 10 == 0)
        }),
        case("count of 0.1 %, k = 500", false, 500, 20.0, |s| {
            s.estimate_count(|i| i % 1_000 == 0)
        }),
        case("fraction of 50 %, k = 100", true, 100, 0.5, |s| {
            s.estimate_fraction(|i| i % 2 == 0)
        }),
        case(
            "mean size, k = 200",
            true,
            200,
            total(size) / N as f64,
            |s| s.estimate_mean(|&i| size(i)).expect("items were seen"),
        ),
        case(
            "mean size, k = 10",
            false,
            10,
            total(size) / N as f64,
            |s| s.estimate_mean(|&i| size(i)).expect("items were seen"),
        ),
        case("sum of sizes, k = 500", true, 500, total(size), |s| {
            s.estimate_sum(|&i| size(i))
        }),
        case(
            "sum with a heavy tail, k = 2,000",
            false,
            2_000,
            total(heavy),
            |s| s.estimate_sum(|&i| heavy(i)),
        ),
        case("median size, k = 200", true, 200, quantile(0.5), |s| {
            s.estimate_quantile(|&i| size(i), 0.5)
                .expect("items were seen")
        }),
        case(
            "95th percentile, k = 500",
            false,
            500,
            quantile(0.95),
            |s| {
                s.estimate_quantile(|&i| size(i), 0.95)
                    .expect("items were seen")
            },
        ),
        Case {
            name: "weighted: size of half, k = 200",
            normal: true,
            truth: odd_sizes,
            estimate: Box::new(|seed| weighted(200, N, seed).estimate_weight(|i| i % 2 == 1)),
        },
        Case {
            name: "weighted: count of half, k = 500",
            normal: true,
            truth: N as f64 / 2.0,
            estimate: Box::new(|seed| weighted(500, N, seed).estimate_count(|i| i % 2 == 1)),
        },
        Case {
            name: "decaying: count now, k = 200",
            normal: true,
            truth: decayed,
            estimate: Box::new(|seed| {
                decaying(200, N, seed).estimate_decayed_count(|_| true, (N - 1) as f64)
            }),
        },
        Case {
            name: "replacement: count of 10 %, k = 500",
            normal: true,
            truth: 2_000.0,
            estimate: Box::new(|seed| replacement(500, N, seed).estimate_count(|i| i % 10 == 0)),
        },
        Case {
            name: "replacement: sum of sizes, k = 500",
            normal: true,
            truth: total(size),
            estimate: Box::new(|seed| replacement(500, N, seed).estimate_sum(|&i| size(i))),
        },
        Case {
            name: "varopt: size of half, k = 500",
            normal: true,
            truth: odd_sizes,
            estimate: Box::new(|seed| var_opt(500, N, seed).estimate_weight(|i| i % 2 == 1)),
        },
        Case {
            name: "varopt: count of half, k = 500",
            normal: true,
            truth: N as f64 / 2.0,
            estimate: Box::new(|seed| var_opt(500, N, seed).estimate_count(|i| i % 2 == 1)),
        },
        Case {
            name: "eb-pps: faded weight of half, k = 200",
            normal: true,
            truth: faded_odd,
            estimate: Box::new(|seed| fading(200, N, seed).estimate_weight(|i| i % 2 == 1)),
        },
    ]
}
