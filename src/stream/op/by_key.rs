//! Operators that bring the records of one key together, within a batch.

use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::dstream::DStream;
use crate::stream::error::BatchError;
use crate::stream::exchange::{Inbox, Outbox, exchange};
use crate::stream::executor::{Step, blame};
use crate::stream::pipe::Pipe;
use crate::stream::{Data, Key};
use crate::table::OrderedTable;

/// A record on its way: the hash is computed once and serves routing and every table after it.
pub(crate) struct Routed<K, V> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    pub(crate) value: V,
}

/// Records by partition.
type Records<K, V> = Vec<Vec<(K, V)>>;

/// Sends every record of a pipe to the partition that owns its key.
pub(crate) fn shuffle<K: Key, V: Data, P: Pipe<Item = (K, V)>>(
    step: &Step,
    pipe: &P,
) -> Result<Vec<Inbox<Routed<K, V>>>, BatchError> {
    let routing = step.env.routing;
    let destinations = routing.partitions as usize;
    let outboxes = step.run(pipe, |scope| {
        let mut outbox = Outbox::new(destinations);
        pipe.run(scope, &mut |(key, value)| {
            let hash = blame(step.node, || route(&key));
            outbox.send(routing.partition(hash), Routed { hash, key, value });
        });
        outbox
    })?;
    Ok(exchange(outboxes, destinations))
}

/// How the values of one key become one combined value.
pub(crate) trait Combine<V>: Send + Sync {
    type Combined: Data;
    fn create(&self, value: V) -> Self::Combined;
    fn add(&self, combined: &mut Self::Combined, value: V);
    fn merge(&self, combined: &mut Self::Combined, other: Self::Combined);
}

/// One value of each key: combined within each partition, sent to the owner, combined again.
///
/// The records of a partition come out in the order in which their keys were first seen.
pub(crate) fn combine<K, V, P, C>(
    step: &Step,
    pipe: &P,
    combiner: &C,
) -> Result<Records<K, C::Combined>, BatchError>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    C: Combine<V>,
{
    let routing = step.env.routing;
    let destinations = routing.partitions as usize;
    let outboxes = step.run(pipe, |scope| {
        let mut table = OrderedTable::new();
        pipe.run(scope, &mut |(key, value)| {
            blame(step.node, || {
                combine_local(&mut table, key, value, combiner);
            });
        });
        let mut outbox = Outbox::new(destinations);
        for entry in table.into_entries() {
            let hash = entry.hash();
            let (key, value) = (entry.key, entry.value);
            outbox.send(routing.partition(hash), Routed { hash, key, value });
        }
        outbox
    })?;
    let inboxes = exchange(outboxes, destinations);
    step.each(
        inboxes,
        |inbox| !inbox.is_empty(),
        |_, inbox| combine_received(inbox, combiner),
    )
}

#[inline]
fn combine_local<K: Key, V, C: Combine<V>>(
    table: &mut OrderedTable<K, C::Combined>,
    key: K,
    value: V,
    combiner: &C,
) {
    let hash = route(&key);
    match table.find(hash, &key) {
        Some(position) => combiner.add(table.value_mut(position), value),
        None => {
            table.push_new(hash, key, combiner.create(value));
        }
    }
}

fn combine_received<K: Key, V, C: Combine<V>>(
    inbox: Inbox<Routed<K, C::Combined>>,
    combiner: &C,
) -> Vec<(K, C::Combined)> {
    let mut table = OrderedTable::new();
    for Routed { hash, key, value } in inbox {
        match table.find(hash, &key) {
            Some(position) => combiner.merge(table.value_mut(position), value),
            None => {
                table.push_new(hash, key, value);
            }
        }
    }
    let entries = table.into_entries().into_iter();
    entries.map(|entry| (entry.key, entry.value)).collect()
}

/// Values combined by one associative function of two values.
pub(crate) struct Reduce<F>(pub(crate) F);

// The value is absent only while the function has it in hand.
impl<V: Data, F: Fn(V, V) -> V + Send + Sync> Combine<V> for Reduce<F> {
    type Combined = Option<V>;

    #[inline]
    fn create(&self, value: V) -> Option<V> {
        Some(value)
    }

    #[inline]
    fn add(&self, combined: &mut Option<V>, value: V) {
        *combined = match combined.take() {
            Some(before) => Some((self.0)(before, value)),
            None => Some(value),
        };
    }

    #[inline]
    fn merge(&self, combined: &mut Option<V>, other: Option<V>) {
        if let Some(value) = other {
            self.add(combined, value);
        }
    }
}

