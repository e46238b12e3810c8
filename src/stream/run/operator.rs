//! One operator at run time: what every operator does, and the facets that some have besides.

use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use crate::stream::checkpoint::durable::{Durable, Members};
use crate::stream::error::{BatchError, BoxError};
use crate::stream::run::job::JobContext;
use crate::stream::run::metrics::{ReceiverReport, StepReport};
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::phase::BatchPhase;
use crate::stream::state::stateful::Stateful;
use crate::stream::threads::blame::OperatorId;
use crate::stream::time::BatchTime;

/// One operator at run time.
///
/// What only some operators do is in facets: [`InputFacet`], [`Stateful`], [`Durable`] and
/// [`ReceiverFacet`]. An operator has a facet if the accessor returns `Some`. Every operator says
/// whether it has the facets of state: one that forgot them would not be rolled back, nor be in
/// checkpoints, and nothing would fail.
pub(crate) trait Operator: Send {
    /// Prepares for the first batch: `consumers` operators read this one's batches.
    fn connect(&mut self, _consumers: usize, _job: &Arc<JobContext>) {}

    /// Computes the batch of `context`.
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError>;

    /// Frees the batch.
    fn clear(&mut self) {}

    /// How many items the batch has; `None` where they are not counted, because they only pass
    /// through the loop of a consumer.
    fn items(&self) -> Option<usize> {
        None
    }

    /// The facet of an input.
    fn as_input(&self) -> Option<&dyn InputFacet> {
        None
    }

    /// The facet of an input, mutable.
    fn as_input_mut(&mut self) -> Option<&mut dyn InputFacet> {
        None
    }

    /// The facet of an operator that keeps something from batch to batch.
    fn as_stateful(&mut self) -> Option<&mut dyn Stateful>;

    /// The facet of an operator that is part of a checkpoint.
    fn as_durable(&mut self) -> Option<&mut dyn Durable>;

    /// The facet of an input that has a receiver.
    fn as_receiver(&mut self) -> Option<&mut dyn ReceiverFacet> {
        None
    }
}

/// An operator that brings items into the stream.
pub(crate) trait InputFacet {
    /// Begins to receive; called once, before the first batch.
    fn start(&mut self) -> Result<(), BoxError>;

    /// Stops receiving. What was received goes into the batches that follow.
    fn stop(&mut self);

    /// Whether more will come, and whether something waits.
    fn status(&self) -> InputStatus;

    /// The batch is over.
    fn batch_done(&mut self, end: &BatchEnd);

    /// The batch of this time is committed, in this run or in the one that wrote the checkpoint.
    fn committed(&mut self, time: BatchTime);
}

/// An input that has a receiver with a thread of its own.
pub(crate) trait ReceiverFacet {
    /// What happened to the receiver since the last call.
    fn events(&mut self) -> Vec<ReceiverEvent>;

    /// How the receiver is doing.
    fn report(&self) -> ReceiverReport;
}

/// The state of one input between two batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputStatus {
    /// No more items will come.
    pub(crate) finished: bool,
    /// Something was received that no batch has taken yet.
    pub(crate) pending: bool,
}

/// What happens to a receiver.
#[derive(Debug)]
pub(crate) enum ReceiverEvent {
    Started,
    /// It failed and will be called again.
    Error(String),
    Stopped,
}

/// How a batch ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BatchEnd {
    /// It succeeded.
    Succeeded(BatchTiming),
    /// It failed and was left out: later ones follow.
    LeftOut,
}

impl BatchEnd {
    /// How the batch of this report ended.
    pub(crate) fn of(report: &StepReport) -> Self {
        if report.failure.is_some() {
            return Self::LeftOut;
        }
        let delay = u64::try_from(report.total_delay().as_millis()).unwrap_or(u64::MAX);
        Self::Succeeded(BatchTiming {
            end: BatchTime::from_millis(report.time.as_millis().saturating_add(delay)),
            processing: report.duration,
            scheduling: report.scheduling_delay(),
        })
    }
}

/// How long a batch took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchTiming {
    pub(crate) end: BatchTime,
    pub(crate) processing: Duration,
    pub(crate) scheduling: Duration,
}

/// An operator that some output needs, in its place in the order of running.
pub(crate) struct ActiveOperator {
    pub(crate) operator: Box<dyn Operator>,
    pub(crate) id: OperatorId,
    pub(crate) name: String,
    /// It is evaluated at multiples of this many milliseconds after the zero time.
    pub(crate) every: u64,
}

/// The durable facets of operators, with their names.
pub(crate) fn durable(operators: &mut [ActiveOperator]) -> Members<'_> {
    let mut members = Members::new();
    for ActiveOperator { operator, name, .. } in operators {
        if let Some(durable) = operator.as_durable() {
            members.push((name.as_str(), durable));
        }
    }
    members
}

/// The operators that keep something from batch to batch.
pub(crate) fn stateful(
    operators: &mut [ActiveOperator],
) -> impl Iterator<Item = (OperatorId, &mut dyn Stateful)> {
    let operators = operators.iter_mut();
    operators.filter_map(|ActiveOperator { operator, id, .. }| Some((*id, operator.as_stateful()?)))
}

/// Does `act` to all state, also where it has panicked for other state; returns the first error.
pub(crate) fn each_stateful(
    operators: &mut [ActiveOperator],
    job: &Arc<JobContext>,
    time: BatchTime,
    act: impl Fn(&mut dyn Stateful),
) -> Result<(), BatchError> {
    let mut result = Ok(());
    for (operator, state) in stateful(operators) {
        let job = Arc::clone(job);
        let context = OperatorContext {
            job,
            operator,
            time,
        };
        // All are told, whichever fails.
        result = result.and(context.guard(None, || act(state)));
    }
    result
}

/// Tells all operators that the batch of this time is committed.
pub(crate) fn committed(operators: &mut [ActiveOperator], time: BatchTime) {
    for ActiveOperator { operator, .. } in operators {
        if let Some(input) = operator.as_input_mut() {
            input.committed(time);
        }
        if let Some(stateful) = operator.as_stateful() {
            stateful.enter_phase(BatchPhase::Committed(time));
        }
    }
}
