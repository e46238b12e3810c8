//! Reservoir samplers: k items of a stream of unknown length, in one pass, mergeable.
//!
//! # Which one
//!
//! | question | sampler | guarantee |
//! |---|---|---|
//! | which of my items | [`Reservoir`] | every set of k items equally likely |
//! | which by size, without replacement | [`WeightedReservoir`] | successive sampling by weight |
//! | how much weight has each part | [`VarOpt`] | inclusion `min(1, w / tau)`, the total exact, least variance |
//! | inclusion strictly by size | [`EbPps`] | inclusion exactly proportional to weight, at most k items |
//! | recent batches more than old | [`EbPps`] with `decay` | inclusion exactly proportional to faded weight |
//! | independent draws, for a bootstrap | [`ReplacementReservoir`] | each slot uniform, all independent |
//!
//! # Merging
//!
//! Samples of disjoint streams are merged *exactly*: every item carries a random rank, those of
//! smallest rank are kept, and that does not depend on how the stream was cut. Reservoir code that
//! keeps a rounded share of each side, or draws again from the survivors, is biased; this is not.
//! The three samplers without ranks, [`ReplacementReservoir`], [`VarOpt`] and [`EbPps`], draw random
//! numbers to merge, and keep their guarantees exactly too.
//!
//! ```
//! use forebay::{merge_all, random::JobSeed, sample::Reservoir};
//!
//! let job = JobSeed::new(42);
//! let parts = (0..4u32).map(|part| {
//!     let mut sample = Reservoir::with_rng(100, job.partition_rng(0, part, 0));
//!     sample.extend((0..1_000_000u64).filter(|i| i % 4 == u64::from(part)));
//!     sample
//! });
//! let sample = merge_all(parts).expect("four parts");
//! assert_eq!((sample.len(), sample.seen()), (100, 1_000_000));
//! ```

mod aggregate;
mod api;
mod block;
mod bottom_k;
mod decaying;
mod eb_pps;
mod estimates;
mod free;
mod gate;
mod iter;
mod lanes;
mod latent;
mod pass;
mod replacement;
mod reservoir;
mod skip;
mod split;
#[cfg(feature = "serde")]
mod stored;
mod stratified;
mod var_opt;
mod weight;
mod weighted;

pub use decaying::{DecayingReservoir, TimeError, Timestamp};
pub use eb_pps::EbPps;
pub use free::{sample, sample_weighted};
pub use iter::Iter;
pub use replacement::ReplacementReservoir;
pub use reservoir::Reservoir;
pub use stratified::StratifiedReservoir;
pub use var_opt::VarOpt;
pub use weight::{Weight, WeightError};
pub use weighted::WeightedReservoir;
