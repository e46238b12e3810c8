//! The operators behind narrow stages, whole batches and outputs.

use std::sync::Arc;

use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, Slot};
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::stateful::Stateful;

impl<P: Pipe> Operator for Shared<P> {
    fn connect(&mut self, consumers: usize, _job: &Arc<JobContext>) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        if self.slot.consumers() > 1 {
            let partitions = context.run(&self.pipe, |task| self.pipe.collect(task))?;
            self.slot.fill(partitions);
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }

    fn as_stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    fn as_durable(&mut self) -> Option<&mut dyn Durable> {
        None
    }
}

/// Stores the batches that `evaluate` computes. What closures keep in their captures is the caller's
/// and not rolled back.
pub(crate) struct Wide<T, E> {
    pub(crate) slot: Arc<Slot<T>>,
    pub(crate) evaluate: E,
}

impl<T, E> Operator for Wide<T, E>
where
    T: Data,
    E: FnMut(&OperatorContext) -> Result<Partitions<T>, BatchError> + Send,
{
    fn connect(&mut self, consumers: usize, _job: &Arc<JobContext>) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        self.slot.fill((self.evaluate)(context)?);
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }

    fn as_stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    fn as_durable(&mut self) -> Option<&mut dyn Durable> {
        None
    }
}

/// Acts on each batch and produces none.
pub(crate) struct Act<F>(pub(crate) F);

impl<F> Operator for Act<F>
where
    F: FnMut(&OperatorContext) -> Result<(), BatchError> + Send,
{
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        (self.0)(context)
    }

    fn as_stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    fn as_durable(&mut self) -> Option<&mut dyn Durable> {
        None
    }
}
