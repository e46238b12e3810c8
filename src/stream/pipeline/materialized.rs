//! Pipelines that read a stored batch.

use std::fmt;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, Slot};

/// The pipeline that reads a stored batch: the result of a source, an exchange or
/// [`boxed`](crate::stream::DStream::boxed).
#[derive(Clone)]
pub struct Materialized<T> {
    pub(crate) slot: Arc<Slot<T>>,
}

impl<T: Data> Materialized<T> {
    /// A pipeline over given partitions, to be run once.
    pub(crate) fn once(partitions: Partitions<T>) -> Self {
        let slot = Slot::new();
        slot.connect(1);
        slot.fill(partitions);
        Self { slot }
    }
}

impl<T> fmt::Debug for Materialized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Materialized").finish_non_exhaustive()
    }
}

impl<T: Data> Pipe for Materialized<T> {
    type Item = T;

    fn partitions(&self) -> usize {
        self.slot.partitions().unwrap_or(0)
    }

    fn input_len(&self, partition: usize) -> usize {
        self.slot.len(partition).unwrap_or(0)
    }

    #[inline]
    fn run<S: FnMut(T)>(&self, task: &PartitionContext, sink: &mut S) {
        if let Some(items) = self.slot.read(task.partition) {
            items.for_each(sink);
        }
    }

    fn collect(&self, task: &PartitionContext) -> Arc<Vec<T>> {
        self.slot.take(task.partition).unwrap_or_default()
    }

    fn count(&self, task: &PartitionContext) -> usize {
        self.slot
            .take(task.partition)
            .map_or(0, |items| items.len())
    }
}

/// A narrow stage: fused into its consumer if there is one, stored and read by all if there are
/// several.
#[derive(Clone)]
pub struct Shared<P: Pipe> {
    pub(crate) pipe: P,
    pub(crate) slot: Arc<Slot<P::Item>>,
}

impl<P: Pipe> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<P: Pipe> Pipe for Shared<P> {
    type Item = P::Item;

    fn partitions(&self) -> usize {
        let here = self.slot.partitions();
        here.unwrap_or_else(|| self.pipe.partitions())
    }

    fn input_len(&self, partition: usize) -> usize {
        let here = self.slot.len(partition);
        here.unwrap_or_else(|| self.pipe.input_len(partition))
    }

    #[inline]
    fn run<S: FnMut(P::Item)>(&self, task: &PartitionContext, sink: &mut S) {
        match self.slot.read(task.partition) {
            Some(items) => items.for_each(sink),
            None => self.pipe.run(task, sink),
        }
    }

    fn collect(&self, task: &PartitionContext) -> Arc<Vec<P::Item>> {
        let here = self.slot.take(task.partition);
        here.unwrap_or_else(|| self.pipe.collect(task))
    }

    fn count(&self, task: &PartitionContext) -> usize {
        match self.slot.take(task.partition) {
            Some(items) => items.len(),
            None => self.pipe.count(task),
        }
    }
}
