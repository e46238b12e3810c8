//! The types of fused pipelines.
//!
//! A chain of narrow operators is one value of nested types, like a chain of iterator adaptors,
//! and compiles to one loop per partition. These types appear in the type of a
//! [`DStream`](crate::stream::DStream); a program seldom writes them down: it lets them be inferred, says
//! `impl Pipe<Item = T>`, or erases them with [`boxed`](crate::stream::DStream::boxed).

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::error::BoxError;
use crate::stream::run::executor::{NodeId, blame};

pub use crate::stream::op::emitted::Emitted;
pub use crate::stream::op::state::StateRows;
pub use crate::stream::op::state_view::StateView;
pub use crate::stream::pipeline::slot::{Materialized, Shared};
pub use crate::stream::run::executor::Scope;

/// A computation of the partitions of a batch, one loop per partition.
///
/// It is closed: the driver alone makes the [`Scope`] that running one needs, and the methods may
/// change in any release.
pub trait Pipe: Clone + Send + Sync + 'static {
    /// What flows out of it.
    type Item: Data;

    /// How many partitions the current batch has.
    #[doc(hidden)]
    fn partitions(&self) -> usize;

    /// How many items a partition starts from: 0 only if it has none.
    #[doc(hidden)]
    fn weight(&self, partition: usize) -> usize;

    /// Pushes the items of the scope's partition into `sink`. Called once per consumer, partition
    /// and batch.
    #[doc(hidden)]
    fn run<S: FnMut(Self::Item)>(&self, scope: &Scope, sink: &mut S);

    /// The items of the scope's partition; stands for `run`.
    #[doc(hidden)]
    fn collect(&self, scope: &Scope) -> Arc<Vec<Self::Item>> {
        let mut items = Vec::new();
        self.run(scope, &mut |item| items.push(item));
        Arc::new(items)
    }

    /// How many items the scope's partition has; stands for `run`.
    #[doc(hidden)]
    fn count(&self, scope: &Scope) -> usize {
        let mut count = 0;
        self.run(scope, &mut |_| count += 1);
        count
    }
}

/// A narrow operator: the pipeline before it, and its closure.
macro_rules! stage {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<P, F, U> {
            parent: P,
            node: NodeId,
            closure: Arc<F>,
            /// The item type is the closure's result, which the struct does not mention.
            item: PhantomData<fn() -> U>,
        }

        impl<P, F, U> $name<P, F, U> {
            pub(crate) fn new(parent: P, node: NodeId, closure: F) -> Self {
                Self {
                    parent,
                    node,
                    closure: Arc::new(closure),
                    item: PhantomData,
                }
            }
        }

        impl<P: Clone, F, U> Clone for $name<P, F, U> {
            fn clone(&self) -> Self {
                Self {
                    parent: self.parent.clone(),
                    node: self.node,
                    closure: Arc::clone(&self.closure),
                    item: PhantomData,
                }
            }
        }

        impl<P, F, U> fmt::Debug for $name<P, F, U> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("node", &self.node).finish_non_exhaustive()
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

        fn weight(&self, partition: usize) -> usize {
            self.parent.weight(partition)
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
    fn run<S: FnMut(U)>(&self, scope: &Scope, sink: &mut S) {
        let closure = &*self.closure;
        self.parent
            .run(scope, &mut |item| sink(blame(self.node, || closure(item))));
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

    // The guard spans the loop, so that a panic in the iterator is this operator's; a panic
    // further down has been blamed on the operator it belongs to by then.
    #[inline]
    fn run<S: FnMut(I::Item)>(&self, scope: &Scope, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(scope, &mut |item| {
            blame(self.node, || {
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
    fn run<S: FnMut(P::Item)>(&self, scope: &Scope, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(scope, &mut |item| {
            if blame(self.node, || closure(&item)) {
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
    fn run<S: FnMut(I::Item)>(&self, scope: &Scope, sink: &mut S) {
        let closure = &*self.closure;
        self.parent.run(scope, &mut |item| {
            if scope.has_failed() {
                return;
            }
            blame(self.node, || match closure(item) {
                Ok(items) => items.into_iter().for_each(&mut *sink),
                Err(error) => scope.fail(self.node, error.into()),
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
    fn run<S: FnMut(I::Item)>(&self, scope: &Scope, sink: &mut S) {
        let items = crate::stream::pipeline::slot::Read::new(self.parent.collect(scope)).into_vec();
        blame(self.node, || {
            (self.closure)(scope.partition, items.into_iter())
                .into_iter()
                .for_each(&mut *sink);
        });
    }
}
