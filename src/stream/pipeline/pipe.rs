//! What a fused pipeline is.

use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::pipeline::partition_context::PartitionContext;

/// A computation of the partitions of a batch, one loop per partition.
///
/// The trait is closed: only the driver makes the [`PartitionContext`] that running one needs, and
/// the methods may change in any release.
pub trait Pipe: Clone + Send + Sync + 'static {
    /// The items it produces.
    type Item: Data;

    /// How many partitions the current batch has.
    #[doc(hidden)]
    fn partitions(&self) -> usize;

    /// How many items a partition starts from: 0 only if it has none.
    #[doc(hidden)]
    fn input_len(&self, partition: usize) -> usize;

    /// Pushes the items of the partition of `task` into `sink`. Called once per consumer, partition
    /// and batch.
    #[doc(hidden)]
    fn run<S: FnMut(Self::Item)>(&self, task: &PartitionContext, sink: &mut S);

    /// The items of the partition of `task`, instead of `run`.
    #[doc(hidden)]
    fn collect(&self, task: &PartitionContext) -> Arc<Vec<Self::Item>> {
        let mut items = Vec::new();
        self.run(task, &mut |item| items.push(item));
        Arc::new(items)
    }

    /// How many items the partition of `task` has, instead of `run`.
    #[doc(hidden)]
    fn count(&self, task: &PartitionContext) -> usize {
        let mut count = 0;
        self.run(task, &mut |_| count += 1);
        count
    }
}
