//! Declaring the operators that most families are made of.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::pipeline::materialized::{Materialized, Shared};
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, Slot, to_partitions};
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::plan::operators::{Act, Wide};
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::threads::blame::OperatorId;

impl StreamingContext {
    /// A stream whose stage runs inside its consumer's loop.
    pub(crate) fn narrow<P: Pipe>(
        &self,
        kind: &str,
        parents: Vec<OperatorId>,
        slide: u64,
        pipe: impl FnOnce(OperatorId) -> P,
    ) -> DStream<'_, P::Item, Shared<P>> {
        let pipe = Shared {
            pipe: pipe(self.next_id()),
            slot: Slot::new(),
        };
        let operator = Box::new(pipe.clone());
        let operator = self.add(Role::Stream, kind, parents, slide, operator);
        DStream::new(self, operator, slide, pipe)
    }

    /// A stream whose batches `evaluate` computes whole.
    pub(crate) fn wide<T: Data>(
        &self,
        kind: &str,
        parents: Vec<OperatorId>,
        slide: u64,
        mut evaluate: impl FnMut(&OperatorContext) -> Result<Vec<Vec<T>>, BatchError> + Send + 'static,
    ) -> DStream<'_, T> {
        self.wide_shared(kind, parents, slide, move |context| {
            evaluate(context).map(to_partitions)
        })
    }

    /// Like [`wide`](Self::wide), for partitions that others may hold too.
    pub(crate) fn wide_shared<T: Data>(
        &self,
        kind: &str,
        parents: Vec<OperatorId>,
        slide: u64,
        evaluate: impl FnMut(&OperatorContext) -> Result<Partitions<T>, BatchError> + Send + 'static,
    ) -> DStream<'_, T> {
        let slot = Slot::new();
        let pipe = Materialized {
            slot: Arc::clone(&slot),
        };
        let operator = self.add(
            Role::Stream,
            kind,
            parents,
            slide,
            Box::new(Wide { slot, evaluate }),
        );
        DStream::new(self, operator, slide, pipe)
    }

    /// An operator without a stream of its own: an output.
    pub(crate) fn output(
        &self,
        kind: &str,
        parent: OperatorId,
        slide: u64,
        act: impl FnMut(&OperatorContext) -> Result<(), BatchError> + Send + 'static,
    ) {
        self.add(
            Role::Output,
            kind,
            std::vec![parent],
            slide,
            Box::new(Act(act)),
        );
    }
}
