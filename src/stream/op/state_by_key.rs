//! State per key that is updated only for the keys of a batch.

use std::boxed::Box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::vec::Vec;
use std::{fmt, vec};

use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::{Data, Key};
use crate::stream::error::{BatchError, BoxError};
use crate::stream::exchange::KeyedInbox;
use crate::stream::op::emitted::Emitted;
use crate::stream::op::facets::has_state;
use crate::stream::op::idle_clock::IdleClock;
use crate::stream::op::key_state::State;
use crate::stream::op::state::StateRows;
use crate::stream::op::state_partition::{Partition, Touches};
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Slot, to_partitions};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::{Codecs, put, take};
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::phase::BatchPhase;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, used_up};
use crate::stream::state::size::StateSize;
use crate::stream::state::spill::SpillManager;
use crate::stream::state::stateful::Stateful;
use crate::stream::state::store::StateStore;
use crate::stream::threads::blame::blame;
use crate::stream::time::{BatchTime, millis_rounded_up};

/// The specification of [`state_by_key`](DStream::state_by_key): a function, and optionally initial
/// states and a time-out.
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
    /// The clock of the time-out.
    clock: IdleClock<K, V>,
    /// How far the clock may be ahead of batch time, in milliseconds.
    ahead: u64,
}

impl<K, V, S, I, F> StateSpec<K, V, S, F>
where
    F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I,
{
    /// A function of the batch time, the key, the value of a record, and the state of the key; it
    /// returns the items to emit. The value is `None` when the key is timing out.
    pub fn new(function: F) -> Self {
        Self {
            function,
            initial: Vec::new(),
            timeout: None,
            clock: IdleClock::BatchTime,
            ahead: u64::MAX,
        }
    }

    /// Initial states; they count as touched in the first batch. Of two states of one key the later
    /// one counts.
    #[must_use]
    pub fn initial(mut self, states: impl IntoIterator<Item = (K, S)>) -> Self {
        self.initial.extend(states);
        self
    }

    /// Removes a key when its last record is more than `timeout` ago, rounded up to whole
    /// milliseconds.
    ///
    /// Checked in every batch after its records, so a record keeps its key. The function is called
    /// a last time without a value: by key group, and within one for those idle for longest first.
    ///
    /// # Panics
    ///
    /// If `timeout` is more than 2^64 - 1 milliseconds, which is 584 million years.
    #[must_use]
    #[track_caller]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        let millis = millis_rounded_up(timeout);
        self.timeout = Some(millis.expect("a time-out is less than 2^64 milliseconds"));
        self
    }

    /// Counts the [`timeout`](Self::timeout) by event time instead of batch time: every batch
    /// touches its keys at the latest event time of all records so far, its own among them.
    ///
    /// So the clock stands still while no record is later than those before, and a late record
    /// touches its key like any other.
    ///
    /// One record with a time in the far future moves the clock there for good: all other keys time
    /// out at once, and none ever again. Where records may have such times, bound the clock with
    /// [`at_most_ahead`](Self::at_most_ahead).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use forebay::stream::{BatchTime, State, StateSpec};
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let visits = ctx.batches([vec![("ann", 0u64), ("bob", 40_000)], vec![("bob", 110_000)]]);
    ///
    /// // Visitors who are idle for a minute of the time in the log.
    /// let gone = StateSpec::new(|_, who: &&'static str, seen: Option<u64>, last: &mut State<u64>| {
    ///     match seen {
    ///         Some(seen) => {
    ///             last.update(seen);
    ///             None
    ///         }
    ///         None => Some(*who),
    ///     }
    /// });
    /// let gone = gone
    ///     .timeout(Duration::from_secs(60))
    ///     .by_event_time(|_, seen| BatchTime::from_millis(*seen));
    /// visits.state_by_key(gone).for_each_batch(|gone, time| {
    ///     let expected = if time.as_millis() == 2_000 { vec!["ann"] } else { vec![] };
    ///     assert_eq!(gone.into_vec(), expected);
    ///     Ok(())
    /// });
    /// # ctx.into_driver()?.run_to_end()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn by_event_time(
        mut self,
        event_time: impl Fn(&K, &V) -> BatchTime + Send + Sync + 'static,
    ) -> Self {
        self.clock = IdleClock::EventTime(Arc::new(event_time));
        self
    }

    /// Keeps the clock of the time-out at most so far ahead of batch time, whatever event times or a
    /// clock of the caller say: a later time counts as batch time plus `ahead`, which is rounded up
    /// to milliseconds.
    ///
    /// It suits event times and batch times of the same origin, as those of the wall clock are. A
    /// wrong time then moves the clock by `ahead` at most, and it goes on once batch time has caught
    /// up. While batches of the past are caught up with, records can be ahead of their batch: keys
    /// then time out as much later. It is to be set from the first run on, since a clock that has
    /// run ahead does not go back, not even by way of a checkpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use forebay::stream::{BatchTime, State, StateSpec};
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let visits = ctx.batches([vec![("ann", 500u64)], vec![("bob", u64::MAX)]]);
    ///
    /// // The clock of bob's device is wrong. That lets go of nobody who was here a minute ago.
    /// let gone = StateSpec::new(|_, who: &&'static str, seen: Option<u64>, last: &mut State<u64>| {
    ///     match seen {
    ///         Some(seen) => {
    ///             last.update(seen);
    ///             None
    ///         }
    ///         None => Some(*who),
    ///     }
    /// });
    /// let gone = gone
    ///     .timeout(Duration::from_secs(60))
    ///     .by_event_time(|_, seen| BatchTime::from_millis(*seen))
    ///     .at_most_ahead(Duration::from_secs(5));
    /// visits.state_by_key(gone).for_each_batch(|gone, _| {
    ///     assert!(gone.is_empty());
    ///     Ok(())
    /// });
    /// # ctx.into_driver()?.run_to_end()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn at_most_ahead(mut self, ahead: Duration) -> Self {
        self.ahead = millis_rounded_up(ahead).unwrap_or(u64::MAX);
        self
    }

    /// Measures the [`timeout`](Self::timeout) by a clock of the caller instead of batch time. It
    /// is called once for each batch, with the batch time; its time never decreases.
    ///
    /// Its last time is stored in checkpoints. A batch that runs again after a crash calls it
    /// again: the result is the same if the clock follows from the batch time.
    #[must_use]
    pub fn by_clock(
        mut self,
        clock: impl Fn(BatchTime) -> BatchTime + Send + Sync + 'static,
    ) -> Self {
        self.clock = IdleClock::Given(Box::new(clock));
        self
    }

    /// Counts the [`timeout`](Self::timeout) by processing time: the wall clock when a batch is
    /// run, in milliseconds since 1970, instead of batch time.
    ///
    /// The two differ when batches are late, especially after a recovery. The clock does not follow
    /// from the batch, so a key may be removed in another batch when batches run again.
    #[must_use]
    pub fn by_processing_time(self) -> Self {
        self.by_clock(|_| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            BatchTime::from_millis(since.unwrap_or_default().as_millis() as u64)
        })
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

