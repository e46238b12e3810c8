//! Storing a summary and taking it up again.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::counters;
use super::misra_gries::MisraGries;
use super::parts::Parts;
use super::weight::Weight;

/// The counters, written as a sequence of pairs.
struct Pairs<'a, K, W>(counters::Iter<'a, K, W>);

impl<K: Serialize, W: Weight + Serialize> Serialize for Pairs<'_, K, W> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// What is stored. The hasher is not: it changes no answer.
impl<K: Serialize, W: Weight + Serialize, S> Serialize for MisraGries<K, W, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut image = serializer.serialize_struct("MisraGries", 4)?;
        image.serialize_field("k", &self.k)?;
        image.serialize_field("total_weight", &self.total)?;
        image.serialize_field("max_error", &self.max_error)?;
        image.serialize_field("counters", &Pairs(self.counters.iter()))?;
        image.end()
    }
}

/// The same four fields, before anything is known about them.
#[derive(serde::Deserialize)]
#[serde(rename = "MisraGries")]
struct Image<K, W> {
    k: usize,
    total_weight: W,
    max_error: W,
    counters: Vec<(K, W)>,
}

impl<'de, K, W, S> Deserialize<'de> for MisraGries<K, W, S>
where
    K: Deserialize<'de> + Hash + Eq,
    W: Deserialize<'de> + Weight,
    S: BuildHasher + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let image = Image::deserialize(deserializer)?;
        let parts = Parts {
            k: image.k,
            total: image.total_weight,
            max_error: image.max_error,
            counters: image.counters,
        };
        parts.assemble(S::default()).map_err(D::Error::custom)
    }
}
