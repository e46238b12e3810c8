//! Storing a summary and taking it up again.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::counters::Entry;
use super::misra_gries::{MisraGries, Steps};
use super::parts::Parts;
use super::weight::Weight;

/// The counters, written as a sequence of pairs.
struct Pairs<'a, K, W>(&'a [Entry<K, W>]);

impl<K: Serialize, W: Weight + Serialize> Serialize for Pairs<'_, K, W> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.0.iter().map(|entry| (&entry.key, entry.count)))
    }
}

/// What is stored: the state as it is, a buffer not yet reduced included, so that a resumed summary
/// goes on exactly as this one. The hasher is not stored: it changes no answer.
impl<K: Serialize, W: Weight + Serialize, S> Serialize for MisraGries<K, W, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut image = serializer.serialize_struct("MisraGries", 5)?;
        image.serialize_field("k", &self.k)?;
        image.serialize_field("total_weight", &self.total)?;
        image.serialize_field("subtracted", &self.subtracted)?;
        image.serialize_field("steps", &self.steps)?;
        image.serialize_field("counters", &Pairs(self.counters.entries()))?;
        image.end()
    }
}

/// The same five fields, before anything is known about them.
#[derive(serde::Deserialize)]
#[serde(rename = "MisraGries")]
struct Image<K, W> {
    k: usize,
    total_weight: W,
    subtracted: W,
    steps: Steps,
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
            counters: image.counters,
        };
        parts.assemble(S::default()).map_err(D::Error::custom)
    }
}
