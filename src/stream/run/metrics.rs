//! The measurements of a batch.

use std::sync::Arc;
use std::time::Duration;

use crate::stream::error::BatchError;
use crate::stream::state::size::StateSize;
use crate::stream::time::BatchTime;

/// What one step did; cloning copies no list.
#[derive(Clone, Debug)]
pub struct StepReport {
    pub(crate) time: BatchTime,
    pub(crate) items: usize,
    /// `None` where the owner of the driver steps it.
    pub(crate) waited: Option<Duration>,
    pub(crate) duration: Duration,
    pub(crate) retries: u32,
    pub(crate) failure: Option<BatchError>,
    pub(crate) operators: Arc<[OperatorReport]>,
}

impl StepReport {
    /// The batch.
    #[must_use]
    pub const fn time(&self) -> BatchTime {
        self.time
    }

    /// How many items the inputs gave.
    #[must_use]
    pub const fn items(&self) -> usize {
        self.items
    }

    /// Whether a clock ran the batch at its time, rather than the owner of the driver at any time.
    #[must_use]
    pub const fn is_on_clock(&self) -> bool {
        self.waited.is_some()
    }

    /// How long the batch waited for earlier ones after its time had come: the scheduling delay.
    /// Zero where the owner of the driver steps it.
    #[must_use]
    pub const fn scheduling_delay(&self) -> Duration {
        match self.waited {
            Some(waited) => waited,
            None => Duration::ZERO,
        }
    }

    /// How long it took, repetitions included: the processing delay.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// From the time of the batch to its end.
    #[must_use]
    pub const fn total_delay(&self) -> Duration {
        self.scheduling_delay().saturating_add(self.duration)
    }

    /// How often it was run again after a failure.
    #[must_use]
    pub const fn retries(&self) -> u32 {
        self.retries
    }

    /// Why the batch was skipped, if it was: see
    /// [`FailurePolicy::Skip`](crate::stream::FailurePolicy::Skip).
    #[must_use]
    pub const fn failure(&self) -> Option<&BatchError> {
        self.failure.as_ref()
    }

    /// What each operator did, in the order of running. In a skipped batch, the operators up to the
    /// one that failed.
    #[must_use]
    pub fn operators(&self) -> &[OperatorReport] {
        &self.operators
    }
}

/// What one operator did in one batch.
#[derive(Clone, Debug)]
pub struct OperatorReport {
    pub(crate) name: Arc<str>,
    pub(crate) duration: Duration,
    pub(crate) items: Option<usize>,
    pub(crate) state: Option<StateSize>,
    pub(crate) receiver: Option<ReceiverReport>,
}

impl OperatorReport {
    /// The name of the operator.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it took. The operators of a fused chain run in the loop of the operator that reads
    /// it: their time is part of that operator's.
    #[must_use]
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// How many items came out of it; `None` where they are not counted, because they only pass
    /// through the loop of another operator.
    #[must_use]
    pub const fn items(&self) -> Option<usize> {
        self.items
    }

    /// How much state it keeps, if it keeps any by key.
    #[must_use]
    pub const fn state(&self) -> Option<StateSize> {
        self.state
    }

    /// How its receiver was doing at the end of the batch, if it is the input of one.
    #[must_use]
    pub const fn receiver(&self) -> Option<ReceiverReport> {
        self.receiver
    }
}

/// How a receiver is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceiverReport {
    pub(crate) state: ReceiverState,
    pub(crate) items: u64,
    pub(crate) rate: f64,
    pub(crate) errors: u64,
}

impl ReceiverReport {
    /// What it is doing.
    #[must_use]
    pub const fn state(&self) -> ReceiverState {
        self.state
    }

    /// How many items batches have taken from it.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// How many items a second came between the last two batches; 0 before the second.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// How often it failed and was called again.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.errors
    }
}

/// What a receiver is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiverState {
    /// The stream has not started.
    #[default]
    Waiting,
    /// It is receiving.
    Running,
    /// It has failed and will be called again.
    Pausing,
    /// It has come to its end or was stopped.
    Stopped,
}
