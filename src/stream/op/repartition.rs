//! Changing the number of partitions.

use std::vec;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::exchange::{Inbox, Outbox, exchange};
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::operator_context::OperatorContext;

/// Distributes the items of each partition round-robin over `partitions` partitions, each source
/// starting one further than the one before it.
pub(crate) fn repartition<P: Pipe>(
    context: &OperatorContext,
    pipe: &P,
    partitions: usize,
) -> Result<Vec<Vec<P::Item>>, BatchError> {
    let outboxes = context.run(pipe, |task| {
        let mut outbox = Outbox::new(partitions);
        let mut next = task.partition % partitions;
        pipe.run(task, &mut |item| {
            outbox.send(next, item);
            next = (next + 1) % partitions;
        });
        outbox
    })?;
    let inboxes = exchange(outboxes, partitions).into_iter();
    Ok(inboxes
        .map(Inbox::into_iter)
        .map(Iterator::collect)
        .collect())
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// The same items in exactly `partitions` partitions, as even as can be.
    ///
    /// # Panics
    ///
    /// If `partitions` is 0.
    #[track_caller]
    #[must_use]
    pub fn repartition(&self, partitions: usize) -> DStream<'c, T> {
        assert!(partitions > 0, "a batch has at least one partition");
        let pipe = self.pipe.clone();
        let parents = vec![self.operator];
        self.ctx
            .wide("repartition", parents, self.slide, move |context| {
                repartition(context, &pipe, partitions)
            })
    }
}
