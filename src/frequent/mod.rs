//! Misra-Gries summaries: the frequent items of a stream, with certain bounds.
//!
//! # Overview
//!
//! [`MisraGries`] keeps at most k counters, whatever the length of the stream, and answers for
//! every key how heavy it is at least and at most. It is for the question *which keys are heavy,
//! and how heavy* on streams with too many keys to count them all.
//!
//! # Guarantee
//!
//! For every key, tracked or not, after every update and every merge:
//!
//! ```text
//! lower_bound(key) <= true weight <= upper_bound(key)
//! upper_bound(key) - lower_bound(key) <= max_error() <= total_weight() / (k + 1)
//! ```
//!
//! No probability is involved. On skewed streams the error is far smaller than its bound: for
//! every j up to k it is at most the weight of all but the j heaviest keys, divided by
//! k + 1 - j.
//!
//! # When not to use it
//!
//! - The distinct keys fit in memory: count them in a map.
//! - Weights are taken back: Misra-Gries never forgets an update, and has no negative weights.
//! - One key's weight is asked for, and it is not heavy: its answer is `0..=max_error`.
//!
//! # Ancestry
//!
//! Misra and Gries (1982) gave the algorithm for counts of one; Demaine, Lopez-Ortiz and Munro
//! (2002) and Karp, Shenker and Papadimitriou (2003) found it again. Berinde, Cormode, Indyk and
//! Strauss (2010) proved the bound by the tail. Agarwal, Cormode, Huang, Phillips, Wei and Yi
//! (2013) showed that it merges without loss, by the one operation on which this module stands:
//! *subtract the (k+1)-th largest counter from all, drop what is not positive*.
//!
//! # Examples
//!
//! ```
//! use forebay::Merge;
//! use forebay::frequent::{MisraGries, Side};
//!
//! let mut summary: MisraGries<String> = MisraGries::new(64);
//! for word in "the tide and the moon and the sea".split(' ') {
//!     summary.update_ref(word);
//! }
//! let mut elsewhere = MisraGries::new(64);
//! elsewhere.update_weighted_ref("moon", 2);
//! summary.merge(elsewhere);
//!
//! assert_eq!(summary.top(1)[0].key, "moon");
//! let heavy = summary.heavy_hitters(0.25, Side::NoFalseNegatives);
//! assert_eq!(heavy.rows.len(), 2); // the, moon
//! ```

mod answers;
mod block;
mod compare;
mod counters;
mod cut;
mod decay;
mod error;
mod front;
mod misra_gries;
#[cfg(any(feature = "serde", feature = "datasketches"))]
mod parts;
mod plain;
mod private;
mod reduce;
mod row;
#[cfg(feature = "serde")]
mod serde;
mod sweep;
mod tags;
mod traits;
mod update;
mod visit;
mod weight;

pub use error::UpdateError;
pub use misra_gries::MisraGries;
#[cfg(feature = "datasketches")]
pub(crate) use parts::Parts;
pub use private::{PrivateError, PrivateRelease};
pub use row::{Count, HeavyHitters, Row, Side};
pub use traits::{IntoIter, Iter};
pub use weight::Weight;
