//! What a stream is doing, for those who wait until it has ended.

use std::any::Any;
use std::string::{String, ToString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::stream::error::{BatchError, Cause};
use crate::stream::threads::blame::OperatorId;
use crate::stream::threads::inside::StreamId;
use crate::stream::time::BatchTime;

/// What a stream is doing. Its owner notes it before each part of its work, at the cost of a store.
pub(crate) struct Activity {
    stream: StreamId,
    names: Arc<[Arc<str>]>,
    /// An [`OperatorId`], or one of the constants.
    at: AtomicU32,
    /// Milliseconds; 0 before the first batch.
    time: AtomicU64,
}

/// Between operators.
const DRIVER: OperatorId = OperatorId::MAX;
const LISTENER: OperatorId = OperatorId::MAX - 1;
const CHECKPOINT: OperatorId = OperatorId::MAX - 2;

/// A part of the work of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    Operator(OperatorId),
    Listener,
    Checkpoint,
    /// All else.
    Driver,
}

impl Activity {
    /// That of a stream, given the name of every operator.
    pub(crate) fn new(stream: StreamId, names: Arc<[Arc<str>]>) -> Self {
        Self {
            stream,
            names,
            at: AtomicU32::new(DRIVER),
            time: AtomicU64::new(0),
        }
    }

    pub(crate) const fn stream(&self) -> StreamId {
        self.stream
    }

    /// A batch begins.
    pub(crate) fn begin(&self, time: BatchTime) {
        self.time.store(time.as_millis(), Ordering::Relaxed);
    }

    pub(crate) fn enter(&self, work: Work) {
        let at = match work {
            Work::Operator(operator) => operator,
            Work::Listener => LISTENER,
            Work::Checkpoint => CHECKPOINT,
            Work::Driver => DRIVER,
        };
        self.at.store(at, Ordering::Relaxed);
    }

    /// What is being done.
    pub(crate) fn work(&self) -> Work {
        match self.at.load(Ordering::Relaxed) {
            DRIVER => Work::Driver,
            LISTENER => Work::Listener,
            CHECKPOINT => Work::Checkpoint,
            operator => Work::Operator(operator),
        }
    }

    /// The name of the operator, or of what stands for one.
    pub(crate) fn name(&self, work: Work) -> String {
        match work {
            Work::Driver => "driver".to_string(),
            Work::Listener => "listener".to_string(),
            Work::Checkpoint => "checkpoint".to_string(),
            Work::Operator(operator) => self.names[operator as usize].to_string(),
        }
    }

    /// The error behind a panic that no operator has caught.
    pub(crate) fn failure(&self, work: Work, panic: &(dyn Any + Send)) -> BatchError {
        let time = self.time().unwrap_or(BatchTime::from_millis(0));
        BatchError::new(self.name(work), time, None, Cause::from_panic(panic))
    }

    /// The batch that runs or ran last; `None` before the first.
    pub(crate) fn time(&self) -> Option<BatchTime> {
        match self.time.load(Ordering::Relaxed) {
            0 => None,
            time => Some(BatchTime::from_millis(time)),
        }
    }
}
