//! A batch: its time, its partitions, and what `transform` may do with it.

use std::boxed::Box;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::vec::Vec;

use crate::random::DefaultRng;
use crate::stream::data::Data;
use crate::stream::error::{BatchError, BoxError};
use crate::stream::op::aggregate::reduce;
use crate::stream::op::summarize::summarize;
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, Read, to_partitions};
use crate::stream::pipeline::split::split;
use crate::stream::pipeline::stages::{Filter, FlatMap, Map, MapPartitions};
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::time::BatchTime;
use crate::summary::Summary;

/// The items of one batch, in partitions that are processed in parallel.
///
/// Cloning copies no item. The operations take the batch by value and reuse what nobody else
/// holds. A panic in a closure fails the stream's batch as it does in an operator: operations
/// that give values return it as an error, those that give a batch go on with the panic.
#[derive(Clone)]
pub struct Batch<T> {
    context: OperatorContext,
    partitions: Partitions<T>,
}

impl<T> Batch<T> {
    pub(crate) fn new(context: OperatorContext, partitions: Partitions<T>) -> Self {
        Self {
            context,
            partitions,
        }
    }

    /// The context of the operator whose closure has the batch.
    pub(crate) const fn context(&self) -> &OperatorContext {
        &self.context
    }

    pub(crate) fn into_parts(self) -> (OperatorContext, Partitions<T>) {
        (self.context, self.partitions)
    }

    pub(crate) fn into_shared(self) -> Partitions<T> {
        self.partitions
    }

    /// The time of the batch.
    #[must_use]
    pub fn time(&self) -> BatchTime {
        self.context.time
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.partitions().map(<[T]>::len).sum()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partitions().all(<[T]>::is_empty)
    }

    /// The partitions, in their order.
    #[must_use]
    pub fn partitions(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.partitions.iter().map(|items| items.as_slice())
    }

    /// The items, partition by partition.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.partitions().flatten()
    }

    /// The operations run as the operator whose closure calls them.
    pub(crate) fn run<U>(
        self,
        operation: impl FnOnce(&OperatorContext, &Materialized<T>) -> Result<Vec<Vec<U>>, BatchError>,
    ) -> Batch<U>
    where
        T: Data,
    {
        let pipe = Materialized::once(self.partitions);
        match operation(&self.context, &pipe) {
            Ok(partitions) => Batch::new(self.context, to_partitions(partitions)),
            Err(error) => resume(error),
        }
    }

    /// A narrow operation: a stage over the partitions of this batch.
    fn narrow<Q: Pipe>(self, stage: impl FnOnce(Materialized<T>, u32) -> Q) -> Batch<Q::Item>
    where
        T: Data,
    {
        let pipe = stage(Materialized::once(self.partitions), self.context.operator);
        match self.context.run(&pipe, |task| pipe.collect(task)) {
            Ok(partitions) => Batch::new(self.context, partitions),
            Err(error) => resume(error),
        }
    }
}

/// Resumes a panic that a worker thread has caught, so that it ends the closure that called the
/// operation.
fn resume(error: BatchError) -> ! {
    resume_unwind(Box::new(error))
}

