//! The narrow stages: `map`, `filter`, `flat_map` and their kin.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::threads::blame::{OperatorId, blame};

/// A narrow operator: the pipeline before it, and its closure.
macro_rules! stage {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<P, F, U> {
            parent: P,
            operator: OperatorId,
            closure: Arc<F>,
            /// The item type is the closure's result, which the struct does not mention.
            item: PhantomData<fn() -> U>,
        }

        impl<P, F, U> $name<P, F, U> {
            pub(crate) fn new(parent: P, operator: OperatorId, closure: F) -> Self {
                Self {
                    parent,
                    operator,
                    closure: Arc::new(closure),
                    item: PhantomData,
                }
            }
        }

        impl<P: Clone, F, U> Clone for $name<P, F, U> {
            fn clone(&self) -> Self {
                Self {
                    parent: self.parent.clone(),
                    operator: self.operator,
                    closure: Arc::clone(&self.closure),
                    item: PhantomData,
                }
            }
        }

        impl<P, F, U> fmt::Debug for $name<P, F, U> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("operator", &self.operator).finish_non_exhaustive()
            }
        }
    };
}

stage!(
    /// The pipeline of [`map`](crate::stream::DStream::map).
    Map
);
stage!(
    /// The pipeline of [`flat_map`](crate::stream::DStream::flat_map).
    FlatMap
);
stage!(
    /// The pipeline of [`filter`](crate::stream::DStream::filter).
    Filter
);
stage!(
    /// The pipeline of [`try_map`](crate::stream::DStream::try_map) and its kin.
    TryFlatMap
);
stage!(
    /// The pipeline of [`map_partitions`](crate::stream::DStream::map_partitions).
    MapPartitions
);

/// The methods of a stage with as many partitions as its parent.
macro_rules! like_parent {
    () => {
        fn partitions(&self) -> usize {
            self.parent.partitions()
        }

        fn input_len(&self, partition: usize) -> usize {
            self.parent.input_len(partition)
        }
    };
}

impl<P, F, U> Pipe for Map<P, F, U>
where
    P: Pipe,
    F: Fn(P::Item) -> U + Send + Sync + 'static,
    U: Data,
{
    type Item = U;
    like_parent!();

    #[inline]
    fn run<S: FnMut(U)>(&self, task: &PartitionContext, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(task, &mut |item| {
            sink(blame(self.operator, || closure(item)));
        });
    }
}

impl<P, F, I> Pipe for FlatMap<P, F, I>
where
    P: Pipe,
    F: Fn(P::Item) -> I + Send + Sync + 'static,
    I: IntoIterator<Item: Data> + 'static,
{
    type Item = I::Item;
    like_parent!();

    // The guard covers the loop, so that a panic in the iterator is attributed to this operator; a
    // panic further down has been attributed to its own operator by then.
    #[inline]
    fn run<S: FnMut(I::Item)>(&self, task: &PartitionContext, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(task, &mut |item| {
            blame(self.operator, || {
                closure(item).into_iter().for_each(&mut *sink);
            });
        });
    }
}

impl<P, F> Pipe for Filter<P, F, ()>
where
    P: Pipe,
    F: Fn(&P::Item) -> bool + Send + Sync + 'static,
{
    type Item = P::Item;
    like_parent!();

    #[inline]
    fn run<S: FnMut(P::Item)>(&self, task: &PartitionContext, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(task, &mut |item| {
            if blame(self.operator, || closure(&item)) {
                sink(item);
            }
        });
    }
}

impl<P, F, I, E> Pipe for TryFlatMap<P, F, (I, E)>
where
    P: Pipe,
    F: Fn(P::Item) -> Result<I, E> + Send + Sync + 'static,
    I: IntoIterator<Item: Data> + 'static,
    E: Into<BoxError> + 'static,
{
    type Item = I::Item;
    like_parent!();

    #[inline]
    fn run<S: FnMut(I::Item)>(&self, task: &PartitionContext, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(task, &mut |item| {
            if task.has_failed() {
                return;
            }
            blame(self.operator, || match closure(item) {
                Ok(items) => items.into_iter().for_each(&mut *sink),
                Err(error) => task.fail(self.operator, error.into()),
            });
        });
    }
}

impl<P, F, I> Pipe for MapPartitions<P, F, I>
where
    P: Pipe,
    F: Fn(usize, std::vec::IntoIter<P::Item>) -> I + Send + Sync + 'static,
    I: IntoIterator<Item: Data> + 'static,
{
    type Item = I::Item;
    like_parent!();

    #[inline]
    fn run<S: FnMut(I::Item)>(&self, task: &PartitionContext, sink: &mut S) {
        let items = crate::stream::pipeline::slot::Read::new(self.parent.collect(task)).into_vec();
        blame(self.operator, || {
            (self.closure)(task.partition, items.into_iter())
                .into_iter()
                .for_each(&mut *sink);
        });
    }
}
