//! Inputs: one kind per file.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use super::Data;
use super::batch::split;
use super::context::StreamingContext;
use super::dstream::DStream;
use super::error::{BatchError, BoxError};
use super::executor::Step;
use super::graph::{InputStatus, Node, Role};
use super::pipe::Materialized;
use super::slot::{Slot, shared};
use super::time::BatchTime;

mod channel;
mod iter;
mod queue;
mod receiver;
mod socket;
mod text_files;

pub use channel::{Inlet, StoppedError};
pub use queue::BatchQueue;
pub use receiver::{Receiver, ReceiverStatus};
pub use text_files::Warnings;

/// An input that is asked for the items of each batch when it is cut.
pub(crate) trait Source: Send + 'static {
    type Item: Data;

    /// Begins to receive; called once, before the first batch.
    fn start(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Ends receiving; what has been received is still there to be taken.
    fn stop(&mut self) {}

    /// What goes into the batch of this time.
    fn take(&mut self, time: BatchTime) -> Result<Vec<Self::Item>, BoxError>;

    /// Whether nothing will ever come any more.
    fn is_finished(&self) -> bool;

    /// Whether something has been received that no batch has taken.
    fn has_pending(&self) -> bool {
        false
    }
}

struct SourceNode<S: Source> {
    source: S,
    slot: Arc<Slot<S::Item>>,
    /// How many items the last batch got.
    items: usize,
}

impl<S: Source> Node for SourceNode<S> {
    fn connect(&mut self, consumers: usize) {
        self.slot.connect(consumers);
    }

    fn start(&mut self) -> Result<(), BoxError> {
        self.source.start()
    }

    fn stop(&mut self) {
        self.source.stop();
    }

    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        let items = step
            .guard(None, || self.source.take(step.time))?
            .map_err(|error| step.failure(error))?;
        self.items = items.len();
        let partitions = step.env.routing.partitions as usize;
        self.slot.fill(shared(split(items, partitions)));
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn input(&self) -> Option<InputStatus> {
        Some(InputStatus {
            finished: self.source.is_finished(),
            pending: self.source.has_pending(),
            items: self.items,
        })
    }
}

impl StreamingContext {
    pub(crate) fn input<S: Source>(&self, kind: &str, source: S) -> DStream<'_, S::Item> {
        let slot = Slot::new();
        let pipe = Materialized {
            slot: Arc::clone(&slot),
        };
        let interval = self.settings().interval;
        let node = SourceNode {
            source,
            slot,
            items: 0,
        };
        let node = self.add(Role::Stream, kind, Vec::new(), interval, |_| Box::new(node));
        DStream::new(self, node, interval, pipe)
    }
}
