//! Operators that combine the records of one key within a batch.

use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::exchange::{Inbox, KeyedInbox, KeyedOutbox, Routed};
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::table::OrderedTable;
use crate::stream::threads::blame::blame;

/// Records by partition.
type Records<K, V> = Vec<Vec<(K, V)>>;

/// Sends every record of a pipe to the partition that owns its key.
pub(crate) fn shuffle<K: Key, V: Data, P: Pipe<Item = (K, V)>>(
    context: &OperatorContext,
    pipe: &P,
) -> Result<Vec<KeyedInbox<Routed<K, V>>>, BatchError> {
    let routing = context.job.routing;
    let outboxes = context.run(pipe, |task| {
        let mut outbox = KeyedOutbox::new(routing);
        pipe.run(task, &mut |(key, value)| {
            let hash = blame(context.operator, || route(&key));
            outbox.send(Routed { hash, key, value });
        });
        outbox
    })?;
    Ok(context.exchange(outboxes))
}

/// How the values of one key become one combined value.
pub(crate) trait Combine<V>: Send + Sync {
    type Combined: Data;
    fn create(&self, value: V) -> Self::Combined;
    fn add(&self, combined: &mut Self::Combined, value: V);
    fn merge(&self, combined: &mut Self::Combined, other: Self::Combined);
}

/// One value of each key: combined within each partition as far as that pays, sent to the owner,
/// combined again.
///
/// The records of a partition come out in the order in which their keys were first received.
pub(crate) fn combine<K, V, P, C>(
    context: &OperatorContext,
    pipe: &P,
    combiner: &C,
) -> Result<Records<K, C::Combined>, BatchError>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    C: Combine<V>,
{
    let routing = context.job.routing;
    let outboxes = context.run(pipe, |task| {
        let mut sender = Sender::new(combiner, KeyedOutbox::new(routing));
        pipe.run(task, &mut |(key, value)| {
            blame(context.operator, || sender.offer(key, value));
        });
        sender.finish()
    })?;
    by_lane(context, context.exchange(outboxes), |lane| {
        combine_received(lane, combiner)
    })
}

/// The result of each lane of each inbox, by partition.
fn by_lane<K: Key, V: Data, U: Data>(
    context: &OperatorContext,
    inboxes: Vec<KeyedInbox<Routed<K, V>>>,
    work: impl Fn(Inbox<Routed<K, V>>) -> Vec<U> + Sync,
) -> Result<Vec<Vec<U>>, BatchError> {
    let busy = |inbox: &KeyedInbox<Routed<K, V>>| !inbox.is_empty();
    context.each(inboxes, busy, |_, inbox| {
        let lanes = inbox.into_lanes().into_iter();
        let mut parts = lanes.map(&work);
        let mut all = parts.next().unwrap_or_default();
        parts.for_each(|part| all.extend(part));
        all
    })
}

/// How many keys a partition combines before it sends them: few enough for the caches.
const KEYS_AT_ONCE: usize = 4_096;

/// After how many records it checks again whether combining pays.
const UNCOMBINED: usize = 16 * KEYS_AT_ONCE;

/// Combines the values of one partition by key, unless that hardly reduces them.
struct Sender<'a, K, V, C: Combine<V>> {
    combiner: &'a C,
    outbox: KeyedOutbox<Routed<K, C::Combined>>,
    table: OrderedTable<K, C::Combined>,
    /// How many records are in the table.
    combined: usize,
    /// How many records are still sent as they come.
    uncombined: usize,
}

impl<'a, K: Key, V, C: Combine<V>> Sender<'a, K, V, C> {
    fn new(combiner: &'a C, outbox: KeyedOutbox<Routed<K, C::Combined>>) -> Self {
        Self {
            combiner,
            outbox,
            table: OrderedTable::new(),
            combined: 0,
            uncombined: 0,
        }
    }

