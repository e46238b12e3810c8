//! What the function of a state per key emits.

use std::fmt;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::{Data, Key};
use crate::stream::op::state::StateRows;
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;

/// The pipeline of [`state_by_key`](DStream::state_by_key): the emitted items, with access to the
/// states behind them.
pub struct Emitted<K, S, U> {
    pub(crate) emitted: Materialized<U>,
    pub(crate) states: StateRows<K, S>,
}

impl<K, S, U: Clone> Clone for Emitted<K, S, U> {
    fn clone(&self) -> Self {
        Self {
            emitted: self.emitted.clone(),
            states: self.states.clone(),
        }
    }
}

impl<K, S, U> fmt::Debug for Emitted<K, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitted").finish_non_exhaustive()
    }
}

impl<K: Data, S: Data, U: Data> Pipe for Emitted<K, S, U> {
    type Item = U;

    fn partitions(&self) -> usize {
        self.emitted.partitions()
    }

    fn input_len(&self, partition: usize) -> usize {
        self.emitted.input_len(partition)
    }

    #[inline]
    fn run<F: FnMut(U)>(&self, task: &PartitionContext, sink: &mut F) {
        self.emitted.run(task, sink);
    }

    fn collect(&self, task: &PartitionContext) -> Arc<Vec<U>> {
        self.emitted.collect(task)
    }

    fn count(&self, task: &PartitionContext) -> usize {
        self.emitted.count(task)
    }
}

impl<'c, K: Key, S: Data, U: Data> DStream<'c, U, Emitted<K, S, U>> {
    /// All keys with their states after each batch, whether touched in it or not.
    ///
    /// The states are read in place and copied for consumers that ask for the pairs.
    #[must_use]
    pub fn snapshots(&self) -> DStream<'c, (K, S), StateRows<K, S>> {
        DStream::new(
            self.ctx,
            self.operator,
            self.slide,
            self.pipe.states.clone(),
        )
    }
}
