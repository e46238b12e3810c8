//! Misra-Gries against its rivals and its floor.
//!
//! - `cargo bench --bench frequent -- --table` prints, for each cell, nanoseconds an update on the
//!   processor (medians of interleaved runs), ratios, and errors in units of N over three quarters of the slots; before that
//!   words, and after it the cost for k counters, weights, merges and threads. `FOREBAY_BENCH_LEN` shortens the streams of 20,000,000 items.
//! - `cargo bench --bench frequent` has criterion measure the same cells.
#[path = "support/contender.rs"]
mod contender;
#[path = "support/distribution.rs"]
mod distribution;

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use contender::{AllHits, Outcome, Stream, counters};
use criterion::{BenchmarkId, Criterion, Throughput};
use datasketches::frequencies::FrequentItemsSketch;
use forebay::frequent::MisraGries;
use forebay::merge_all;

const SLOTS: [usize; 4] = [256, 4_096, 65_536, 1_048_576];
const COUNTERS: [usize; 4] = [64, 1_024, 16_384, 262_144];
const KEYS: u64 = 10_000_000;
const ROUNDS: usize = 3;

type Contender = fn(&Stream<u64>, usize) -> Outcome;

fn stream_len() -> usize {
    std::env::var("FOREBAY_BENCH_LEN").map_or(20_000_000, |len| len.parse().expect("a number"))
}

fn number_streams() -> Vec<Stream<u64>> {
    let len = stream_len();
    let laws = [
        (
            "zipf 1.1",
            "zipf 1.1, packets",
            distribution::zipf(len, KEYS, 1.1, 1),
        ),
        (
            "zipf 0.8",
            "zipf 0.8, packets",
            distribution::zipf(len, KEYS, 0.8, 2),
        ),
        (
            "uniform",
            "uniform, packets",
            distribution::uniform(len, KEYS, 3),
        ),
    ];
    let mut streams = Vec::new();
    for (unit, packets, keys) in laws {
        let weights = distribution::packet_sizes(len, 4);
        streams.push(Stream::weighted(packets, &keys, weights));
        streams.push(Stream::unit(unit, keys));
    }
    streams
}

/// The words of the shared text, over and over; `None` where it is not at hand.
fn text() -> Option<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/kjv.txt");
    fs::read_to_string(path).ok()
}

fn words(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.iter().copied().cycle().take(stream_len()).collect()
}

/// Nanoseconds by some clock.
type Clock = fn(Instant) -> f64;

/// Of the clock on the wall, for what takes less than the ticks of the other.
fn wall_time(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

/// Nanoseconds this thread has run, where the system tells, in ticks of some milliseconds; of the
/// clock on the wall elsewhere.
fn processor_time(start: Instant) -> f64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.unwrap_or_else(|| wall_time(start))
}

fn timed(clock: Clock, run: &mut dyn FnMut() -> Outcome) -> (f64, Outcome) {
    let start = Instant::now();
    let before = clock(start);
    let outcome = run();
    (clock(start) - before, outcome)
}

/// The median time of each contender over interleaved rounds, and its outcome.
fn race(contenders: &mut [&mut dyn FnMut() -> Outcome]) -> Vec<(f64, Outcome)> {
    race_by(processor_time, ROUNDS, contenders)
}

