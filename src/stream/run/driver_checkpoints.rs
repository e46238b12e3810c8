//! When the driver takes checkpoints.

use crate::stream::checkpoint::checkpointer::BatchPlace;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::report::CheckpointReport;
use crate::stream::error::{BatchError, Cause};
use crate::stream::run::activity::Work;
use crate::stream::run::driver::Driver;
use crate::stream::run::error::StepError;
use crate::stream::run::listener::StreamEvent;
use crate::stream::run::operator::durable;
use crate::stream::run::trace;
use crate::stream::time::BatchTime;

impl Driver {
    /// Takes a checkpoint if one is due; the stream ends if that fails.
    pub(super) fn checkpoint_if_due(&mut self) -> Result<(), StepError> {
        let Some(at) = self.at() else { return Ok(()) };
        self.job.activity.enter(Work::Checkpoint);
        let taken = self
            .checkpoints
            .after_batch(|| durable(&mut self.operators), at);
        self.checkpoint_result(taken)
    }

    /// Takes a checkpoint after the last batch, if checkpoints are enabled and this batch has none,
    /// and waits until it is durable.
    ///
    /// # Errors
    ///
    /// If this checkpoint or the one before could not be written: the stream has then ended.
    pub fn checkpoint(&mut self) -> Result<(), StepError> {
        if let Some(error) = &self.failed {
            return Err(StepError::Failed(error.clone()));
        }
        let Some(at) = self.at() else { return Ok(()) };
        self.job.activity.enter(Work::Checkpoint);
        let taken = self
            .checkpoints
            .complete(|| durable(&mut self.operators), at);
        self.checkpoint_result(taken)?;
        self.unless_failed()
    }

    /// Ends the stream so that nothing has to be repeated after a restart.
    pub(crate) fn conclude(&mut self) -> Result<(), StepError> {
        self.checkpoint()?;
        Ok(())
    }

    /// Waits for the checkpoint that is being written.
    pub(crate) fn finish_checkpoint(&mut self) -> Result<(), StepError> {
        self.job.activity.enter(Work::Checkpoint);
        let taken = self.checkpoints.finish_writing();
        self.checkpoint_result(taken)
    }

    /// The last batch that was run.
    pub(super) fn at(&self) -> Option<BatchPlace> {
        let (zero, time) = self.clock?;
        (zero < time).then_some(BatchPlace { zero, time })
    }

    /// Reports checkpoints to the listeners, or the error that ends the stream.
    fn checkpoint_result(
        &mut self,
        taken: Result<impl IntoIterator<Item = CheckpointReport>, CheckpointError>,
    ) -> Result<(), StepError> {
        let notified = taken.and_then(|reports| self.notify_checkpoints(reports));
        self.job.activity.enter(Work::Driver);
        notified.map_err(|error| {
            let time = self.last_time().unwrap_or(BatchTime::from_millis(0));
            let cause = Cause::Error(error.into());
            let error = BatchError::new("checkpoint".into(), time, None, cause);
            self.failed = Some(error.clone());
            self.audience.tell(&StreamEvent::Failed(error.clone()));
            StepError::Batch(error)
        })
    }

    fn notify_checkpoints(
        &mut self,
        reports: impl IntoIterator<Item = CheckpointReport>,
    ) -> Result<(), CheckpointError> {
        for report in reports {
            trace::checkpointed(&report);
            self.audience.tell(&StreamEvent::Checkpointed(report));
            if let Some(oldest) = report.previous {
                for (_, member) in durable(&mut self.operators) {
                    member.release_before(oldest)?;
                }
            }
        }
        Ok(())
    }
}
