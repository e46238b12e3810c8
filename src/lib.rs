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
//! | feature | default | what it adds |
//! |---|---|---|
//! | `std` | yes | seeding from the operating system |
//! | `stream` | yes | the micro-batch driver; needs `std` |
//! | `datasketches` | no | the binary images of the Apache DataSketches libraries |
//! | `serve` | no | questions about streams over HTTP, metrics for Prometheus, a live page |
//! | `serde` | no | `Serialize` and `Deserialize` for every summary, with the state of its generator |
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
