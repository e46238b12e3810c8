//! Summaries of windows, one per key.

// A fused pipeline is its type.
#![allow(clippy::type_complexity)]

use std::boxed::Box;
use std::sync::Arc;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use crate::random::DefaultRng;
use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::exchange::{KeyedInbox, Routed};
use crate::stream::op::by_key::shuffle;
use crate::stream::op::facets::{has_state, keeps_store_and_panes};
use crate::stream::op::panes::Panes;
use crate::stream::op::state::StateRows;
use crate::stream::op::state_view::StateView;
use crate::stream::op::two_stacks::TwoStacks;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, to_partitions};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::{Codec, Codecs};
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, put_panes, take_panes, used_up};
use crate::stream::state::stateful::Stateful;
use crate::stream::state::store::StateStore;
use crate::stream::state::table::OrderedTable;
use crate::stream::time::{BatchTime, DurationError, multiple_of};
use crate::summary::Summary;

/// The keys of one batch with their hashes.
type Touched<K> = Partitions<(u64, K)>;

struct WindowSummaryOperator<P, K, S, F> {
    pipe: P,
    make: F,
    store: Arc<StateStore<K, TwoStacks<S>>>,
    /// Which keys the batches of the window have.
    panes: Panes<Touched<K>>,
    /// Milliseconds.
    window: u64,
}

impl<P, K, S, F> WindowSummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    /// Adds the records of a partition and returns its keys.
    fn arrive(
        &self,
        context: &OperatorContext,
        partition: usize,
        inbox: KeyedInbox<Routed<K, S::Item>>,
    ) -> Vec<(u64, K)> {
        let time = context.time.as_millis();
        let mut batch = OrderedTable::new();
        for Routed { hash, key, value } in inbox {
            let make = || (self.make)(context.job.seed.key_rng(context.operator, hash, time));
            let position = batch.insert(hash, key, make);
            batch.value_mut(position).update(value);
        }
        let mut state = self.store.write(partition);
        let mut keys = Vec::with_capacity(batch.len());
        for entry in batch.into_entries() {
            let hash = entry.hash();
            let at = state.table_of(hash);
            let table = state.table_mut(at);
            let position = table.insert(hash, entry.key.clone(), || None);
            let stacks = table.value_mut(position).get_or_insert_with(TwoStacks::new);
            stacks.push(context.time, entry.value);
            keys.push((hash, entry.key));
        }
        keys
    }

    /// Removes a batch that has left the window from the summaries of its keys.
    fn leave(&self, partition: usize, keys: &[(u64, K)], oldest: BatchTime) {
        let mut state = self.store.write(partition);
        for (hash, key) in keys {
            let at = state.table_of(*hash);
            let table = state.table_mut(at);
            let Some(position) = table.find(*hash, key) else {
                continue;
            };
            let stacks = table.value_mut(position);
            if let Some(stacks) = stacks {
                stacks.evict(oldest);
            }
            if stacks.as_ref().is_none_or(TwoStacks::is_empty) {
                table.swap_remove(position);
            }
        }
    }
}

impl<P, K, S, F> Operator for WindowSummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    P: Pipe<Item = (K, S::Item)>,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let oldest = context.time.as_millis().saturating_sub(self.window);
        let oldest = BatchTime::from_millis(oldest);
        let leaving = self.panes.leave(oldest);
        let inboxes: Vec<_> = shuffle(context, &self.pipe)?
            .into_iter()
            .enumerate()
            .collect();
        let busy = |(partition, inbox): &(usize, KeyedInbox<_>)| {
            !inbox.is_empty() || leaving.iter().any(|pane| !pane[*partition].is_empty())
        };
        let touched = context.each(inboxes, busy, |_, (partition, inbox)| {
            for pane in &leaving {
                self.leave(partition, &pane[partition], oldest);
            }
            Arc::new(self.arrive(context, partition, inbox))
        })?;
        self.panes.push(context.time, touched);
        Ok(())
    }

    has_state!();
}