impl<T: Data> Batch<T> {
    /// The items, partition by partition, without copying those that nobody else holds.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        let mut parts = self.partitions.into_iter().map(Read::new);
        let mut all = parts.next().map(Read::into_vec).unwrap_or_default();
        parts.for_each(|part| part.for_each(|item| all.push(item)));
        all
    }

    /// A batch of other items at the same time, divided evenly into as many partitions.
    #[must_use]
    pub fn with_items<U: Data>(&self, items: Vec<U>) -> Batch<U> {
        let partitions = split(items, self.partitions.len().max(1));
        Batch::new(self.context.clone(), to_partitions(partitions))
    }

    /// Applies `f` to every item.
    #[must_use]
    pub fn map<U: Data, F>(self, f: F) -> Batch<U>
    where
        F: Fn(T) -> U + Send + Sync + 'static,
    {
        self.narrow(|parent, operator| Map::new(parent, operator, f))
    }

    /// Replaces every item by any number of items.
    #[must_use]
    pub fn flat_map<I, F>(self, f: F) -> Batch<I::Item>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(T) -> I + Send + Sync + 'static,
    {
        self.narrow(|parent, operator| FlatMap::new(parent, operator, f))
    }

    /// Keeps the items for which `f` says so.
    #[must_use]
    pub fn filter<F>(self, f: F) -> Self
    where
        F: Fn(&T) -> bool + Send + Sync + 'static,
    {
        self.narrow(|parent, operator| Filter::new(parent, operator, f))
    }

    /// Applies `f` once to every partition, with its number.
    #[must_use]
    pub fn map_partitions<I, F>(self, f: F) -> Batch<I::Item>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(usize, std::vec::IntoIter<T>) -> I + Send + Sync + 'static,
    {
        self.narrow(|parent, operator| MapPartitions::new(parent, operator, f))
    }

    /// The items of both batches; the partitions of `other` come after those of this one.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.partitions.extend(other.partitions);
        self
    }

    /// All items combined by an associative `f`; `None` of an empty batch.
    ///
    /// # Errors
    ///
    /// If `f` panics; returned from the closure of `transform`, the error fails the batch.
    pub fn reduce<F: Fn(T, T) -> T + Sync>(self, f: F) -> Result<Option<T>, BatchError> {
        let pipe = Materialized::once(self.partitions);
        reduce(&self.context, &pipe, &f)
    }

    /// One summary of the batch, as the only item: a summary per partition, filled in parallel,
    /// then merged in the order of the partitions.
    #[must_use]
    pub fn summarize<S, F>(self, make: F) -> Batch<S>
    where
        S: Summary<Item = T> + Data,
        F: Fn() -> S + Sync,
    {
        self.summarize_with_rng(|_| make())
    }

    /// Like [`summarize`](Self::summarize), for summaries that draw random numbers.
    ///
    /// Two calls in one `transform` get the same generators; build on one of them, or use two
    /// operators, where independence matters.
    #[must_use]
    pub fn summarize_with_rng<S, F>(self, make: F) -> Batch<S>
    where
        S: Summary<Item = T> + Data,
        F: Fn(DefaultRng) -> S + Sync,
    {
        self.run(|context, pipe| {
            let summary = summarize(context, pipe, &make)?;
            Ok(std::vec![summary.into_iter().collect()])
        })
    }
}

impl<T> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("time", &self.time())
            .field("len", &self.len())
            .field("partitions", &self.partitions.len())
            .finish_non_exhaustive()
    }
}

impl<T: Data> IntoIterator for Batch<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a T;
    type IntoIter = std::iter::FlatMap<
        std::slice::Iter<'a, Arc<Vec<T>>>,
        &'a Vec<T>,
        fn(&'a Arc<Vec<T>>) -> &'a Vec<T>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.partitions.iter().flat_map(Arc::as_ref)
    }
}

/// What the closure of [`transform`](crate::stream::DStream::transform) may return: a [`Batch`], or a
/// `Result` of one.
pub trait IntoBatch {
    /// The items of the batch.
    type Item: Data;

    /// The batch, or the error that fails the stream's batch.
    ///
    /// # Errors
    ///
    /// Whatever error the closure returned.
    fn into_batch(self) -> Result<Batch<Self::Item>, BoxError>;
}

impl<U: Data> IntoBatch for Batch<U> {
    type Item = U;

    fn into_batch(self) -> Result<Batch<U>, BoxError> {
        Ok(self)
    }
}

impl<U: Data, E: Into<BoxError>> IntoBatch for Result<Batch<U>, E> {
    type Item = U;

    fn into_batch(self) -> Result<Batch<U>, BoxError> {
        self.map_err(Into::into)
    }
}
