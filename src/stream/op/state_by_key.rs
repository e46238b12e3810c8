//! State per key of which a batch touches only its own keys.

use std::boxed::Box;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

#[cfg(feature = "checkpoint")]
use crate::stream::checkpoint::{Codecs, Mark, Part, Refusal};
use crate::stream::dstream::DStream;
use crate::stream::error::BatchError;
use crate::stream::exchange::{KeyedInbox, Routed};
use crate::stream::executor::{Scope, Step, blame, lock};
use crate::stream::graph::{Node, Role};
use crate::stream::metrics::StateSize;
use crate::stream::op::arrivals::{BLOCK, likely};
use crate::stream::op::by_key::shuffle;
use crate::stream::pipe::{Materialized, Pipe, StateRows};
use crate::stream::slot::{Slot, shared};
use crate::stream::state::{Boundary, Expiry, GroupTables, SharedExpiry, StateStore};
#[cfg(feature = "checkpoint")]
use crate::stream::state::{mark_expiring, recover_expiring};
use crate::stream::time::BatchTime;
use crate::stream::{Data, Key};

/// The state of one key, as the function of [`state_by_key`](DStream::state_by_key) sees it.
#[derive(Debug)]
pub struct State<S> {
    value: Option<S>,
    timing_out: bool,
}

impl<S> State<S> {
    /// Whether the key has a state.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.value.is_some()
    }

    /// The state. Reading does not create one.
    #[must_use]
    pub fn get(&self) -> Option<&S> {
        self.value.as_ref()
    }

    /// The state, to be changed in place.
    pub fn get_mut(&mut self) -> Option<&mut S> {
        self.value.as_mut()
    }

    /// Sets the state. While the key is timing out it has no effect: the key goes.
    pub fn update(&mut self, value: S) {
        if !self.timing_out {
            self.value = Some(value);
        }
    }

    /// Removes the state and returns it. A later record of the key starts without one.
    pub fn remove(&mut self) -> Option<S> {
        self.value.take()
    }

    /// Whether this is the last call for the key, because it was idle for too long.
    #[must_use]
    pub fn is_timing_out(&self) -> bool {
        self.timing_out
    }
}

/// What [`state_by_key`](DStream::state_by_key) shall do: a function, perhaps states to begin
/// with, perhaps a time-out.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use forebay::stream::StateSpec;
/// # use forebay::stream::StreamingContext;
/// # let ctx = StreamingContext::builder("doc").build()?;
/// # let visits = ctx.batches([vec![("ann", "/"), ("bob", "/a")]]);
///
/// // The length of each visitor's session, when it ends.
/// let sessions = visits.state_by_key(
///     StateSpec::new(|_time, visitor: &&str, page: Option<&str>, pages: &mut _| match page {
///         Some(_) => {
///             let seen = pages.get().copied().unwrap_or(0);
///             pages.update(seen + 1);
///             None
///         }
///         None => pages.get().map(|pages: &u32| (*visitor, *pages)),
///     })
///     .timeout(Duration::from_secs(1_800)),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StateSpec<K, V, S, F> {
    function: F,
    initial: Vec<(K, S)>,
    /// Milliseconds.
    timeout: Option<u64>,
    value: PhantomData<fn(V)>,
}

impl<K, V, S, I, F> StateSpec<K, V, S, F>
where
    F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
{
    /// A function of the batch time, the key, the value of a record, and the key's state; it
    /// returns the items to be emitted. The value is `None` when the key is timing out.
    pub fn new(function: F) -> Self {
        Self {
            function,
            initial: Vec::new(),
            timeout: None,
            value: PhantomData,
        }
    }

    /// States to begin with; they count as touched in the first batch. Of two states of one key
    /// the later counts.
    #[must_use]
    pub fn initial(mut self, states: impl IntoIterator<Item = (K, S)>) -> Self {
        self.initial.extend(states);
        self
    }

    /// Lets a key go when its last record is more than `timeout` ago.
    ///
    /// Checked in every batch after its records, so a record saves its key. The function is called
    /// once more, without a value.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout.as_millis() as u64);
        self
    }
}

impl<K, V, S, F> fmt::Debug for StateSpec<K, V, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateSpec")
            .field("initial", &self.initial.len())
            .field("timeout", &self.timeout.map(Duration::from_millis))
            .finish_non_exhaustive()
    }
}

/// The pipeline of [`state_by_key`](DStream::state_by_key): what the function emitted, and a way
/// to the states behind it.
pub struct Emitted<K, S, U> {
    emitted: Materialized<U>,
    states: StateRows<K, S>,
}

impl<K, S, U: Clone> Clone for Emitted<K, S, U> {
    fn clone(&self) -> Self {
        Self {
            emitted: self.emitted.clone(),
            states: self.states.clone(),
        }
    }
}

impl<K, S, U> fmt::Debug for Emitted<K, S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitted").finish_non_exhaustive()
    }
}

