//! State per key whose function is called for every key in every batch.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;
use std::{fmt, mem, vec};

use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::{Data, Key};
use crate::stream::error::{BatchError, BoxError};
use crate::stream::exchange::{Inbox, Routed};
use crate::stream::op::arrivals::{Arrivals, Known, send_to_states};
use crate::stream::op::facets::{has_state, keeps_store};
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::stateful::Stateful;
use crate::stream::state::store::StateStore;
use crate::stream::state::table::Table;
use crate::stream::state::tables::GroupTables;
use crate::stream::time::BatchTime;

/// The pipeline of a stream of states: reads the tables in place, and copies what a consumer asks
/// for.
pub struct StateRows<K, S> {
    pub(crate) store: Arc<StateStore<K, S>>,
}

impl<K, S> StateRows<K, S> {
    pub(crate) fn new(store: Arc<StateStore<K, S>>) -> Self {
        Self { store }
    }
}

impl<K, S> Clone for StateRows<K, S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.store))
    }
}

impl<K, S> fmt::Debug for StateRows<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateRows").finish_non_exhaustive()
    }
}

impl<K: Data, S: Data> Pipe for StateRows<K, S> {
    type Item = (K, S);

    fn partitions(&self) -> usize {
        self.store.partitions()
    }

    fn input_len(&self, partition: usize) -> usize {
        self.store.read(partition).len()
    }

    #[inline]
    fn run<F: FnMut((K, S))>(&self, task: &PartitionContext, sink: &mut F) {
        let tables = self.store.read(task.partition);
        let each = |key: &K, state: &S| sink((key.clone(), state.clone()));
        tables
            .for_each(each)
            .unwrap_or_else(|error| task.fail_here(error));
    }

    fn count(&self, task: &PartitionContext) -> usize {
        self.store.read(task.partition).len()
    }
}

/// The end of a chain of values.
const END: u32 = u32::MAX;

/// A value of this batch and the position of the next one of the same key.
struct Link<V> {
    value: Option<V>,
    next: u32,
}

/// The values that came for one key in this batch, in order of arrival; none if the key is idle.
pub struct NewValues<'a, V> {
    links: &'a mut [Link<V>],
    next: u32,
}

impl<V> Iterator for NewValues<'_, V> {
    type Item = V;

    #[inline]
    fn next(&mut self) -> Option<V> {
        let link = self.links.get_mut(self.next as usize)?;
        self.next = link.next;
        link.value.take()
    }
}

impl<V> std::iter::FusedIterator for NewValues<'_, V> {}

impl<V> NewValues<'_, V> {
    /// Whether no value is left: at first, whether the key is idle in this batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == END
    }
}

impl<V> fmt::Debug for NewValues<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewValues")
            .field("is_empty", &self.is_empty())
            .finish_non_exhaustive()
    }
}

/// The values of one key group's batch, chained by key.
struct Chains<V> {
    links: Vec<Link<V>>,
    /// The first link of each entry of the table, [`END`] if it has none; empty if no key has new
    /// values.
    firsts: Vec<u32>,
}

impl<V> Chains<V> {
    /// Chains the values by key; new keys are added without a state. Values are linked from the
    /// last to the first, each before those of its key: no link is visited twice.
    ///
    /// # Panics
    ///
    /// If a key group receives 2^32 - 1 values in one batch.
    fn fill<K: Key, S>(
        &mut self,
        known: Inbox<Known<V>>,
        new: Inbox<Routed<K, V>>,
        table: &mut Table<K, S>,
    ) {
        self.links.clear();
        self.firsts.clear();
        let total = known.len() + new.len();
        assert!(total < END as usize, "too many values in one key group");
        if total == 0 {
            return;
        }
        self.links.reserve(total);
        let insert = |Routed { hash, key, value }| (table.insert(hash, key, || None), value);
        let new: Vec<_> = new.into_iter().map(insert).collect();
        self.firsts.resize(table.len(), END);
        let known = known.into_iter().rev();
        known.for_each(|record| self.prepend(record.position as usize, record.value));
        let new = new.into_iter().rev();
        new.for_each(|(position, value)| self.prepend(position, value));
    }

    #[inline]
    fn prepend(&mut self, position: usize, value: V) {
        let this = self.links.len() as u32;
        let next = mem::replace(&mut self.firsts[position], this);
        let value = Some(value);
        self.links.push(Link { value, next });
    }
}

