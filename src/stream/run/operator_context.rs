//! One operator at work on one batch.

use std::string::ToString;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::error::{BatchError, BoxError, Cause};
use crate::stream::exchange::{Grouped, KeyedInbox, KeyedOutbox, exchange_by_key};
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::run::job::JobContext;
use crate::stream::threads::blame::{OperatorId, catch};
use crate::stream::time::BatchTime;

/// One operator at work on one batch.
#[derive(Clone)]
pub(crate) struct OperatorContext {
    pub(crate) job: Arc<JobContext>,
    pub(crate) operator: OperatorId,
    pub(crate) time: BatchTime,
}

impl OperatorContext {
    /// Runs `work` for every partition of a pipe.
    pub(crate) fn run<P: Pipe, R: Send>(
        &self,
        pipe: &P,
        work: impl Fn(&PartitionContext) -> R + Sync,
    ) -> Result<Vec<R>, BatchError> {
        let partitions = (0..pipe.partitions()).collect();
        let busy = |&partition: &usize| pipe.input_len(partition) > 0;
        self.each(partitions, busy, |task, _| work(task))
    }

    /// Runs `work` for every item, each a partition of its own. If several partitions fail, the
    /// error is that of the first, whatever the threads did.
    pub(crate) fn each<I: Send, R: Send>(
        &self,
        items: Vec<I>,
        busy: impl Fn(&I) -> bool,
        work: impl Fn(&PartitionContext, I) -> R + Sync,
    ) -> Result<Vec<R>, BatchError> {
        let results = self.job.executor.map(items, busy, |partition, item| {
            let task = PartitionContext::new(self.operator, partition, self.time);
            let result = self.guard(Some(partition), || work(&task, item))?;
            match task.into_failure() {
                None => Ok(result),
                Some((operator, error)) => Err(self.enclose(operator, Some(partition), error)),
            }
        });
        let mut all = Vec::with_capacity(results.len());
        for result in results {
            all.push(result?);
        }
        Ok(all)
    }

    /// Like [`each`](Self::each), for work that can fail.
    pub(crate) fn try_each<I: Send, R: Send>(
        &self,
        items: Vec<I>,
        busy: impl Fn(&I) -> bool,
        work: impl Fn(&PartitionContext, I) -> Result<R, BoxError> + Sync,
    ) -> Result<Vec<R>, BatchError> {
        let results = self.each(items, busy, |task, item| {
            work(task, item).map_err(|error| task.fail_here(error)).ok()
        })?;
        // A partition without a result has reported an error, which `each` has returned.
        Ok(results.into_iter().flatten().collect())
    }

    /// Sends the records of all outboxes to the partitions that own their keys.
    ///
    /// Large outboxes are handed over by a worker. The driver's thread has usually allocated the
    /// items of the batch and the workers have freed many of them: its next allocation would
    /// consolidate the heap that they came from while all others wait.
    pub(crate) fn exchange<T: Grouped + Send>(
        &self,
        outboxes: Vec<KeyedOutbox<T>>,
    ) -> Vec<KeyedInbox<T>> {
        let routing = self.job.routing;
        match outboxes.iter().any(KeyedOutbox::is_large) {
            true => {
                let executor = &self.job.executor;
                executor.on_worker(|| exchange_by_key(routing, outboxes))
            }
            false => exchange_by_key(routing, outboxes),
        }
    }

    /// Runs `work` and turns a panic into the error of this batch, naming the operator whose
    /// closure panicked.
    pub(crate) fn guard<R>(
        &self,
        partition: Option<usize>,
        work: impl FnOnce() -> R,
    ) -> Result<R, BatchError> {
        let (mut work, mut result) = (Some(work), None);
        self.run_guarded(partition, &mut || result = work.take().map(|work| work()))?;
        Ok(result.expect("the work has returned"))
    }

    /// What [`guard`](Self::guard) does, without any type of the caller's: compiled once.
    fn run_guarded(
        &self,
        partition: Option<usize>,
        work: &mut dyn FnMut(),
    ) -> Result<(), BatchError> {
        catch(self.job.stream, work).map_err(|(blamed, payload)| {
            match payload.downcast::<BatchError>() {
                Ok(inner) => self.enclose(self.operator, partition, inner),
                Err(payload) => {
                    let cause = Cause::from_panic(payload.as_ref());
                    self.error(blamed.unwrap_or(self.operator), partition, cause)
                }
            }
        })
    }

    /// The same for work that returns a `Result`.
    pub(crate) fn try_guard<R>(
        &self,
        partition: Option<usize>,
        work: impl FnOnce() -> Result<R, BoxError>,
    ) -> Result<R, BatchError> {
        self.guard(partition, work)?
            .map_err(|error| self.failure_in(partition, error))
    }

    /// The error of this batch in this operator as a whole.
    pub(crate) fn failure(&self, error: BoxError) -> BatchError {
        self.failure_in(None, error)
    }

    /// The error of this batch in one partition.
    pub(crate) fn failure_in(&self, partition: Option<usize>, error: BoxError) -> BatchError {
        self.enclose(self.operator, partition, error)
    }

    /// The error of this batch. A [`BatchError`] of this batch, which an operation on it returned,
    /// stays as it is; one of an older batch becomes the cause.
    fn enclose(
        &self,
        operator: OperatorId,
        partition: Option<usize>,
        error: BoxError,
    ) -> BatchError {
        match error.downcast::<BatchError>() {
            Ok(inner) if inner.time() == self.time => *inner,
            Ok(older) => self.error(operator, partition, Cause::Error(older)),
            Err(error) => self.error(operator, partition, Cause::Error(error)),
        }
    }

    fn error(&self, operator: OperatorId, partition: Option<usize>, cause: Cause) -> BatchError {
        let name = self.job.names[operator as usize].to_string();
        BatchError::new(name, self.time, partition, cause)
    }
}