impl<K: Data, S: Data, U: Data> Pipe for Emitted<K, S, U> {
    type Item = U;

    fn partitions(&self) -> usize {
        self.emitted.partitions()
    }

    fn weight(&self, partition: usize) -> usize {
        self.emitted.weight(partition)
    }

    #[inline]
    fn run<F: FnMut(U)>(&self, scope: &Scope, sink: &mut F) {
        self.emitted.run(scope, sink);
    }

    fn collect(&self, scope: &Scope) -> Arc<Vec<U>> {
        self.emitted.collect(scope)
    }

    fn count(&self, scope: &Scope) -> usize {
        self.emitted.count(scope)
    }
}

impl<'c, K: Key, S: Data, U: Data> DStream<'c, U, Emitted<K, S, U>> {
    /// All keys with their states after each batch, whether touched in it or not.
    ///
    /// The states are read where they are and copied for consumers that ask for the pairs.
    #[must_use]
    pub fn snapshots(&self) -> DStream<'c, (K, S), StateRows<K, S>> {
        DStream::new(self.ctx, self.node, self.slide, self.pipe.states.clone())
    }
}

/// One partition's tables and expiry index while a batch runs.
struct Partition<'a, K, S> {
    tables: &'a mut GroupTables<K, S>,
    /// Absent without a time-out.
    expiry: Option<&'a mut Expiry>,
}

impl<K: Key, S: Data> Partition<'_, K, S> {
    fn remove(&mut self, table: usize, position: usize) {
        self.tables.table_mut(table).swap_remove(position);
        if let Some(expiry) = &mut self.expiry {
            expiry.swap_remove(table, position);
        }
    }

    fn touch(&mut self, table: usize, position: usize, hash: u64, now: BatchTime) {
        if let Some(expiry) = &mut self.expiry {
            expiry.touch(table, position, hash, now);
        }
    }

    /// One call of the function for each record, in order.
    fn update_all<V, I: IntoIterator>(
        &mut self,
        time: BatchTime,
        records: impl IntoIterator<Item = Routed<K, V>>,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
        emitted: &mut Vec<I::Item>,
    ) {
        let mut records = records.into_iter();
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            block.extend(records.by_ref().take(BLOCK));
            if block.is_empty() {
                return;
            }
            let likely = likely(&block, |hash| self.tables.table(self.tables.table_of(hash)));
            for (record, likely) in block.drain(..).zip(likely) {
                emitted.extend(self.update(time, record, likely, &f));
            }
        }
    }

    /// One call of the function for one record, whose key is likely to be at a position.
    fn update<V, I>(
        &mut self,
        time: BatchTime,
        Routed { hash, key, value }: Routed<K, V>,
        likely: Option<usize>,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> I {
        let at = self.tables.table_of(hash);
        let table = self.tables.table_mut(at);
        let known = table.find_near(likely, hash, &key);
        let held = known.and_then(|position| table.value_mut(position).take());
        let mut state = State {
            value: held,
            timing_out: false,
        };
        let emitted = f(time, &key, Some(value), &mut state);
        match (known, state.value) {
            (Some(position), None) => self.remove(at, position),
            (Some(position), kept) => {
                *table.value_mut(position) = kept;
                self.touch(at, position, hash, time);
            }
            (None, None) => {}
            (None, made) => {
                let position = table.push_new(hash, key, made);
                self.touch(at, position, hash, time);
            }
        }
        emitted
    }

    /// The last call for the next key last touched before `threshold`.
    fn expire<V, I>(
        &mut self,
        time: BatchTime,
        threshold: BatchTime,
        f: impl Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
    ) -> Option<I> {
        let expiry = self.expiry.as_deref_mut()?;
        let (table, position) = expiry.next_due(threshold, self.tables)?;
        let entries = self.tables.table_mut(table);
        let mut state = State {
            value: entries.value_mut(position).take(),
            timing_out: true,
        };
        let emitted = f(time, &entries.entries()[position].key, None, &mut state);
        self.remove(table, position);
        Some(emitted)
    }
}

struct StateNode<P, K, V, S, F, U> {
    pipe: P,
    spec: StateSpec<K, V, S, F>,
    store: Arc<StateStore<K, S>>,
    /// By partition; used only with a time-out.
    expiry: Vec<SharedExpiry>,
    slot: Arc<Slot<U>>,
    saved: Saved<K, S>,
}

/// What a node keeps of itself besides its tables: the states it has not begun with, and the
/// expiry indices.
type Saved<K, S> = (Vec<(K, S)>, Vec<Arc<Expiry>>);

impl<P, K, V, S, F, U> StateNode<P, K, V, S, F, U>
where
    K: Key,
    S: Data,
{
    /// Enters the initial states, touched now.
    fn begin(&mut self, step: &Step) {
        for (key, state) in std::mem::take(&mut self.spec.initial) {
            let (partition, at, position, hash) = self.store.set(key, state);
            if self.spec.timeout.is_some() {
                let mut expiry = lock(&self.expiry[partition]);
                Arc::make_mut(&mut expiry).touch(at, position, hash, step.time);
            }
        }
    }
}