fn race_by(
    clock: Clock,
    rounds: usize,
    contenders: &mut [&mut dyn FnMut() -> Outcome],
) -> Vec<(f64, Outcome)> {
    let mut times = vec![Vec::new(); contenders.len()];
    let mut outcomes = vec![Outcome::default(); contenders.len()];
    for _ in 0..rounds {
        for (lane, run) in contenders.iter_mut().enumerate() {
            let (time, outcome) = timed(clock, run);
            times[lane].push(time);
            outcomes[lane] = outcome;
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    times.iter_mut().map(median).zip(outcomes).collect()
}

fn number_table(streams: &[Stream<u64>]) {
    println!(
        "{:18} {:>8} | {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} | {:>8} {:>8} {:>7} {:>7} | errors (4N/3M), MB",
        "ns an update",
        "slots",
        "block",
        "single",
        "rival",
        "topk",
        "exact",
        "floor",
        "rival/b",
        "rival/s",
        "b/floor",
        "exact/b",
    );
    let mut ratios = Vec::new();
    for stream in streams {
        for slots in SLOTS {
            ratios.push(number_cell(stream, slots));
        }
    }
    let mean = |which: fn(&(f64, f64)) -> f64| {
        (ratios.iter().map(|ratio| which(ratio).ln()).sum::<f64>() / ratios.len() as f64).exp()
    };
    let least = ratios.iter().map(|ratio| ratio.0).fold(f64::MAX, f64::min);
    println!(
        "geometric mean over the rival: blocks {:.2} (least {least:.2}), singly {:.2}\n",
        mean(|ratio| ratio.0),
        mean(|ratio| ratio.1),
    );
}

fn number_cell(stream: &Stream<u64>, slots: usize) -> (f64, f64) {
    let mut all_hits = AllHits::of(stream, slots);
    let results = race(&mut [
        &mut || contender::forebay(stream, slots),
        &mut || contender::forebay_singly(stream, slots),
        &mut || contender::rival(stream, slots),
        &mut || contender::topk(stream, slots),
        &mut || contender::exact(stream, slots),
        &mut || all_hits.run(),
    ]);
    let ns: Vec<f64> = results
        .iter()
        .map(|(time, _)| time / stream.len() as f64)
        .collect();
    let mut total = 0;
    stream.each(|_, weight| total += weight);
    let unit = total as f64 / (slots as f64 * 0.75);
    let shown = |lane: usize| {
        let Outcome { error, bytes } = results[lane].1;
        format!("{:.2} {:.2}", error as f64 / unit, bytes as f64 / 1e6)
    };
    println!(
        "{:18} {slots:8} | {:6.1} {:6.1} {:6.1} {:6.1} {:6.1} {:6.1} | {:8.2} {:8.2} {:7.2} {:7.2} | {} rival {} topk {} exact {}",
        stream.name,
        ns[0],
        ns[1],
        ns[2],
        ns[3],
        ns[4],
        ns[5],
        ns[2] / ns[0],
        ns[2] / ns[1],
        ns[0] / ns[5],
        ns[4] / ns[0],
        shown(0),
        shown(2),
        shown(3),
        shown(4),
    );
    (ns[2] / ns[0], ns[2] / ns[1])
}

/// The cost of an update with k counters, beside the rival with 2 k slots, and both errors in units
/// of N/k.
fn counter_table(streams: &[Stream<u64>]) {
    println!("ns an update            k |  block single  rival | errors (N/k)");
    for stream in streams.iter().filter(|stream| stream.unit) {
        for k in COUNTERS {
            let results = race(&mut [
                &mut || contender::blocks_of(stream, k),
                &mut || contender::singly_of(stream, k),
                &mut || contender::rival(stream, 2 * k),
            ]);
            let unit = stream.len() as f64 / k as f64;
            let ns = |lane: usize| results[lane].0 / stream.len() as f64;
            let error = |lane: usize| results[lane].1.error as f64 / unit;
            println!(
                "{:16} {k:8} | {:6.1} {:6.1} {:6.1} | {:.2} rival {:.2}",
                stream.name,
                ns(0),
                ns(1),
                ns(2),
                error(0),
                error(2),
            );
        }
    }
    println!();
}

fn word_table() {
    let Some(text) = text() else {
        println!("words: skipped, the shared text is not at hand\n");
        return;
    };
    let stream = Stream::unit("words", words(&text));
    println!(
        "words by &str, ns     slots |  ours  rival  exact borrowed | rival/ours exact/ours borrowed/ours"
    );
    for slots in SLOTS {
        let results = race_by(
            processor_time,
            7,
            &mut [
                &mut || {
                    let mut summary: MisraGries<String> = MisraGries::new(counters(&stream, slots));
                    stream
                        .keys
                        .iter()
                        .for_each(|&word| summary.update_ref(word));
                    Outcome {
                        error: summary.max_error(),
                        bytes: summary.memory(),
                    }
                },
                &mut || {
                    let mut sketch =
                        FrequentItemsSketch::<String>::new(slots).expect("a power of two");
                    stream.keys.iter().for_each(|&word| sketch.update_ref(word));
                    Outcome {
                        error: sketch.maximum_error(),
                        bytes: 0,
                    }
                },
                &mut || contender::exact_words(&stream.keys),
                &mut || contender::exact(&stream, slots),
            ],
        );
        let ns: Vec<f64> = results
            .iter()
            .map(|(time, _)| time / stream.len() as f64)
            .collect();
        println!(
            "                 {slots:10} | {:5.1} {:6.1} {:6.1} {:8.1} | {:10.2} {:10.2} {:13.2}",
            ns[0],
            ns[1],
            ns[2],
            ns[3],
            ns[1] / ns[0],
            ns[2] / ns[0],
            ns[3] / ns[0],
        );
    }
    println!();
}

/// The cost of weights made to hurt, over that of weights of one on the same keys.
fn adversary_table() {
    const K: usize = 1_024;
    let len = stream_len() as u64;
    let keys = distribution::uniform(stream_len(), KEYS, 3);
    let cases: [(&str, &dyn Fn(u64) -> u64); 3] = [
        ("enormous first", &|i| {
            if i < K as u64 { 1 << 40 } else { 1 + i % 7 }
        }),
        ("increasing", &|i| i + 1),
        ("geometric", &|i| 1 << (i % 38)),
    ];
    println!("adversarial weights, k = {K}: over weights of one on the same keys");
    for (name, weight) in cases {
        let stream = Stream::weighted(name, &keys, (0..len).map(weight).collect());
        let ones = Stream::weighted(name, &keys, vec![1; keys.len()]);
        let run = |stream: &Stream<u64>| contender::forebay_singly(stream, 2 * K);
        let results = race(&mut [&mut || run(&stream), &mut || run(&ones)]);
        println!("  {name:15} {:.2}", results[0].0 / results[1].0);
    }
    println!();
}

fn merge_table() {
    const PARTS: usize = 1_000;
    const MERGES: usize = 15;
    const K: usize = 1_024;
    let keys = distribution::zipf(PARTS * 10_000, KEYS, 1.1, 5);
    let parts: Vec<MisraGries<u64>> = keys
        .chunks(10_000)
        .map(|keys| {
            let mut part = MisraGries::new(K);
            part.extend_from_slice(keys);
            part
        })
        .collect();
    let rivals: Vec<FrequentItemsSketch<u64>> = keys
        .chunks(10_000)
        .map(|keys| {
            let mut part = FrequentItemsSketch::new(2 * K).expect("a power of two");
            keys.iter().for_each(|&key| part.update(key));
            part
        })
        .collect();
    let entries: usize = parts.iter().map(MisraGries::len).sum();
    let rival_entries: usize = rivals
        .iter()
        .map(FrequentItemsSketch::num_active_items)
        .sum();
    let mut clones: Vec<_> = (0..MERGES).map(|_| parts.clone()).collect();
    let mut fold_clones: Vec<_> = (0..MERGES).map(|_| parts.clone()).collect();
    let results = race_by(
        wall_time,
        MERGES,
        &mut [
            &mut || {
                black_box(merge_all(clones.pop().expect("one a round")));
                Outcome::default()
            },
            &mut || {
                use forebay::Merge;
                let parts = fold_clones.pop().expect("one a round");
                let merged = parts.into_iter().reduce(|mut left, right| {
                    left.merge(right);
                    left
                });
                black_box(merged);
                Outcome::default()
            },
            &mut || {
                let mut merged = FrequentItemsSketch::<u64>::new(2 * K).expect("a power of two");
                rivals.iter().for_each(|part| merged.merge(part));
                black_box(merged);
                Outcome::default()
            },
        ],
    );
    println!(
        "merging {PARTS} summaries of k = {K}, ns a counter: at once {:.1}, one by one {:.1}, rival {:.1}\n",
        results[0].0 / entries as f64,
        results[1].0 / entries as f64,
        results[2].0 / rival_entries as f64,
    );
}

/// How much sooner two threads are done with half of the keys each than one with all, and the same
/// for the floor: what two threads are worth on this machine.
fn thread_table(stream: &Stream<u64>) {
    const SLOTS: usize = 4_096;
    let (front, back) = stream.keys.split_at(stream.len() / 2);
    let ours = speed_up(
        || {
            black_box(summarized(&stream.keys, SLOTS));
        },
        || {
            let parts = both(|| summarized(front, SLOTS), || summarized(back, SLOTS));
            black_box(merge_all(<[_; 2]>::from(parts)));
        },
    );
    let hits_of = |keys: &[u64]| AllHits::of(&Stream::unit("", keys.to_vec()), SLOTS);
    let mut all = hits_of(&stream.keys);
    let (mut front, mut back) = (hits_of(front), hits_of(back));
    let floor = speed_up(
        || {
            all.run();
        },
        || {
            both(|| front.run(), || back.run());
        },
    );
    println!(
        "two threads, {}, {SLOTS} slots: {ours:.2} times one; the floor {floor:.2} times\n",
        stream.name,
    );
}

fn summarized(keys: &[u64], slots: usize) -> MisraGries<u64> {
    let mut part = MisraGries::new(slots / 4 * 3);
    part.extend_from_slice(keys);
    part
}

/// Runs the second on a thread of its own.
fn both<T: Send>(first: impl FnOnce() -> T, second: impl FnOnce() -> T + Send) -> (T, T) {
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        (first(), second.join().expect("no panic"))
    })
}

