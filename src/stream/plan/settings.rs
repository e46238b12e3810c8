//! The settings that all parts of a context read.

use std::time::Duration;

use crate::random::JobSeed;
use crate::stream::exchange::Routing;
use crate::stream::run::failure::FailurePolicy;
use crate::stream::run::rate::Pacing;

/// The settings that all parts of a context read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Milliseconds, at least 1.
    pub(crate) interval: u64,
    pub(crate) routing: Routing,
    pub(crate) seed: JobSeed,
    pub(crate) policy: FailurePolicy,
    pub(crate) pacing: Pacing,
    pub(crate) stop_timeout: Duration,
}
