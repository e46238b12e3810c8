//! One partition of one batch while it runs.

use std::cell::{Cell, RefCell};

use crate::stream::error::BoxError;
use crate::stream::threads::blame::OperatorId;
use crate::stream::time::BatchTime;

/// One partition of one batch while it runs; pipelines pass it from operator to operator.
#[derive(Debug)]
pub struct PartitionContext {
    /// The operator that evaluates the pipeline.
    operator: OperatorId,
    pub(crate) partition: usize,
    pub(crate) time: BatchTime,
    /// The first error that a fallible closure returned.
    failure: RefCell<Option<(OperatorId, BoxError)>>,
    /// Whether there is one; kept apart, so that the check costs one load.
    failed: Cell<bool>,
}

impl PartitionContext {
    pub(crate) fn new(operator: OperatorId, partition: usize, time: BatchTime) -> Self {
        Self {
            operator,
            partition,
            time,
            failure: RefCell::new(None),
            failed: Cell::new(false),
        }
    }

    /// The same batch, another partition; for pipelines that renumber partitions.
    pub(crate) fn renumbered(&self, partition: usize) -> Self {
        Self::new(self.operator, partition, self.time)
    }

    /// The first error that a fallible closure returned, with the operator of the closure.
    pub(crate) fn into_failure(self) -> Option<(OperatorId, BoxError)> {
        self.failure.into_inner()
    }

    /// Takes over the failure of a renumbered partition.
    pub(crate) fn absorb(&self, other: Self) {
        if let Some((operator, error)) = other.into_failure() {
            self.fail(operator, error);
        }
    }

    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    #[cold]
    pub(crate) fn fail(&self, operator: OperatorId, error: BoxError) {
        self.failed.set(true);
        self.failure.borrow_mut().get_or_insert((operator, error));
    }

    /// Reports an error that no closure of the user caused.
    #[cold]
    pub(crate) fn fail_here(&self, error: BoxError) {
        self.fail(self.operator, error);
    }
}