/// One value of each key by `f`.
pub(crate) fn reduce_by_key<K, V, P, F>(
    step: &Step,
    pipe: &P,
    reducer: &Reduce<F>,
) -> Result<Records<K, V>, BatchError>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(V, V) -> V + Send + Sync,
{
    let reduced = combine(step, pipe, reducer)?.into_iter();
    let present = |(key, value): (K, Option<V>)| value.map(|value| (key, value));
    Ok(reduced
        .map(|records| records.into_iter().filter_map(present).collect())
        .collect())
}

/// Values combined by three functions.
struct Three<A, B, C> {
    create: A,
    add: B,
    merge: C,
}

impl<V, C, F, G, H> Combine<V> for Three<F, G, H>
where
    C: Data,
    F: Fn(V) -> C + Send + Sync,
    G: Fn(&mut C, V) + Send + Sync,
    H: Fn(&mut C, C) + Send + Sync,
{
    type Combined = C;

    #[inline]
    fn create(&self, value: V) -> C {
        (self.create)(value)
    }

    #[inline]
    fn add(&self, combined: &mut C, value: V) {
        (self.add)(combined, value);
    }

    #[inline]
    fn merge(&self, combined: &mut C, other: C) {
        (self.merge)(combined, other);
    }
}

/// All values of each key, in order of arrival.
pub(crate) struct Group;

impl<V: Data> Combine<V> for Group {
    type Combined = Vec<V>;

    #[inline]
    fn create(&self, value: V) -> Vec<V> {
        vec![value]
    }

    #[inline]
    fn add(&self, combined: &mut Vec<V>, value: V) {
        combined.push(value);
    }

    #[inline]
    fn merge(&self, combined: &mut Vec<V>, mut other: Vec<V>) {
        combined.append(&mut other);
    }
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// The values of each key of a batch combined by an associative `f`.
    ///
    /// Values are combined within their partition before they travel: what moves is at most one
    /// record per key and partition.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let counts = ctx
    ///     .batches([vec!["to", "be", "or", "not", "to", "be"]])
    ///     .map(|word| (word, 1u64))
    ///     .reduce_by_key(|a, b| a + b);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reduce_by_key<F>(&self, f: F) -> DStream<'c, (K, V)>
    where
        F: Fn(V, V) -> V + Send + Sync + 'static,
    {
        let (pipe, reducer) = (self.pipe.clone(), Reduce(f));
        let parents = vec![self.node];
        self.ctx
            .wide("reduce_by_key", parents, self.slide, move |step| {
                reduce_by_key(step, &pipe, &reducer)
            })
    }

    /// The values of each key of a batch combined into a value of another type: `create` from the
    /// first value, `add` within a partition, `merge` between partitions.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let sums_and_counts = ctx.batches([vec![("a", 10u64), ("a", 20), ("b", 6)]]).combine_by_key(
    ///     |value| (value, 1u64),
    ///     |(sum, count), value| {
    ///         *sum += value;
    ///         *count += 1;
    ///     },
    ///     |(sum, count), (more, others)| {
    ///         *sum += more;
    ///         *count += others;
    ///     },
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn combine_by_key<C, F, G, H>(&self, create: F, add: G, merge: H) -> DStream<'c, (K, C)>
    where
        C: Data,
        F: Fn(V) -> C + Send + Sync + 'static,
        G: Fn(&mut C, V) + Send + Sync + 'static,
        H: Fn(&mut C, C) + Send + Sync + 'static,
    {
        self.combine_with("combine_by_key", Three { create, add, merge })
    }

    /// All values of each key of a batch, in order of arrival.
    ///
    /// Every value travels and is kept; where they are combined afterwards,
    /// [`reduce_by_key`](Self::reduce_by_key) and [`combine_by_key`](Self::combine_by_key) are
    /// cheaper.
    #[must_use]
    pub fn group_by_key(&self) -> DStream<'c, (K, Vec<V>)> {
        self.combine_with("group_by_key", Group)
    }

    fn combine_with<C: Combine<V> + 'static>(
        &self,
        kind: &str,
        combiner: C,
    ) -> DStream<'c, (K, C::Combined)> {
        let pipe = self.pipe.clone();
        let parents = vec![self.node];
        self.ctx.wide(kind, parents, self.slide, move |step| {
            combine(step, &pipe, &combiner)
        })
    }
}

impl<'c, T: Key, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// How often each item occurs in a batch.
    #[must_use]
    pub fn count_by_value(&self) -> DStream<'c, (T, u64)> {
        self.map(|item| (item, 1))
            .reduce_by_key(|a, b| a + b)
            .kind("count_by_value")
    }
}