/// The shortest time of one over that of two, in turn.
fn speed_up(mut one: impl FnMut(), mut two: impl FnMut()) -> f64 {
    let mut least = [f64::MAX; 2];
    for _ in 0..5 {
        for (least, run) in least
            .iter_mut()
            .zip([&mut one as &mut dyn FnMut(), &mut two])
        {
            let start = Instant::now();
            run();
            *least = least.min(wall_time(start));
        }
    }
    least[0] / least[1]
}

fn criterion_cells(criterion: &mut Criterion, streams: &[Stream<u64>]) {
    for stream in streams {
        for slots in SLOTS {
            let mut all_hits = AllHits::of(stream, slots);
            let mut group = criterion.benchmark_group(format!("frequent/{}/{slots}", stream.name));
            group
                .sample_size(10)
                .throughput(Throughput::Elements(stream.len() as u64));
            let contenders: [(&str, Contender); 5] = [
                ("forebay, blocks", contender::forebay),
                ("forebay, singly", contender::forebay_singly),
                ("datasketches", contender::rival),
                ("topk", contender::topk),
                ("exact", contender::exact),
            ];
            for (name, run) in contenders {
                group.bench_with_input(BenchmarkId::from_parameter(name), stream, |b, stream| {
                    b.iter(|| run(stream, slots));
                });
            }
            group.bench_function("floor", |b| b.iter(|| all_hits.run()));
            group.finish();
        }
    }
}

fn main() {
    let tables = std::env::args().any(|arg| arg == "--table");
    if tables {
        // First, in a heap that nothing else has left holes in: where words lie is half of their cost.
        word_table();
    }
    let streams = number_streams();
    if tables {
        number_table(&streams);
        counter_table(&streams);
        adversary_table();
        merge_table();
        thread_table(&streams[1]);
    } else {
        let mut criterion = Criterion::default().configure_from_args();
        criterion_cells(&mut criterion, &streams);
        criterion.final_summary();
    }
}
