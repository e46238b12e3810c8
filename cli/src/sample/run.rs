//! The runs of the program that drew the lines of a sample.

use serde::{Deserialize, Serialize};

/// Input that was sampled in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Where its randomness started, which also names it.
    pub(crate) seed: u64,
    pub(crate) origin: Origin,
    /// What its sources are called in messages, in their order.
    pub(crate) sources: Vec<String>,
}

/// What the seed of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// The one its lines were drawn with.
    Seed,
    /// Unknown: the sample came in an image, and a hash of that stands for it.
    Image,
}
