//! The operator at the head of a stream: cuts the items of an input into batches.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::durable::{Durable, LogContext, OpenedLog};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::error::{BatchError, BoxError};
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::slot::{Partitions, Slot, to_partitions};
use crate::stream::pipeline::split::split;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::{BatchEnd, InputFacet, InputStatus, Operator, ReceiverFacet};
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::run::rate::Pace;
use crate::stream::source::input::Input;
use crate::stream::source::logged::Logged;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::SavedState;
use crate::stream::state::stateful::Stateful;
use crate::stream::time::BatchTime;

struct InputOperator<I: Input> {
    input: I,
    slot: Arc<Slot<I::Item>>,
    pace: Pace,
    /// The items of the current batch.
    taken: Taken<I::Item>,
    /// How many items the last batch had.
    items: usize,
    logged: Logged<I::Item>,
}

/// What an input keeps of the current batch.
enum Taken<T> {
    Nothing,
    /// Taken and passed on: a failure of the batch ends the stream.
    Given,
    /// Taken and kept for a retry.
    Kept(Partitions<T>),
}

impl<I: Input> InputOperator<I> {
    fn take(&mut self, context: &OperatorContext) -> Result<Partitions<I::Item>, BatchError> {
        let limit = self.pace.limit();
        let items = context.try_guard(None, || self.receive(context, limit))?;
        self.items = items.len();
        let partitions = context.job.routing.partitions as usize;
        Ok(to_partitions(split(items, partitions)))
    }

    fn receive(
        &mut self,
        context: &OperatorContext,
        limit: usize,
    ) -> Result<Vec<I::Item>, BoxError> {
        let now = context.time;
        let items = self.logged.take(now, || self.input.take(now, limit))?;
        if self.logged.is_open() {
            self.input.secured();
        }
        Ok(items)
    }
}

impl<I: Input> Operator for InputOperator<I> {
    fn connect(&mut self, consumers: usize, _job: &Arc<JobContext>) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let batch = match &self.taken {
            Taken::Kept(batch) => batch.clone(),
            _ => self.take(context)?,
        };
        self.taken = match context.job.policy.goes_on() {
            true => Taken::Kept(batch.clone()),
            false => Taken::Given,
        };
        self.slot.fill(batch);
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        Some(self.items)
    }

    fn as_input(&self) -> Option<&dyn InputFacet> {
        Some(self)
    }

    fn as_input_mut(&mut self) -> Option<&mut dyn InputFacet> {
        Some(self)
    }

    /// What a failed batch has taken waits in `taken` for the next attempt.
    fn as_stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    fn as_durable(&mut self) -> Option<&mut dyn Durable> {
        Some(self)
    }

    fn as_receiver(&mut self) -> Option<&mut dyn ReceiverFacet> {
        self.input.as_receiver()
    }
}

impl<I: Input> InputFacet for InputOperator<I> {
    fn start(&mut self) -> Result<(), BoxError> {
        self.input.start()
    }

    fn stop(&mut self) {
        self.input.stop();
    }

    fn status(&self) -> InputStatus {
        InputStatus {
            finished: self.input.is_finished() && !self.logged.has_waiting(),
            pending: self.input.has_pending() || self.logged.has_waiting(),
        }
    }

    fn batch_done(&mut self, end: &BatchEnd) {
        if matches!(self.taken, Taken::Nothing) {
            return;
        }
        self.taken = Taken::Nothing;
        self.input.batch_done();
        match end {
            BatchEnd::Succeeded(timing) => {
                self.input.secured();
                self.pace.update(self.items as u64, timing);
            }
            // How fast it failed says nothing about how fast items can be processed.
            BatchEnd::LeftOut => self.input.left_out(),
        }
    }

    fn committed(&mut self, time: BatchTime) {
        match self.input.as_replayable() {
            Some(input) => input.committed(time),
            None => self.logged.committed(time),
        }
    }
}

impl<I: Input> Durable for InputOperator<I> {
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        match self.input.replayable() {
            Some(input) => input.snapshot(codecs),
            None => self.logged.snapshot(codecs),
        }
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        match self.input.as_replayable() {
            Some(input) => input.recover(codecs, saved),
            None => self.logged.recover(codecs, saved),
        }
    }

    fn open_log(&mut self, context: &LogContext<'_>) -> Result<OpenedLog, CheckpointError> {
        match self.input.as_replayable() {
            Some(input) => input.open_log(context),
            None if context.write_ahead => self.logged.open(context),
            None => Ok(OpenedLog::default()),
        }
    }

    fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        match self.input.as_replayable() {
            Some(input) => input.release_before(oldest),
            None => self.logged.release_before(oldest),
        }
    }
}

impl StreamingContext {
    pub(crate) fn input<I: Input>(&self, kind: &str, input: I) -> DStream<'_, I::Item> {
        let slot = Slot::new();
        let pipe = Materialized {
            slot: Arc::clone(&slot),
        };
        let settings = self.settings();
        let operator = InputOperator {
            input,
            slot,
            pace: Pace::new(settings.interval, settings.pacing),
            taken: Taken::Nothing,
            items: 0,
            logged: Logged::new(),
        };
        let interval = settings.interval;
        let operator = self.add(Role::Stream, kind, Vec::new(), interval, Box::new(operator));
        DStream::new(self, operator, interval, pipe)
    }
}
