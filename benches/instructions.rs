//! Instructions of the summaries and of the driver, counted by valgrind: free of the noise of a
//! shared machine. `cargo bench --bench instructions`; needs valgrind.
//!
//! The program runs itself once for each case under callgrind. Counts repeat to the last digits, so
//! two versions can be compared by two runs.

use std::env;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Duration;

use forebay::frequent::MisraGries;
use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, VarOpt, WeightedReservoir,
};
use forebay::stream::{State, StateSpec, StreamingContext};

const ITEMS: u64 = 300_000;
const BATCHES: u64 = 5;
const K: usize = 1_000;
/// Distinct keys of the driver's streams.
const KEYS: u64 = 20_000;

/// Names the case to a run under valgrind.
const CASE: &str = "FOREBAY_INSTRUCTIONS";

/// A small generator (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0)
    }
}

fn numbers() -> impl Iterator<Item = u64> {
    Numbers(88_172_645_463_325_252).take(ITEMS as usize)
}

fn weights() -> impl Iterator<Item = (u64, f64)> {
    numbers().map(|n| (n, 1.0 + (n % 100) as f64))
}

/// Some keys more frequent than others.
fn skewed(n: u64, keys: u64) -> u64 {
    (n % keys).min((n >> 40) % keys)
}

fn words() -> Vec<String> {
    numbers().map(|n| format!("w{}", skewed(n, KEYS))).collect()
}

fn context() -> StreamingContext {
    StreamingContext::builder("instructions")
        .threads(1)
        .partitions(8)
        .build()
        .expect("valid settings")
}

fn batches<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let len = items.len() / BATCHES as usize;
    items.chunks(len).map(<[T]>::to_vec).collect()
}

/// Consumes a stream and runs it to its end.
macro_rules! run {
    ($ctx:ident, $stream:expr) => {{
        $stream.count().for_each_batch(|batch, _| {
            black_box(batch.len());
            Ok(())
        });
        let mut driver = $ctx.into_driver().expect("it starts");
        driver.run_to_end().expect("it runs");
    }};
}

type Case = (&'static str, fn());

const CASES: [Case; 15] = [
    ("Reservoir, update", || {
        let mut sample = Reservoir::with_seed(K, 1);
        numbers().for_each(|n| sample.update(n));
        black_box(sample.len());
    }),
    ("Reservoir, slice", || {
        let all: Vec<u64> = numbers().collect();
        let mut sample = Reservoir::with_seed(K, 1);
        sample.extend_from_slice(&all);
        black_box(sample.len());
    }),
    ("WeightedReservoir", || {
        let mut sample = WeightedReservoir::with_seed(K, 1);
        weights().for_each(|(n, w)| sample.update_weighted(n, w).expect("a weight"));
        black_box(sample.len());
    }),
    ("VarOpt", || {
        let mut sample = VarOpt::with_seed(K, 1);
        weights().for_each(|(n, w)| sample.update_weighted(n, w).expect("a weight"));
        black_box(sample.len());
    }),
    ("EbPps", || {
        let mut sample = EbPps::with_seed(K, 1);
        weights().for_each(|(n, w)| sample.update_weighted(n, w).expect("a weight"));
        black_box(sample.len());
    }),
    ("ReplacementReservoir", || {
        let mut sample = ReplacementReservoir::with_seed(K, 1);
        numbers().for_each(|n| sample.update(n));
        black_box(sample.len());
    }),
    ("DecayingReservoir", || {
        let mut sample = DecayingReservoir::with_seed(K, 1_000.0, 1);
        let times = numbers().zip(0u32..);
        times.for_each(|(n, t)| sample.update_at(n, f64::from(t)).expect("a time"));
        black_box(sample.len());
    }),
    ("MisraGries, update", || {
        let mut summary: MisraGries<u64> = MisraGries::new(1_024);
        numbers().for_each(|n| summary.update(skewed(n, 5_000)));
        black_box(summary.len());
    }),
    ("MisraGries, slice", || {
        let all: Vec<u64> = numbers().map(|n| skewed(n, 5_000)).collect();
        let mut summary: MisraGries<u64> = MisraGries::new(1_024);
        summary.extend_from_slice(&all);
        black_box(summary.len());
    }),
    ("MisraGries, packets", || {
        let mut summary: MisraGries<u64> = MisraGries::new(1_024);
        numbers().for_each(|n| summary.update_weighted(n % 50_000, 40 + (n >> 50) % 1_460));
        black_box(summary.len());
    }),
    ("MisraGries, words by reference", || {
        let words = words();
        let mut summary: MisraGries<String> = MisraGries::new(1_024);
        words
            .iter()
            .for_each(|word| summary.update_ref(word.as_str()));
        black_box(summary.len());
    }),
    ("word count, update_state_by_key", || {
        let ctx = context();
        let counts = ctx
            .batches(batches(&words()))
            .map(|word| (word, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        run!(ctx, counts);
    }),
    ("state_by_key with a time-out", || {
        let ctx = context();
        let keys: Vec<u64> = numbers().map(|n| n % KEYS).collect();
        let count = |_, key: &u64, n: Option<u64>, state: &mut State<u64>| {
            let count = state.get().copied().unwrap_or(0) + n?;
            state.update(count);
            Some((*key, count))
        };
        let spec = StateSpec::new(count).timeout(Duration::from_secs(100));
        let counts = ctx
            .batches(batches(&keys))
            .map(|key| (key, 1u64))
            .state_by_key(spec);
        run!(ctx, counts);
    }),
    ("reduce_by_key", || {
        let ctx = context();
        let keys: Vec<u64> = numbers().map(|n| n % KEYS).collect();
        let counts = ctx
            .batches(batches(&keys))
            .filter(|n| n % 3 != 0)
            .map(|key| (key, 1u64))
            .reduce_by_key(|a, b| a + b);
        run!(ctx, counts);
    }),
    ("300 empty batches with state", || {
        let ctx = context();
        let counts = ctx
            .batches(vec![Vec::<u64>::new(); 300])
            .map(|key| (key, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        run!(ctx, counts);
    }),
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(CASE) {
        let (_, run) = CASES.iter().find(|case| case.0 == name).expect("a case");
        run();
        return ExitCode::SUCCESS;
    }
    println!("| case, {ITEMS} items | instructions |\n|---|---|");
    for (name, _) in CASES {
        let Some(count) = instructions(name) else {
            eprintln!("valgrind is needed, and must know every instruction of this processor");
            return ExitCode::FAILURE;
        };
        println!("| {name} | {count} |");
    }
    ExitCode::SUCCESS
}

/// How many instructions a case takes, the start of the process included.
fn instructions(name: &str) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .env(CASE, name)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.split("Collected : ").nth(1)?;
    count.split_whitespace().next()?.parse().ok()
}
