//! Several streams as one.

use std::{fmt, vec};

use crate::stream::data::Data;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;

/// The pipeline of [`union`](DStream::union): the partitions of the one, then those of the other.
#[derive(Clone)]
pub struct Union<A, B> {
    first: A,
    second: B,
}

impl<A, B> fmt::Debug for Union<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Union").finish_non_exhaustive()
    }
}

impl<A: Pipe, B: Pipe<Item = A::Item>> Pipe for Union<A, B> {
    type Item = A::Item;

    fn partitions(&self) -> usize {
        self.first.partitions() + self.second.partitions()
    }

    fn input_len(&self, partition: usize) -> usize {
        let first = self.first.partitions();
        match partition.checked_sub(first) {
            None => self.first.input_len(partition),
            Some(partition) => self.second.input_len(partition),
        }
    }

    #[inline]
    fn run<S: FnMut(A::Item)>(&self, task: &PartitionContext, sink: &mut S) {
        match task.partition.checked_sub(self.first.partitions()) {
            None => self.first.run(task, sink),
            Some(partition) => {
                let inner = task.renumbered(partition);
                self.second.run(&inner, sink);
                task.absorb(inner);
            }
        }
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// The items of both streams; their partitions stay as they are, this stream's first.
    ///
    /// # Panics
    ///
    /// If the two have different slides.
    #[track_caller]
    pub fn union<Q: Pipe<Item = T>>(
        &self,
        other: &DStream<'c, T, Q>,
    ) -> DStream<'c, T, Shared<Union<P, Q>>> {
        self.assert_same_slide(other);
        let pipe = Union {
            first: self.pipe.clone(),
            second: other.pipe.clone(),
        };
        let parents = vec![self.operator, other.operator];
        self.ctx.narrow("union", parents, self.slide, |_| pipe)
    }

    #[track_caller]
    pub(crate) fn assert_same_slide<U, Q>(&self, other: &DStream<'c, U, Q>) {
        assert!(
            self.slide == other.slide,
            "streams with slides of {} ms and {} ms have no batches in common",
            self.slide,
            other.slide
        );
    }
}