struct StateOperator<P, K, V, S, F, U> {
    pipe: P,
    spec: StateSpec<K, V, S, F>,
    store: Arc<StateStore<K, S>>,
    /// The time of the last batch's touches; it never decreases.
    now: BatchTime,
    slot: Arc<Slot<U>>,
    saved: Saved<K, S>,
}

/// What the operator saves besides its tables: the initial states that were not entered yet, and
/// the last time of its clock.
struct Saved<K, S> {
    initial: Vec<(K, S)>,
    now: BatchTime,
}

impl<K, S> Default for Saved<K, S> {
    fn default() -> Self {
        Self {
            initial: Vec::new(),
            now: BatchTime::from_millis(0),
        }
    }
}

impl<P, K, V, S, F, U> StateOperator<P, K, V, S, F, U>
where
    K: Key,
    S: Data,
{
    /// Enters the initial states, touched now.
    fn begin(&mut self) -> Result<(), BoxError> {
        if self.spec.initial.is_empty() {
            return Ok(());
        }
        for (key, state) in std::mem::take(&mut self.spec.initial) {
            let (partition, at, position, hash) = self.store.set(key, state)?;
            if self.spec.timeout.is_some() {
                let mut tables = self.store.write(partition);
                tables.touch(at, position, hash, self.now);
            }
        }
        self.store.settle()
    }
}