/// Calls `f` for every key of a partition, in place; a key whose function returns `None` is
/// removed.
fn visit<K: Key, V, S: Data>(
    state: &mut GroupTables<K, S>,
    arrivals: Arrivals<K, V>,
    f: impl Fn(&K, NewValues<'_, V>, Option<S>) -> Option<S>,
) -> Result<(), BoxError> {
    let (links, firsts) = (Vec::new(), Vec::new());
    let mut chained = Chains { links, firsts };
    let known = arrivals.known.into_groups().into_iter();
    let groups = known.zip(arrivals.new.into_groups());
    for (at, (known, new)) in groups.enumerate() {
        if state.keys_of(at) == 0 && new.is_empty() {
            continue;
        }
        let table = state.fetch(at)?;
        chained.fill(known, new, table);
        let links = &mut chained.links;
        let mut firsts = chained.firsts.iter();
        table.retain(|key, state| {
            let next = firsts.next().copied().unwrap_or(END);
            let new = NewValues { links, next };
            *state = f(key, new, state.take());
            state.is_some()
        });
        state.spill_if_full(at)?;
    }
    Ok(())
}

struct UpdateOperator<P, K, S, F> {
    pipe: P,
    store: Arc<StateStore<K, S>>,
    update: F,
}

impl<K, V, S, P, F> Operator for UpdateOperator<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(BatchTime, &K, NewValues<'_, V>, Option<S>) -> Option<S> + Send + Sync,
{
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let arrivals = send_to_states(context, &self.pipe, &self.store)?;
        let busy = |(partition, arrivals): &(usize, Arrivals<_, _>)| {
            !arrivals.is_empty() || self.store.read(*partition).len() > 0
        };
        let arrivals = arrivals.into_iter().enumerate().collect();
        context.try_each(arrivals, busy, |task, (partition, arrivals)| {
            let mut state = self.store.write(partition);
            visit(&mut state, arrivals, |key, new, old| {
                (self.update)(task.time, key, new, old)
            })
        })?;
        Ok(())
    }

    has_state!();
}

impl<K, V, S, P, F> Stateful for UpdateOperator<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(BatchTime, &K, NewValues<'_, V>, Option<S>) -> Option<S> + Send + Sync,
{
    keeps_store!(stateful);
}

impl<K, V, S, P, F> Durable for UpdateOperator<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(BatchTime, &K, NewValues<'_, V>, Option<S>) -> Option<S> + Send + Sync,
{
    keeps_store!(durable);
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Keeps a state per key, and calls `f` once per batch for *every* key that has a state or
    /// new values: with the key, the new values in order of arrival, and the state so far.
    ///
    /// `None` removes the key; if it comes back, it starts without a state. The resulting stream
    /// holds the complete state after each batch.
    ///
    /// # Cost
    ///
    /// Proportional to the number of keys, idle ones included: a few nanoseconds for each idle key.
    /// The states stay in place; the resulting stream reads them there, and copies them only for
    /// consumers that ask for the pairs (its
    /// [`count`](DStream::count) does not).
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let words = ctx.batches([vec!["ebb", "flow"], vec!["ebb"]]);
    /// let counts = words
    ///     .map(|w| (w, 1u64))
    ///     .update_state_by_key(|_word, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_state_by_key<S, F>(&self, f: F) -> DStream<'c, (K, S), StateRows<K, S>>
    where
        S: Data,
        F: Fn(&K, NewValues<'_, V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    {
        self.update_state_by_key_with([], move |_, key, new, old| f(key, new, old))
    }

    /// Like [`update_state_by_key`](Self::update_state_by_key), with initial states and the batch
    /// time as an argument.
    ///
    /// The keys of `initial` are visited in the first batch even without new values. Of two initial
    /// states of one key the later one counts.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let users = ctx.batches([vec!["ann", "bob"], vec!["ann"]]);
    /// // Drops users who were not seen for a minute.
    /// let last_seen = users
    ///     .map(|user| (user, ()))
    ///     .update_state_by_key_with([("eve", 0)], |time, _user, new, old| {
    ///         let seen = if new.is_empty() { old? } else { time.as_millis() };
    ///         (time.as_millis() - seen < 60_000).then_some(seen)
    ///     });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_state_by_key_with<S, F>(
        &self,
        initial: impl IntoIterator<Item = (K, S)>,
        f: F,
    ) -> DStream<'c, (K, S), StateRows<K, S>>
    where
        S: Data,
        F: Fn(BatchTime, &K, NewValues<'_, V>, Option<S>) -> Option<S> + Send + Sync + 'static,
    {
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        for (key, state) in initial {
            let set = store.set(key, state);
            set.expect("a store that was just made has nothing to read back");
        }
        let operator = UpdateOperator {
            pipe: self.pipe.clone(),
            store: Arc::clone(&store),
            update: f,
        };
        let parents = vec![self.operator];
        let kind = "update_state_by_key";
        let operator = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, Box::new(operator));
        DStream::new(self.ctx, operator, self.slide, StateRows::new(store))
    }
}