    #[inline]
    fn offer(&mut self, key: K, value: V) {
        let hash = route(&key);
        if self.uncombined > 0 {
            self.uncombined -= 1;
            let value = self.combiner.create(value);
            return self.outbox.send(Routed { hash, key, value });
        }
        self.combined += 1;
        match self.table.find(hash, &key) {
            Some(position) => self.combiner.add(self.table.value_mut(position), value),
            None => self.add_key(hash, key, value),
        }
    }

    fn add_key(&mut self, hash: u64, key: K, value: V) {
        let value = self.combiner.create(value);
        self.table.push_new(hash, key, value);
        if self.table.len() == KEYS_AT_ONCE {
            if self.combined < 2 * KEYS_AT_ONCE {
                self.uncombined = UNCOMBINED;
            }
            self.combined = 0;
            self.send_table();
        }
    }

    fn send_table(&mut self) {
        for (hash, key, value) in self.table.drain() {
            self.outbox.send(Routed { hash, key, value });
        }
    }

    fn finish(mut self) -> KeyedOutbox<Routed<K, C::Combined>> {
        self.send_table();
        self.outbox
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
    table.into_records()
}

/// All values of each key, in order of arrival.
pub(crate) fn group<K: Key, V: Data, P: Pipe<Item = (K, V)>>(
    context: &OperatorContext,
    pipe: &P,
) -> Result<Records<K, Vec<V>>, BatchError> {
    by_lane(context, shuffle(context, pipe)?, |lane| {
        let mut table = OrderedTable::new();
        for Routed { hash, key, value } in lane {
            let position = table.insert(hash, key, Vec::new);
            table.value_mut(position).push(value);
        }
        table.into_records()
    })
}

/// Values combined by one associative function of two values.
pub(crate) struct Reduce<F>(pub(crate) F);

// The value is `None` only while the function holds it.
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
    context: &OperatorContext,
    pipe: &P,
    reducer: &Reduce<F>,
) -> Result<Records<K, V>, BatchError>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(V, V) -> V + Send + Sync,
{
    let reduced = combine(context, pipe, reducer)?.into_iter();
    let present = |(key, value): (K, Option<V>)| value.map(|value| (key, value));
    Ok(reduced
        .map(|records| records.into_iter().filter_map(present).collect())
        .collect())
}

/// Values combined by three functions.
pub(crate) struct Three<A, B, C> {
    pub(crate) create: A,
    pub(crate) add: B,
    pub(crate) merge: C,
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

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// The values of each key of a batch combined by an associative `f`.
    ///
    /// Values are combined within their partition before they are sent, a few thousand keys at a
    /// time, as long as that leaves at most half of them.
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
        let parents = vec![self.operator];
        self.ctx
            .wide("reduce_by_key", parents, self.slide, move |context| {
                reduce_by_key(context, &pipe, &reducer)
            })
    }

    /// The values of each key of a batch combined into a value of another type: `create` from the
    /// first value, `add` for those that follow it in its partition, `merge` for what was combined
    /// separately.
    ///
    /// Which values are combined separately is unspecified; it does not depend on the threads.
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
        let pipe = self.pipe.clone();
        let combiner = Three { create, add, merge };
        let parents = vec![self.operator];
        self.ctx
            .wide("combine_by_key", parents, self.slide, move |context| {
                combine(context, &pipe, &combiner)
            })
    }

    /// All values of each key of a batch, in order of arrival.
    ///
    /// Every value is sent and kept; where they are combined afterwards,
    /// [`reduce_by_key`](Self::reduce_by_key) and [`combine_by_key`](Self::combine_by_key) are
    /// cheaper.
    #[must_use]
    pub fn group_by_key(&self) -> DStream<'c, (K, Vec<V>)> {
        let pipe = self.pipe.clone();
        let parents = vec![self.operator];
        self.ctx
            .wide("group_by_key", parents, self.slide, move |context| {
                group(context, &pipe)
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