impl<P, K, V, S, F, I> Operator for StateOperator<P, K, V, S, F, I::Item>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item: Data>,
    F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I + Send + Sync,
{
    fn connect(&mut self, consumers: usize, _job: &Arc<JobContext>) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let (inboxes, now) = self.spec.clock.shuffle(context, &self.pipe)?;
        let latest = context.time.as_millis().saturating_add(self.spec.ahead);
        self.now = self.now.max(now.min(BatchTime::from_millis(latest)));
        context.try_guard(None, || self.begin())?;
        let (now, timeout) = (self.now, self.spec.timeout);
        let threshold = now.as_millis().saturating_sub(timeout.unwrap_or(u64::MAX));
        let touches = Touches {
            now: timeout.map(|_| now),
            threshold: BatchTime::from_millis(threshold),
        };
        let inboxes: Vec<_> = inboxes.into_iter().enumerate().collect();
        let may_be_due = |partition: usize| {
            let tables = self.store.read(partition);
            (0..tables.groups()).any(|at| tables.may_be_due(at, touches.threshold))
        };
        let busy = |(partition, inbox): &(usize, KeyedInbox<_>)| {
            !inbox.is_empty() || may_be_due(*partition)
        };
        let emitted = context.try_each(inboxes, busy, |task, (partition, inbox)| {
            let mut tables = self.store.write(partition);
            let tables = &mut *tables;
            let mut state = Partition { tables, touches };
            let f = &self.spec.function;
            blame(context.operator, || {
                if state.tables.can_spill() {
                    return state.update_by_table(task.time, inbox, f);
                }
                let mut emitted = Vec::new();
                state.update_all(task.time, inbox, f, &mut emitted);
                state.expire_all(task.time, f, &mut emitted);
                Ok(emitted)
            })
        })?;
        self.slot.fill(to_partitions(emitted));
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }

    has_state!();
}

impl<P, K, V, S, F, I> Stateful for StateOperator<P, K, V, S, F, I::Item>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item: Data>,
    F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I + Send + Sync,
{
    fn save(&mut self) {
        self.store.save();
        self.saved = Saved {
            initial: self.spec.initial.clone(),
            now: self.now,
        };
    }

    fn roll_back(&mut self) {
        self.store.roll_back();
        let saved = std::mem::take(&mut self.saved);
        self.spec.initial = saved.initial;
        self.now = saved.now;
    }

    fn spill_to(&mut self, codecs: &Codecs, spill: &Arc<SpillManager>) -> Result<(), Refusal> {
        self.store.spill_to(codecs, spill)
    }

    fn enter_phase(&mut self, phase: BatchPhase) {
        self.store.enter_phase(phase);
    }

    fn size(&self) -> Option<StateSize> {
        Some(self.store.size())
    }
}

impl<P, K, V, S, F, I> Durable for StateOperator<P, K, V, S, F, I::Item>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item: Data>,
    F: Fn(BatchTime, &K, Option<V>, &mut State<S>) -> I + Send + Sync,
{
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        if self.spec.timeout.is_none() {
            return self.store.snapshot(codecs);
        }
        let clock = &self.spec.clock;
        let snapshot = self.store.snapshot_expiring(clock.name(), codecs)?;
        let now = self.now.as_millis();
        Ok(match clock.is_own() {
            false => snapshot,
            true => snapshot.with_unkeyed(move |out| put(&now, out)),
        })
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        self.spec.initial.clear();
        if self.spec.timeout.is_none() {
            return self.store.recover(codecs, saved);
        }
        let clock = &self.spec.clock;
        self.store.recover_expiring(clock.name(), codecs, saved)?;
        let mut buffer = Vec::new();
        let mut whole = saved.whole(&mut buffer)?;
        if clock.is_own() {
            self.now = BatchTime::from_millis(take(&mut whole)?);
        }
        Ok(used_up(whole)?)
    }
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Keeps a state per key and calls the function of `spec` once per record, in order of
    /// arrival; idle keys are not touched.
    ///
    /// The resulting stream holds the emitted items; its
    /// [`snapshots`](DStream::snapshots) hold all states. After Spark's `mapWithState`.
    ///
    /// # Cost
    ///
    /// Proportional to the records of the batch and the keys that time out in it, whatever the
    /// number of keys. With a time-out every touch takes 8 bytes until it expires.
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
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        let slot = Slot::new();
        let pipe = Emitted {
            emitted: Materialized {
                slot: Arc::clone(&slot),
            },
            states: StateRows::new(Arc::clone(&store)),
        };
        let operator = StateOperator {
            pipe: self.pipe.clone(),
            spec,
            store,
            now: BatchTime::from_millis(0),
            slot,
            saved: Saved::default(),
        };
        let parents = vec![self.operator];
        let operator = self.ctx.add(
            Role::Stream,
            "state_by_key",
            parents,
            self.slide,
            Box::new(operator),
        );
        DStream::new(self.ctx, operator, self.slide, pipe)
    }
}
