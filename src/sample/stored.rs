//! How samplers are stored by serde, and what is checked when they are read back.
//!
//! Numbers whose every bit matters (ranks, thresholds, jumps) are stored as the bits of the `f64`,
//! so that text formats neither round them nor fail on infinities.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::bottom_k::BottomK;
use super::gate::Gate;
use super::latent::Latent;
use super::rank::{DecayingRank, UniformRank, WeightedRank};
use super::split::Split;
use super::stratified::{Limits, Stratum};
use crate::random::JobSeed;

/// An `f64` as its bits.
pub(crate) mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(number.to_bits())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// The stored form of a `Reservoir`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>, R: Deserialize<'de>"))]
pub(crate) struct StoredReservoir<T, R> {
    pub(crate) core: BottomK<UniformRank, T>,
    pub(crate) seen: u64,
    pub(crate) next: u64,
    pub(crate) rng: R,
}

/// The same as what is stored.
#[derive(Serialize)]
#[serde(
    rename = "StoredReservoir",
    bound(serialize = "T: Serialize, R: Serialize")
)]
pub(crate) struct ReservoirRef<'a, T, R> {
    pub(crate) core: &'a BottomK<UniformRank, T>,
    pub(crate) seen: u64,
    pub(crate) next: u64,
    pub(crate) rng: &'a R,
}

/// The stored form of a `WeightedReservoir`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>, R: Deserialize<'de>"))]
pub(crate) struct StoredWeighted<T, R> {
    pub(crate) core: BottomK<WeightedRank, T>,
    pub(crate) seen: u64,
    #[serde(with = "bits")]
    pub(crate) total_weight: f64,
    #[serde(with = "bits")]
    pub(crate) jump: f64,
    #[serde(with = "bits")]
    pub(crate) unit: f64,
    pub(crate) rng: R,
}

/// The stored form of a `DecayingReservoir`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>, R: Deserialize<'de>"))]
pub(crate) struct StoredDecaying<T, R> {
    pub(crate) core: BottomK<DecayingRank, T>,
    pub(crate) seen: u64,
    #[serde(with = "bits")]
    pub(crate) half_life: f64,
    #[serde(with = "bits")]
    pub(crate) budget: f64,
    pub(crate) rng: R,
}

/// The stored form of a `StratifiedReservoir`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "K: Deserialize<'de>, T: Deserialize<'de>"))]
pub(crate) struct StoredStratified<K, T> {
    pub(crate) limits: Limits,
    pub(crate) strata: BTreeMap<u64, Vec<Stratum<K, T>>>,
    pub(crate) dropped_from: Option<u64>,
    pub(crate) seen: u64,
    pub(crate) seed: JobSeed,
}

/// The stored form of a `ReplacementReservoir`.
#[derive(Deserialize)]
pub(crate) struct StoredReplacement<T, R> {
    pub(crate) capacity: usize,
    pub(crate) slots: Vec<T>,
    pub(crate) seen: u64,
    pub(crate) next: u64,
    pub(crate) rng: R,
}

/// The stored form of a `VarOpt`.
#[derive(Deserialize)]
pub(crate) struct StoredVarOpt<T, R> {
    pub(crate) capacity: usize,
    pub(crate) split: Split<T>,
    #[serde(with = "bits")]
    pub(crate) light_weight: f64,
    pub(crate) gate: Gate,
    pub(crate) seen: u64,
    pub(crate) rng: R,
}

/// The stored form of an `EbPps`.
#[derive(Deserialize)]
pub(crate) struct StoredEbPps<T, R> {
    pub(crate) capacity: usize,
    pub(crate) latent: Latent<T>,
    #[serde(with = "bits")]
    pub(crate) total: f64,
    #[serde(with = "bits")]
    pub(crate) heaviest: f64,
    #[serde(with = "bits")]
    pub(crate) faded: f64,
    #[serde(with = "bits")]
    pub(crate) coin: f64,
    pub(crate) gate: Gate,
    pub(crate) seen: u64,
    pub(crate) rng: R,
}
