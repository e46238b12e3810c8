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
//! The same seed and the same input give the same output, on every platform and for any number of
//! threads. There is no hidden randomness: hashers have fixed seeds, and only the constructors named
//! `new` take a seed from the operating system.
//!
//! # Features
//!
//! | feature | default | what it gives | needs | crates | build |
//! |---|---|---|---|---|---|
//! | none | | the summaries, `no_std` with `alloc` | | CN0 | CS0 |
//! | `std` | yes | seeds from the operating system | | CN1 | CS1 |
//! | `stream` | yes | the micro-batch driver, with checkpoints and recovery (rayon, serde, postcard, crc32fast) | `std`, `serde` | CN2 | CS2 |
//! | `serde` | no | every summary can be stored and resumed, its generator included | | CN3 | CS3 |
//! | `datasketches` | no | images of the DataSketches libraries, read and written | | CN4 | CS4 |
//! | `compression` | no | `text_files` reads `.gz` and `.zst` (flate2, ruzstd) | `stream` | CN5 | CS5 |
//! | `json` | no | a sink for JSON lines (serde_json) | `stream` | CN6 | CS6 |
//! | `csv` | no | a sink for CSV (csv) | `stream` | CN7 | CS7 |
//! | `tracing` | no | spans of batches and operators, events of checkpoints and recovery | `stream` | CN8 | CS8 |
//!
//! Beside this crate, each with its own version and oldest compiler:
//!
//! | crate | what it gives | crates | build |
//! |---|---|---|---|
//! | `forebay-serve` | questions about state over HTTP, metrics for Prometheus, a live page | CN9 | CS9 |
//! | `forebay-redb` | keyed state beyond memory | CN10 | CS10 |
//! | `forebay-redis` | Redis Streams, read by position | CN11 | CS11 |
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
