//! The runs of the program that drew the lines of a sample.

use serde::{Deserialize, Serialize};

/// A run that sampled some input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Its seed, which also identifies it.
    pub(crate) seed: u64,
    pub(crate) origin: Origin,
    /// The names of its sources in messages, in their order.
    pub(crate) sources: Vec<String>,
}

/// Where the seed of a run came from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// The run: its lines were drawn with this seed.
    Seed,
    /// A hash of the image that the sample came from, since the seed is unknown.
    Image,
}
