//! Operators that work on one item or one partition and move nothing between partitions.

// A fused pipeline is its type; aliases would hide what the reader of the signature needs.
#![allow(clippy::type_complexity)]

use std::vec::{IntoIter, Vec};

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::stages::{Filter, FlatMap, Map, MapPartitions, TryFlatMap};
use crate::stream::plan::dstream::DStream;

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// Applies `f` to every item.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let doubled = ctx.batches([vec![1, 2, 3]]).map(|n| 2 * n);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<U, F>(&self, f: F) -> DStream<'c, U, Shared<Map<P, F, U>>>
    where
        U: Data,
        F: Fn(T) -> U + Send + Sync + 'static,
    {
        self.narrow("map", |parent, operator| Map::new(parent, operator, f))
    }

    /// Replaces every item by any number of items.
    pub fn flat_map<I, F>(&self, f: F) -> DStream<'c, I::Item, Shared<FlatMap<P, F, I>>>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(T) -> I + Send + Sync + 'static,
    {
        self.narrow("flat_map", |parent, operator| {
            FlatMap::new(parent, operator, f)
        })
    }

    /// Keeps the items for which `f` says so.
    pub fn filter<F>(&self, f: F) -> DStream<'c, T, Shared<Filter<P, F, ()>>>
    where
        F: Fn(&T) -> bool + Send + Sync + 'static,
    {
        self.narrow("filter", |parent, operator| {
            Filter::new(parent, operator, f)
        })
    }

    /// Applies `f` to every item and keeps what it returns.
    pub fn filter_map<U, F>(&self, f: F) -> DStream<'c, U, Shared<FlatMap<P, F, Option<U>>>>
    where
        U: Data,
        F: Fn(T) -> Option<U> + Send + Sync + 'static,
    {
        self.narrow("filter_map", |parent, operator| {
            FlatMap::new(parent, operator, f)
        })
    }

    /// Like [`map`](Self::map), for an `f` that may fail: its first error fails the batch, under
    /// the name of this operator.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::{BatchTime, StreamingContext};
    /// let ctx = StreamingContext::builder("doc").build()?;
    /// let numbers = ctx.batches([vec!["12", "x"]]).try_map(|s| s.parse::<u32>()).named("parse");
    /// numbers.count().print();
    /// let error = ctx.into_driver()?.step(BatchTime::from_millis(1_000)).unwrap_err();
    /// assert!(error.to_string().contains("operator parse failed in the batch of 1000 ms"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_map<U, E, F>(
        &self,
        f: F,
    ) -> DStream<'c, U, Shared<impl Pipe<Item = U> + use<T, U, E, F, P>>>
    where
        U: Data,
        E: Into<BoxError> + 'static,
        F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
    {
        self.narrow("try_map", |parent, operator| {
            TryFlatMap::<_, _, (Option<U>, E)>::new(parent, operator, move |item| f(item).map(Some))
        })
    }

    /// Like [`flat_map`](Self::flat_map), for an `f` that may fail: its first error fails the
    /// batch, under the name of this operator.
    pub fn try_flat_map<I, E, F>(
        &self,
        f: F,
    ) -> DStream<'c, I::Item, Shared<TryFlatMap<P, F, (I, E)>>>
    where
        I: IntoIterator<Item: Data> + 'static,
        E: Into<BoxError> + 'static,
        F: Fn(T) -> Result<I, E> + Send + Sync + 'static,
    {
        self.narrow("try_flat_map", |parent, operator| {
            TryFlatMap::new(parent, operator, f)
        })
    }

    /// Like [`filter`](Self::filter), for an `f` that may fail: its first error fails the batch,
    /// under the name of this operator.
    pub fn try_filter<E, F>(
        &self,
        f: F,
    ) -> DStream<'c, T, Shared<impl Pipe<Item = T> + use<T, E, F, P>>>
    where
        E: Into<BoxError> + 'static,
        F: Fn(&T) -> Result<bool, E> + Send + Sync + 'static,
    {
        self.narrow("try_filter", |parent, operator| {
            TryFlatMap::<_, _, (Option<T>, E)>::new(parent, operator, move |item| {
                Ok(f(&item)?.then_some(item))
            })
        })
    }

    /// Applies `f` once to every partition, empty ones included.
    ///
    /// Where an operator further up fails in the middle of a partition, `f` sees the items up to
    /// there; the batch fails all the same, and what `f` returned is dropped.
    pub fn map_partitions<I, F>(
        &self,
        f: F,
    ) -> DStream<'c, I::Item, Shared<impl Pipe<Item = I::Item> + use<T, I, F, P>>>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(IntoIter<T>) -> I + Send + Sync + 'static,
    {
        self.narrow("map_partitions", |parent, operator| {
            MapPartitions::new(parent, operator, move |_, items| f(items))
        })
    }

    /// Like [`map_partitions`](Self::map_partitions), with the number of the partition.
    pub fn map_partitions_with_index<I, F>(
        &self,
        f: F,
    ) -> DStream<'c, I::Item, Shared<MapPartitions<P, F, I>>>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(usize, IntoIter<T>) -> I + Send + Sync + 'static,
    {
        self.narrow("map_partitions_with_index", |parent, operator| {
            MapPartitions::new(parent, operator, f)
        })
    }

    /// Makes every partition one item.
    pub fn glom(&self) -> DStream<'c, Vec<T>, Shared<impl Pipe<Item = Vec<T>> + use<T, P>>> {
        self.narrow("glom", |parent, operator| {
            MapPartitions::new(parent, operator, |_, items: IntoIter<T>| {
                Some(items.collect::<Vec<T>>())
            })
        })
    }
}

impl<'c, K: Data, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Applies `f` to every value and keeps the keys.
    pub fn map_values<U, F>(
        &self,
        f: F,
    ) -> DStream<'c, (K, U), Shared<impl Pipe<Item = (K, U)> + use<K, V, U, F, P>>>
    where
        U: Data,
        F: Fn(V) -> U + Send + Sync + 'static,
    {
        self.narrow("map_values", |parent, operator| {
            Map::new(parent, operator, move |(key, value)| (key, f(value)))
        })
    }

    /// Replaces every value by any number of values of the same key.
    pub fn flat_map_values<I, F>(
        &self,
        f: F,
    ) -> DStream<'c, (K, I::Item), Shared<impl Pipe<Item = (K, I::Item)> + use<K, V, I, F, P>>>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(V) -> I + Send + Sync + 'static,
    {
        self.narrow("flat_map_values", |parent, operator| {
            FlatMap::new(parent, operator, move |(key, value): (K, V)| {
                f(value).into_iter().map(move |value| (key.clone(), value))
            })
        })
    }
}
