//! Misra-Gries summaries: the frequent items of a stream, with deterministic bounds.
//!
//! # Overview
//!
//! [`MisraGries`] keeps at most k counters, whatever the length of the stream, and returns a lower and
//! an upper bound of the weight of every key. It answers the question *which keys are heavy, and how
//! heavy* for streams with too many keys to count them all.
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
//! The bounds are deterministic. On skewed streams the error is far below its bound: for every j up to
//! k it is at most `w / (k + 1 - j)`, where w is the weight of all keys but the j heaviest.
//!
//! # When not to use it
//!
//! - The distinct keys fit in memory: count them in a map.
//! - Updates are retracted: weights are never negative.
//! - You need the weight of a key that is not heavy: its bounds are `0..=max_error`.
//!
//! # References
//!
//! Misra and Gries (1982) gave the algorithm for weights of one; Demaine, Lopez-Ortiz and Munro (2002)
//! and Karp, Shenker and Papadimitriou (2003) rediscovered it. Berinde, Cormode, Indyk and Strauss
//! (2010) proved the tail bound. Agarwal, Cormode, Huang, Phillips, Wei and Yi (2013) proved that it
//! merges without loss, by the operation that this module is built on: *subtract the (k+1)-th largest
//! counter from all, and drop those that are not positive*.
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
