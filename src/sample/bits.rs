//! An `f64` as its bits.
//!
//! Numbers whose every bit matters (ranks, thresholds, jumps) are stored as the bits of the `f64`,
//! so that text formats neither round them nor fail on infinities.

use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(number.to_bits())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    u64::deserialize(from).map(f64::from_bits)
}
