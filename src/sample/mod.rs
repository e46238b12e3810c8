//! Reservoir samplers: k items of a stream of unknown length, in one pass, with exact merges.
//!
//! # Which one
//!
//! | question | sampler | guarantee | bytes per item held | cost per item skipped |
//! |---|---|---|---|---|
//! | a fair sample of all items? | [`Reservoir`] | every set of k items equally likely | 8 and the item | a comparison; none in slices |
//! | items drawn one by one by weight? | [`WeightedReservoir`] | successive sampling; inclusion *not* proportional to weight | 16 and the item | a subtraction and a comparison |
//! | the best subset sums by weight? | [`VarOpt`] | inclusion min(1, w/tau), exact total weight | 8 and the item | an addition and two comparisons |
//! | inclusion exactly proportional to weight, with optional decay? | [`EbPps`] | inclusion rho w, at most k items | the item | an addition and two comparisons |
//! | recent items more often than old ones? | [`DecayingReservoir`] | successive sampling, weight 2^(t/half-life) | 24 and the item | a subtraction; a power for a new timestamp |
//! | k independent draws, as for a bootstrap? | [`ReplacementReservoir`] | each slot uniform, slots independent | the item | a comparison |
//! | a sample for every key? | [`StratifiedReservoir`] | uniform per key; a cap keeps a uniform sample of the keys | 8 and the item, 150 per key | a look-up of the key |
//! | one sample of an iterator? | [`sample()`], [`sample_weighted`] | as the first two | | |
//!
//! Every sampler holds at most k items (per key, if stratified), implements [`Merge`](crate::Merge),
//! can be stored and resumed (feature `serde`), and works without `std`.
//!
//! # Merging
//!
//! Merges of samples of disjoint streams are *exact*: the result has the guarantee of one sampler that
//! saw both streams. In the reservoirs without replacement every item has a random rank, and the items
//! of smallest rank are kept. That does not depend on how the stream was split, so any order and
//! grouping of merges gives the same items. Merges that keep a rounded share of each side, or sample
//! the survivors again, are biased.
//!
//! [`ReplacementReservoir`], [`VarOpt`] and [`EbPps`] have no ranks. Their merges draw random numbers
//! from the generator of `self` and keep the guarantee exactly too.
//!
//! Each part needs its own generator: [`JobSeed`](crate::random::JobSeed) derives them.
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
//!
//! # In parallel
//!
//! With rayon, split the input into chunks of a *fixed* size and derive the generator of each chunk
//! from its number. The result is the same for any number of threads:
//!
//! ```
//! use forebay::{Merge, random::JobSeed, sample::Reservoir};
//! use rayon::prelude::*;
//!
//! let items: Vec<u64> = (0..1_000_000).collect();
//! let job = JobSeed::new(42);
//! let sample = items
//!     .par_chunks(100_000)
//!     .enumerate()
//!     .map(|(number, chunk)| {
//!         let mut part = Reservoir::with_rng(100, job.partition_rng(0, number as u32, 0));
//!         part.extend_from_slice(chunk);
//!         part
//!     })
//!     .reduce_with(|mut left, right| {
//!         left.merge(right);
//!         left
//!     })
//!     .expect("some chunks");
//! assert_eq!(sample.seen(), 1_000_000);
//! ```
//!
//! # Estimates
//!
//! The samplers answer questions about the whole stream with an [`Estimate`](crate::Estimate): a
//! value and a confidence interval. The answer is exact as long as no item has been left out. Over
//! 2,000 seeds, the intervals of confidence 0.95 covered the truth of a stream of 20,000 items in these
//! shares of runs (`cargo run --release --example accuracy`; checked by a test):
//!
//! | estimate | coverage |
//! |---|---|
//! | count of 10 %, k = 500 and 15,000 | 96.2 %, 94.4 % |
//! | count of 0.1 %, k = 500 | 90.5 % |
//! | fraction of 50 %, k = 100 | 94.5 % |
//! | mean, k = 200 and 10 | 95.2 %, 97.5 % |
//! | sum of values with infinite variance, k = 2,000 | 90.8 % |
//! | median, k = 200 | 96.4 % |
//! | weighted: weight of a subset, k = 200; count, k = 500 | 94.8 %, 93.5 % |
//! | decaying: decayed count, k = 200 | 95.4 % |
//! | replacement: count of 10 % and sum, k = 500 | 95.7 %, 94.9 % |
//! | VarOpt: weight and count of half, k = 500 | 95.6 %, 94.2 % |
//! | EB-PPS: decayed weight of half, k = 200 | 94.0 % |

mod aggregate;
mod api;
mod block;
mod bottom_k;
mod decaying;
mod eb_pps;
mod estimate_api;
mod exponent;
mod free;
mod gate;
mod iter;
mod lanes;
mod latent;
mod pass;
mod rank;
mod replacement;
mod reservoir;
mod skip;
mod split;
mod stored;
mod stratified;
mod var_opt;
mod weight;
mod weighted;
mod whole;

pub use decaying::{DecayingReservoir, TimeError, Timestamp};
pub use eb_pps::EbPps;
pub use free::{sample, sample_weighted};
pub use iter::Iter;
pub use replacement::ReplacementReservoir;
pub use reservoir::Reservoir;
#[cfg(feature = "datasketches")]
pub(crate) use split::Weighted;
pub use stratified::StratifiedReservoir;
pub use var_opt::VarOpt;
#[cfg(feature = "datasketches")]
pub(crate) use var_opt::adjusted::Adjusted;
pub use weight::{Weight, WeightError};
pub use weighted::WeightedReservoir;
