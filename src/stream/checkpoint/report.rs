//! The cost of a checkpoint.

use std::time::Duration;

use crate::stream::time::BatchTime;

/// The cost of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointReport {
    /// The checkpoint before, the oldest that is kept.
    pub(crate) previous: Option<BatchTime>,
    pub(crate) time: BatchTime,
    pub(crate) stopped: Duration,
    pub(crate) duration: Duration,
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

impl CheckpointReport {
    /// The batch after which it was taken.
    #[must_use]
    pub const fn time(&self) -> BatchTime {
        self.time
    }

    /// How long the stream stopped for it: until the snapshot was taken, and before that until the
    /// checkpoint before was durable.
    #[must_use]
    pub const fn stopped(&self) -> Duration {
        self.stopped
    }

    /// How long it took until it was durable, while the stream continued.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// How many keys it holds.
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.keys
    }

    /// How many bytes were written: those of the key groups that had changed, and the manifest.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}