impl<P, K, S, F> Stateful for WindowSummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    P: Pipe<Item = (K, S::Item)>,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    keeps_store_and_panes!();
}

impl<P, K, S, F> Durable for WindowSummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    P: Pipe<Item = (K, S::Item)>,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        let key = codecs.get::<K>()?;
        let (panes, touched) = (self.panes.clone(), touched(key));
        let snapshot = self
            .store
            .snapshot_by(key, &TwoStacks::codec(codecs.get()?));
        Ok(snapshot.with_unkeyed(move |out| {
            let panes = panes.iter().map(|(time, partitions)| {
                let partitions = partitions.iter().map(|keys| keys.as_slice());
                (*time, partitions)
            });
            put_panes(&touched, panes, out)
        }))
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let key = codecs.get::<K>()?;
        let stacks = TwoStacks::codec(codecs.get()?);
        self.store.recover_by(key, &stacks, saved)?;
        let mut buffer = Vec::new();
        let mut bytes = saved.whole(&mut buffer)?;
        let panes = take_panes(&touched(key), &mut bytes)?.into_iter();
        used_up(bytes)?;
        let dealt = panes.map(|(time, keys)| {
            let keys = keys.into_iter().flatten();
            let partitions = self.store.dealt(keys, |(_, key)| key);
            (time, to_partitions(partitions))
        });
        self.panes = dealt.collect();
        Ok(())
    }
}

/// The codec of keys with their hashes, which are computed again.
fn touched<K: Key>(key: &Codec<K>) -> Codec<(u64, K)> {
    let (one, other) = (key.clone(), key.clone());
    Codec::new(
        key.name(),
        move |(_, key): &(u64, K), out| one.put(key, out),
        move |bytes| {
            let key = other.take(bytes)?;
            Ok((crate::hash::route(&key), key))
        },
    )
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// One summary of each window for each key that occurs in it.
    ///
    /// The keyed form of [`summarize_window`](DStream::summarize_window); generators are derived
    /// as for [`summarize_by_key`](Self::summarize_by_key), again for every batch.
    ///
    /// # Cost
    ///
    /// The cost follows the batches that enter and leave: at most two merges, amortised, for each
    /// key of a batch. Reading a window costs one merge for each of its keys.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// # use forebay::stream::StreamingContext;
    /// # use forebay::sample::Reservoir;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let logs = ctx.batches([vec![("ann", "GET /"), ("bob", "GET /a")]]);
    /// let second = Duration::from_secs(1);
    /// let sample = |rng| Reservoir::with_rng(10, rng);
    /// let samples = logs.summarize_by_key_and_window(60 * second, second, sample)?;
    /// # let _ = samples;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summarize_by_key_and_window<S, F>(
        &self,
        window: Duration,
        slide: Duration,
        make: F,
    ) -> Result<
        DStream<'c, (K, S), Shared<impl Pipe<Item = (K, S)> + use<K, V, S, F, P>>>,
        DurationError,
    >
    where
        S: Summary<Item = V> + Data,
        F: Fn(DefaultRng) -> S + Send + Sync + 'static,
    {
        let window = multiple_of(window, self.slide)?;
        let slide = multiple_of(slide, self.slide)?;
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        let operator = WindowSummaryOperator {
            pipe: self.pipe.clone(),
            make,
            store: Arc::clone(&store),
            panes: Panes::new(),
            window,
        };
        let parents = vec![self.operator];
        let kind = "summarize_by_key_and_window";
        let operator = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, Box::new(operator));
        let view = |operator| {
            StateView::new(
                StateRows::new(store),
                operator,
                |key: &K, stacks: &TwoStacks<S>| Some((key.clone(), stacks.query()?)),
            )
        };
        Ok(self.ctx.narrow("window_rows", vec![operator], slide, view))
    }
}
