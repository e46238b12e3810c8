//! The settings that all parts of a context read.

use std::time::Duration;

use crate::random::JobSeed;
use crate::stream::exchange::Routing;
use crate::stream::run::failure::FailurePolicy;
use crate::stream::run::rate::Pacing;

/// The longest line that inputs of text keep unless another is asked for, in bytes.
pub(crate) const LONGEST_LINE: usize = 1 << 20;

/// The settings that all parts of a context read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Milliseconds, at least 1.
    pub(crate) interval: u64,
    pub(crate) routing: Routing,
    pub(crate) seed: JobSeed,
    pub(crate) policy: FailurePolicy,
    pub(crate) pacing: Pacing,
    /// The longest line that inputs of text keep, in bytes.
    pub(crate) longest_line: usize,
    pub(crate) stop_timeout: Duration,
}
