//! Mergeable summaries of streams too big to keep, and a micro-batch driver that keeps them
//! up to date in parallel.
//!
//! - [`sample`]: reservoir samplers, uniform and weighted, with exact merges.
//! - [`frequent`]: Misra-Gries summaries of frequent items, with certain bounds.
#![cfg_attr(
    feature = "stream",
    doc = "- [`stream`]: `StreamingContext`, `DStream`, keyed state, windows."
)]
//! - [`Merge`] and [`Summary`]: the two traits that tie them together, and the laws they keep.
//! - [`random`] and [`hash`]: the default generator and hasher, both deterministic.
//!
//! # When not to use it
//!
//! - The stream fits in memory and is read once: a `HashMap` counts exactly, and sorting samples exactly.
//! - The question is about *distinct* items or quantiles: use a sketch made for it.
//! - The work needs more than one machine: use Spark or Flink.
//!
//! # Determinism
//!
//! Same seed, same input, same output, on every platform and for any number of threads. Nothing
//! hidden is random, hash order included; only constructors that say so ask the operating system
//! for a seed.
//!
//! # Features
//!
//! | feature | default | what it buys |
//! |---|---|---|
//! | `std` | yes | seeding from the operating system |
//! | `stream` | yes | the micro-batch driver; needs `std` |
//! | `datasketches` | no | reading and writing the images of the DataSketches libraries |
//! | `serve` | no | questions about streams over HTTP, metrics for Prometheus, a live page |
//! | `serde` | no | every summary can be stored and resumed, the state of its generator included |
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
