//! The driver against loops written by hand, and against what Spark Streaming takes.
//!
//! ```text
//! cargo bench --bench stream
//! ```
//!
//! A text after `--` selects the groups whose name has it in it. The same word count on `timely`:
//! `cargo bench --manifest-path benches/rivals/Cargo.toml`.

#[path = "../support/race.rs"]
mod race;
#[path = "../support/ratios.rs"]
mod ratios;
#[path = "../support/words.rs"]
mod words;

mod keyed;
mod overhead;
mod stepping;
mod window;
mod word_count;

use criterion::{Criterion, criterion_group};

criterion_group!(
    benches,
    overhead::empty_batch,
    overhead::narrow_chain,
    overhead::socket,
    keyed::idle_keys,
    keyed::touched_keys,
    keyed::policies,
    window::summaries,
    word_count::of_words,
    word_count::of_lines,
    word_count::few_of_many,
    keyed::reduce_by_key,
);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
    overheads();
    states();
    word_counts();
    spark();
}

fn overheads() {
    ratios::print(overhead::CHAIN, "iterators", &["driver"]);
    ratios::print(overhead::EMPTY, "driver", &[]);
    ratios::print(overhead::SOCKET, "lines of a BufReader", &["socket_text"]);
    windows();
}

fn windows() {
    let (all, one, ours) = (window::ALL, window::ONE, "summarize_window");
    ratios::print(window::WINDOW, all, &[ours, one]);
    if ratios::median(window::WINDOW, ours).is_some() {
        println!(
            "  merges a step: {:.2} instead of 59",
            window::merges_a_step()
        );
        window::alternating();
    }
}

fn states() {
    ratios::print(keyed::IDLE, "loop over a vector", &["update_state_by_key"]);
    if let Some(time) = ratios::median(keyed::IDLE, "update_state_by_key") {
        println!("  an idle key: {:.2} ns", time / keyed::KNOWN as f64);
    }
    let visiting = "update_state_by_key";
    ratios::print(
        keyed::TOUCHED,
        visiting,
        &["state_by_key", "summarize_by_key"],
    );
    ratios::print(keyed::POLICIES, "Stop", &["Retry", "Skip"]);
    ratios::print(keyed::REDUCE, "rayon fold and reduce", &["reduce_by_key"]);
}

fn word_counts() {
    for (name, _) in word_count::GIVEN {
        let ours = ["1 thread, 1 partition", "1 thread", "2 threads"];
        ratios::print(name, "by hand", &ours);
        ratios::print(name, "1 thread", &["2 threads"]);
    }
    ratios::print(word_count::SPLIT, "by hand", &["1 thread", "2 threads"]);
    ratios::print(word_count::SPLIT, "1 thread", &["2 threads"]);
}

/// Seconds that a batch takes in Spark Streaming 3.5 with `local[2]`, warmed up; measured on a
/// machine of this kind.
const SPARK: [(&str, f64); 3] = [
    (word_count::GIVEN[0].0, 1.3),
    (word_count::KNOWN[0].0, 0.35),
    (word_count::KNOWN[1].0, 1.8),
];

fn spark() {
    println!();
    for (group, seconds) in SPARK {
        if let Some(ours) = ratios::median(group, "2 threads") {
            let times = seconds * 1e9 / ours;
            println!("{group}: Spark {seconds} s (measured elsewhere), {times:.0}x ours");
        }
    }
}
