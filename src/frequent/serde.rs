//! `Serialize` and `Deserialize` of a summary.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::counters::Counters;
use super::misra_gries::{MisraGries, Steps};
use super::parts::Parts;
use super::weight::Weight;

/// The counters, written as a sequence of pairs.
struct Pairs<'a, K, W: Weight, S>(&'a Counters<K, W, S>);

impl<K: Serialize, W: Weight + Serialize, S> Serialize for Pairs<'_, K, W, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.0.len()))?;
        for pair in self.0.visit() {
            pairs.serialize_element(&pair)?;
        }
        pairs.end()
    }
}

/// Stores the whole state, including a buffer that is not reduced, so that a restored summary continues
/// exactly as this one. Equal states are stored as equal bytes. The hasher is not stored, because it does
/// not affect answers.
impl<K: Serialize, W: Weight + Serialize, S> Serialize for MisraGries<K, W, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut image = serializer.serialize_struct("MisraGries", 6)?;
        image.serialize_field("k", &self.k)?;
        image.serialize_field("total_weight", &self.total)?;
        image.serialize_field("subtracted", &self.subtracted)?;
        image.serialize_field("steps", &self.steps)?;
        image.serialize_field("likely_cut", &self.likely_cut)?;
        image.serialize_field("counters", &Pairs(&self.counters))?;
        image.end()
    }
}

/// The same six fields, not checked yet.
#[derive(serde::Deserialize)]
#[serde(rename = "MisraGries")]
struct Image<K, W> {
    k: usize,
    total_weight: W,
    subtracted: W,
    steps: Steps,
    #[serde(default)]
    likely_cut: W,
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
            subtracted: image.subtracted,
            steps: image.steps,
            likely_cut: image.likely_cut,
            counters: image.counters,
        };
        parts.assemble(S::default()).map_err(D::Error::custom)
    }
}
