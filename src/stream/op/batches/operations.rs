//! Operations on whole batches, for closures of `transform`.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::vec::Vec;

use crate::sample::sample;
use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::op::batches::batch::Batch;
use crate::stream::op::by_key::{Reduce, Three};
use crate::stream::op::{by_key, repartition};
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::threads::blame::blame;

impl<T: Data> Batch<T> {
    /// Accumulates the items of each partition with `add`, then those results, in the order of
    /// the partitions, with `merge`.
    ///
    /// # Errors
    ///
    /// If a closure panics; returned from the closure of `transform`, the error fails the batch.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::{BoxError, StreamingContext};
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let means = ctx.batches([vec![1.0, 2.0, 6.0]]).transform(|batch, _time| {
    ///     let (sum, count) = batch.clone().aggregate(
    ///         || (0.0, 0u32),
    ///         |(sum, count), item| (sum + item, count + 1),
    ///         |a, b| (a.0 + b.0, a.1 + b.1),
    ///     )?;
    ///     Ok::<_, BoxError>(batch.with_items(vec![sum / f64::from(count)]))
    /// });
    /// # let _ = means;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn aggregate<A, Z, F, G>(self, zero: Z, add: F, merge: G) -> Result<A, BatchError>
    where
        A: Send,
        Z: Fn() -> A + Sync,
        F: Fn(A, T) -> A + Sync,
        G: Fn(A, A) -> A,
    {
        let (context, partitions) = self.into_parts();
        let pipe = Materialized::once(partitions);
        let parts = context.run(&pipe, |task| {
            let mut part = Some(zero());
            pipe.run(task, &mut |item| {
                part = part
                    .take()
                    .map(|part| blame(context.operator, || add(part, item)));
            });
            part
        })?;
        context.guard(None, || {
            let merged = parts.into_iter().flatten().reduce(merge);
            merged.unwrap_or_else(zero)
        })
    }

    /// Each partition as one item, its items in order.
    #[must_use]
    pub fn glom(self) -> Batch<Vec<T>> {
        self.map_partitions(|_, items| [items.collect::<Vec<T>>()])
    }

    /// Copies of the first `n` items, partition by partition.
    ///
    /// # Errors
    ///
    /// If copying an item panics; returned from the closure of `transform`, the error fails the
    /// batch.
    pub fn take(&self, n: usize) -> Result<Vec<T>, BatchError> {
        self.context()
            .guard(None, || self.iter().take(n).cloned().collect())
    }

    /// The `n` largest items by `compare`, largest first; of equal ones those that come first.
    ///
    /// O(log n) for each item, and memory for n items in each partition. Takes the batch; to go on
    /// with the result as a batch, clone it first, which copies no item, and call
    /// [`with_items`](Self::with_items) on the clone.
    ///
    /// # Errors
    ///
    /// If `compare` panics; returned from the closure of `transform`, the error fails the batch.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::{BoxError, StreamingContext};
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let words = ctx.batches([vec!["ebb", "flow", "ebb"]]);
    /// let counts = words.count_by_value();
    /// let top_ten = counts.transform(|counts, _time| {
    ///     let like = counts.clone();
    ///     Ok::<_, BoxError>(like.with_items(counts.top_by(10, |a, b| a.1.cmp(&b.1))?))
    /// });
    /// # let _ = top_ten;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn top_by<F>(self, n: usize, compare: F) -> Result<Vec<T>, BatchError>
    where
        F: Fn(&T, &T) -> Ordering + Sync,
    {
        let (context, partitions) = self.into_parts();
        let pipe = Materialized::once(partitions);
        let parts = context.run(&pipe, |task| {
            let mut heap: BinaryHeap<Reverse<Ranked<'_, T, F>>> = BinaryHeap::new();
            let mut place = 0;
            pipe.run(task, &mut |item| {
                let ranked = Reverse(Ranked {
                    item,
                    place,
                    compare: &compare,
                });
                place += 1;
                if heap.len() < n {
                    heap.push(ranked);
                } else if let Some(mut least) = heap.peek_mut()
                    && *least > ranked
                {
                    *least = ranked;
                }
            });
            let sorted = heap.into_sorted_vec().into_iter();
            sorted
                .map(|Reverse(ranked)| ranked.item)
                .collect::<Vec<T>>()
        })?;
        context.guard(None, || {
            let mut all = parts.concat();
            all.sort_by(|a, b| compare(b, a));
            all.truncate(n);
            all
        })
    }

    /// The items in the order of `key`, divided evenly into as many partitions; the sort is stable.
    ///
    /// The partitions are sorted in parallel, then merged by one stable sort.
    #[must_use]
    pub fn sort_by_key<K, F>(self, key: F) -> Self
    where
        K: Ord,
        F: Fn(&T) -> K + Send + Sync + Clone + 'static,
    {
        let within = key.clone();
        let sorted = self.map_partitions(move |_, items| {
            let mut items: Vec<T> = items.collect();
            items.sort_by_key(&within);
            items
        });
        let shape = sorted.clone();
        let mut items = sorted.into_vec();
        items.sort_by_key(key);
        shape.with_items(items)
    }

    /// Every item with its index, counted through the partitions from 0.
    #[must_use]
    pub fn zip_with_index(self) -> Batch<(T, u64)> {
        let mut first = 0;
        let mut starts = Vec::new();
        for partition in self.partitions() {
            starts.push(first);
            first += partition.len() as u64;
        }
        self.map_partitions(move |partition, items| items.zip(starts[partition]..))
    }

    /// The same items in exactly `partitions` partitions, as even as can be.
    ///
    /// # Panics
    ///
    /// If `partitions` is 0.
    #[track_caller]
    #[must_use]
    pub fn repartition(self, partitions: usize) -> Self {
        assert!(partitions > 0, "a batch has at least one partition");
        self.run(|context, pipe| repartition::repartition(context, pipe, partitions))
    }

    /// A uniform sample without replacement of `n` items, or all if there are fewer, in no
    /// particular order.
    ///
    /// Drawn with a generator derived from the seed of the context, the operator and the batch
    /// time: the same for any number of threads.
    ///
    /// # Errors
    ///
    /// If copying an item panics; returned from the closure of `transform`, the error fails the
    /// batch.
    pub fn sample(self, n: usize) -> Result<Vec<T>, BatchError> {
        let (context, partitions) = self.into_parts();
        let time = context.time.as_millis();
        // No partition has this number.
        let mut rng = context
            .job
            .seed
            .partition_rng(context.operator, u32::MAX, time);
        let items = partitions.iter().flat_map(|items| items.iter());
        let sampled = sample(items, n, &mut rng).into_iter();
        context.guard(None, || sampled.cloned().collect())
    }
}

impl<T: Key> Batch<T> {
    /// The items without repetitions.
    #[must_use]
    pub fn distinct(self) -> Self {
        self.map(|item| (item, ()))
            .reduce_by_key(|(), ()| ())
            .map(|(item, ())| item)
    }

    /// How often each item occurs.
    #[must_use]
    pub fn count_by_value(self) -> Batch<(T, u64)> {
        self.map(|item| (item, 1)).reduce_by_key(|a, b| a + b)
    }
}

impl<K: Data, V: Data> Batch<(K, V)> {
    /// Applies `f` to the value of every record.
    #[must_use]
    pub fn map_values<U, F>(self, f: F) -> Batch<(K, U)>
    where
        U: Data,
        F: Fn(V) -> U + Send + Sync + 'static,
    {
        self.map(move |(key, value)| (key, f(value)))
    }

    /// Applies `f` to the value of every record, which becomes a record for each item of the
    /// result.
    #[must_use]
    pub fn flat_map_values<I, F>(self, f: F) -> Batch<(K, I::Item)>
    where
        I: IntoIterator<Item: Data> + 'static,
        F: Fn(V) -> I + Send + Sync + 'static,
    {
        self.flat_map(move |(key, value)| {
            let values = f(value).into_iter();
            values.map(move |value| (key.clone(), value))
        })
    }
}

impl<K: Key, V: Data> Batch<(K, V)> {
    /// The values of each key combined by an associative `f`.
    #[must_use]
    pub fn reduce_by_key<F>(self, f: F) -> Self
    where
        F: Fn(V, V) -> V + Send + Sync,
    {
        self.run(|context, pipe| by_key::reduce_by_key(context, pipe, &Reduce(f)))
    }

    /// The values of each key combined into a value of another type, as
    /// [`DStream::combine_by_key`](crate::stream::DStream::combine_by_key) does.
    #[must_use]
    pub fn combine_by_key<C, F, G, H>(self, create: F, add: G, merge: H) -> Batch<(K, C)>
    where
        C: Data,
        F: Fn(V) -> C + Send + Sync,
        G: Fn(&mut C, V) + Send + Sync,
        H: Fn(&mut C, C) + Send + Sync,
    {
        let combiner = Three { create, add, merge };
        self.run(|context, pipe| by_key::combine(context, pipe, &combiner))
    }

    /// All values of each key.
    #[must_use]
    pub fn group_by_key(self) -> Batch<(K, Vec<V>)> {
        self.run(|context, pipe| by_key::group(context, pipe))
    }
}

/// An item in the heap of [`Batch::top_by`]: larger by `compare`, then earlier.
struct Ranked<'a, T, F> {
    item: T,
    place: u64,
    compare: &'a F,
}

impl<T, F: Fn(&T, &T) -> Ordering> Ord for Ranked<'_, T, F> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.compare)(&self.item, &other.item).then(other.place.cmp(&self.place))
    }
}

impl<T, F: Fn(&T, &T) -> Ordering> PartialOrd for Ranked<'_, T, F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T, F: Fn(&T, &T) -> Ordering> PartialEq for Ranked<'_, T, F> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T, F: Fn(&T, &T) -> Ordering> Eq for Ranked<'_, T, F> {}