impl<P, K, V, S, F, I> Node for StateNode<P, K, V, S, F, I::Item>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item: Data>,
    F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I + Send + Sync,
{
    fn connect(&mut self, consumers: usize) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        self.begin(step);
        let timeout = self.spec.timeout;
        let threshold = timeout.map(|t| step.time.as_millis().saturating_sub(t));
        let inboxes: Vec<_> = shuffle(step, &self.pipe)?.into_iter().enumerate().collect();
        let busy = |(_, inbox): &(usize, KeyedInbox<_>)| !inbox.is_empty();
        let emitted = step.each(inboxes, busy, |scope, (partition, inbox)| {
            let mut tables = self.store.write(partition);
            let mut expiry = lock(&self.expiry[partition]);
            let mut state = Partition {
                tables: &mut tables,
                expiry: timeout.map(|_| Arc::make_mut(&mut expiry)),
            };
            let mut emitted = Vec::new();
            let f = &self.spec.function;
            blame(step.node, || {
                state.update_all(scope.time, inbox, f, &mut emitted);
            });
            let threshold = BatchTime::from_millis(threshold.unwrap_or(0));
            while let Some(last) = blame(step.node, || state.expire(scope.time, threshold, f)) {
                emitted.extend(last);
            }
            emitted
        })?;
        self.slot.fill(shared(emitted));
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn save(&mut self) {
        self.store.save();
        let expiry = self.expiry.iter().map(|expiry| Arc::clone(&lock(expiry)));
        self.saved = (self.spec.initial.clone(), expiry.collect());
    }

    fn restore(&mut self) {
        self.store.restore();
        let (initial, expiry) = std::mem::take(&mut self.saved);
        self.spec.initial = initial;
        self.expiry = expiry.into_iter().map(std::sync::Mutex::new).collect();
    }

    #[cfg(feature = "checkpoint")]
    fn mark(&self, codecs: &Codecs) -> Result<Mark, Refusal> {
        match self.spec.timeout {
            None => self.store.mark(codecs),
            Some(_) => mark_expiring(&self.store, &self.expiry, codecs),
        }
    }

    #[cfg(feature = "checkpoint")]
    fn recover(&mut self, codecs: &Codecs, part: &Part) -> Result<(), Refusal> {
        self.spec.initial.clear();
        match self.spec.timeout {
            None => self.store.recover(codecs, part)?,
            Some(_) => self.expiry = recover_expiring(&self.store, codecs, part)?,
        }
        Ok(())
    }

    fn boundary(&mut self, boundary: Boundary) {
        self.store.pass(boundary);
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }

    fn state(&self) -> Option<StateSize> {
        Some(self.store.size())
    }
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Keeps a state per key and calls the function of `spec` once per record, in order of
    /// arrival; idle keys are not touched.
    ///
    /// The resulting stream holds what the function emitted; its
    /// [`snapshots`](DStream::snapshots) hold all states. After Spark's `mapWithState`.
    ///
    /// # Cost
    ///
    /// Follows the records of the batch and the keys that time out in it, whatever the number of
    /// known keys. With a time-out every touch is remembered for as long, at 16 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::{State, StateSpec};
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let payments = ctx.batches([vec![("ann", 3u64), ("bob", 4), ("ann", 5)]]);
    /// let balances = payments.state_by_key(StateSpec::new(
    ///     |_time, account: &&'static str, amount: Option<u64>, balance: &mut State<u64>| {
    ///         let new = balance.get().copied().unwrap_or(0) + amount?;
    ///         balance.update(new);
    ///         Some((*account, new))
    ///     },
    /// ));
    /// let everyone = balances.snapshots();
    /// # let _ = everyone;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn state_by_key<S, I, F>(
        &self,
        spec: StateSpec<K, V, S, F>,
    ) -> DStream<'c, I::Item, Emitted<K, S, I::Item>>
    where
        S: Data,
        I: IntoIterator<Item: Data>,
        F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I + Send + Sync + 'static,
    {
        let routing = self.ctx.settings().routing;
        let store = Arc::new(StateStore::new(routing));
        let slot = Slot::new();
        let pipe = Emitted {
            emitted: Materialized {
                slot: Arc::clone(&slot),
            },
            states: StateRows::new(Arc::clone(&store)),
        };
        let node = StateNode {
            pipe: self.pipe.clone(),
            spec,
            store,
            expiry: (0..routing.partitions)
                .map(|_| Default::default())
                .collect(),
            slot,
            saved: Saved::default(),
        };
        let parents = vec![self.node];
        let node = self
            .ctx
            .add(Role::Stream, "state_by_key", parents, self.slide, |_| {
                Box::new(node)
            });
        DStream::new(self.ctx, node, self.slide, pipe)
    }
}
