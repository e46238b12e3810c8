//! Mergeable summaries of streams too large to keep, and a micro-batch driver that maintains them
//! in parallel.
//!
//! - [`sample`]: reservoir samplers, uniform and weighted, with exact merges.
//! - [`frequent`]: Misra-Gries summaries of frequent items, with deterministic bounds.
#![cfg_attr(
    feature = "stream",
    doc = "- [`stream`]: `StreamingContext`, `DStream`, keyed state, windows."
)]
//! - [`Merge`] and [`Summary`]: the traits that every summary implements, and their laws.
//! - [`random`] and [`hash`]: the default generator and hasher, both deterministic.
//!
//! # When not to use it
//!
//! - The stream fits in memory and is read once: count in a `HashMap`, sample with a shuffle.
//! - The question is about *distinct* items or quantiles: use a sketch made for it.
//! - The work needs more than one machine: use Spark or Flink.
//!
//! # Determinism
//!
//! The same seed and the same input give the same output, on every platform of 32 or 64 bits and for
//! any number of threads. There is no hidden randomness: hashers have fixed seeds, and only the
//! constructors named `new` take a seed from the operating system. One exception: on big-endian
//! targets, keys that are slices of numbers or IP addresses hash otherwise, see [`hash`].
//!
//! # Panics in your code
//!
//! `Hash`, `Eq`, `Clone` and `Drop` of an item, iterators and generators are your code. If it panics
//! and you catch that, a summary can be used on: its invariants hold, and its guarantee holds for what
//! it counts as offered. Each type says what the call that panicked may have counted, and which calls
//! leave the summary empty.
//!
//! # Features
//!
//! | feature | default | what it gives | needs | crates | build |
//! |---|---|---|---|---|---|
//! | none | | the summaries, `no_std` with `alloc` | | 13 | 8 s |
//! | `std` | yes | seeds from the operating system | | 15 | 8 s |
//! | `stream` | yes | the micro-batch driver, with checkpoints and recovery (rayon, serde, postcard, crc32fast) | `std`, `serde` | 33 | 19 s |
//! | `serde` | through `stream` | every summary can be stored and resumed, its generator included | | 20 | 13 s |
//! | `datasketches` | no | images of the DataSketches libraries, read and written | | 13 | 8 s |
//! | `compression` | no | `text_files` reads `.gz` and `.zst` (flate2, ruzstd) | `stream` | 39 | 22 s |
//! | `json` | no | a sink for JSON lines (serde_json) | `stream` | 37 | 21 s |
//! | `csv` | no | a sink for CSV (csv) | `stream` | 38 | 22 s |
//! | `tracing` | no | spans of batches and operators, events of checkpoints and recovery | `stream` | 37 | 22 s |
//!
//! Both columns are totals, with what the feature needs and this crate itself: crates built, and seconds of a
//! first debug build on two cores.
//!
//! Beside this crate, each with its own version and oldest compiler:
//!
//! | crate | what it gives | crates | build |
//! |---|---|---|---|
//! | `forebay-serve` | questions about state over HTTP, metrics for Prometheus, a live page | 72 | 35 s |
//! | `forebay-redb` | keyed state beyond memory | 35 | 21 s |
//! | `forebay-redis` | Redis Streams, read by position | 72 | 28 s |
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "datasketches")]
pub mod datasketches;
mod estimate;
pub mod frequent;
pub mod hash;
pub mod random;
pub mod sample;
#[cfg(feature = "stream")]
pub mod stream;
mod summary;

pub use estimate::Estimate;
pub use summary::{Merge, Summary, merge_all};

/// The README's examples are compiled and run as documentation tests.
#[cfg(all(doctest, feature = "stream"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

/// The guide's examples are compiled and run as documentation tests.
#[cfg(all(doctest, feature = "stream"))]
mod guide {
    #[doc = include_str!("../docs/guide/src/samples.md")]
    struct Samples;
    #[doc = include_str!("../docs/guide/src/frequent.md")]
    struct Frequent;
    #[doc = include_str!("../docs/guide/src/stream.md")]
    struct Stream;
    #[doc = include_str!("../docs/guide/src/extending.md")]
    struct Extending;
}
