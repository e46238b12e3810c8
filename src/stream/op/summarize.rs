//! Summaries of batches, and one summary per key.

use std::boxed::Box;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use crate::random::DefaultRng;
use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::exchange::{Inbox, Routed};
use crate::stream::op::arrivals::{Arrivals, Known, send_to_states};
use crate::stream::op::facets::{has_state, keeps_store};
use crate::stream::op::state::StateRows;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::stateful::Stateful;
use crate::stream::state::store::StateStore;
use crate::stream::state::table::Table;
use crate::stream::threads::blame::blame;
use crate::summary::Summary;

/// One summary per partition, merged in the order of the partitions; `None` without partitions.
pub(crate) fn summarize<P, S, F>(
    context: &OperatorContext,
    pipe: &P,
    make: &F,
) -> Result<Option<S>, BatchError>
where
    P: Pipe,
    S: Summary<Item = P::Item> + Send,
    F: Fn(DefaultRng) -> S + Sync,
{
    let (operator, time) = (context.operator, context.time.as_millis());
    let parts = context.run(pipe, |task| {
        let rng = context
            .job
            .seed
            .partition_rng(operator, task.partition as u32, time);
        let mut summary = blame(operator, || make(rng));
        pipe.run(task, &mut |item| blame(operator, || summary.update(item)));
        summary
    })?;
    context.guard(None, || S::merge_all(parts))
}

struct SummaryOperator<P, K, S, F> {
    pipe: P,
    store: Arc<StateStore<K, S>>,
    make: F,
}

impl<P, K, S, F> SummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary,
    F: Fn(DefaultRng) -> S,
{
    /// Offers the values of a key group to the summaries of their keys.
    fn update(
        &self,
        context: &OperatorContext,
        table: &mut Table<K, S>,
        known: Inbox<Known<S::Item>>,
        new: Inbox<Routed<K, S::Item>>,
    ) {
        for record in known {
            if let Some(summary) = table.value_mut(record.position as usize) {
                summary.update(record.value);
            }
        }
        for Routed { hash, key, value } in new {
            let time = context.time.as_millis();
            let rng = || context.job.seed.key_rng(context.operator, hash, time);
            let position = table.insert(hash, key, || Some((self.make)(rng())));
            if let Some(summary) = table.value_mut(position) {
                summary.update(value);
            }
        }
    }
}

impl<K, S, P, F> Operator for SummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    P: Pipe<Item = (K, S::Item)>,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let arrivals = send_to_states(context, &self.pipe, &self.store)?;
        let arrivals = arrivals.into_iter().enumerate().collect();
        let busy = |(_, arrivals): &(usize, Arrivals<_, _>)| !arrivals.is_empty();
        context.try_each(arrivals, busy, |_, (partition, arrivals)| {
            let mut state = self.store.write(partition);
            let known = arrivals.known.into_groups().into_iter();
            let groups = known.zip(arrivals.new.into_groups());
            for (at, (known, new)) in groups.enumerate() {
                if !(known.is_empty() && new.is_empty()) {
                    self.update(context, state.fetch(at)?, known, new);
                    state.spill_if_full(at)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    has_state!();
}

impl<K, S, P, F> Stateful for SummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    P: Pipe<Item = (K, S::Item)>,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    keeps_store!(stateful);
}

impl<K, S, P, F> Durable for SummaryOperator<P, K, S, F>
where
    K: Key,
    S: Summary<Item: Data> + Data,
    P: Pipe<Item = (K, S::Item)>,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    keeps_store!(durable);
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// One summary of each batch: a summary per partition, filled in parallel, then merged in the
    /// order of the partitions. Always exactly one item, also for an empty batch.
    ///
    /// For samplers use [`summarize_with_rng`](Self::summarize_with_rng): samplers that share a
    /// seed have correlated samples.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # use forebay::frequent::MisraGries;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let words = ctx.batches([vec!["ebb", "flow", "ebb"]]);
    /// let heavy = words.summarize(|| MisraGries::new(256));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summarize<S, F>(&self, make: F) -> DStream<'c, S>
    where
        S: Summary<Item = T> + Data,
        F: Fn() -> S + Send + Sync + 'static,
    {
        self.summarize_with_rng(move |_| make())
    }

    /// Like [`summarize`](Self::summarize), for summaries that draw random numbers: each gets a
    /// generator of its own, derived from the seed of the context, the operator, the partition and
    /// the batch time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # use forebay::sample::Reservoir;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let lines = ctx.batches([vec!["one", "two", "three"]]);
    /// let sample = lines.summarize_with_rng(|rng| Reservoir::with_rng(100, rng));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summarize_with_rng<S, F>(&self, make: F) -> DStream<'c, S>
    where
        S: Summary<Item = T> + Data,
        F: Fn(DefaultRng) -> S + Send + Sync + 'static,
    {
        let pipe = self.pipe.clone();
        let parents = vec![self.operator];
        self.ctx
            .wide("summarize", parents, self.slide, move |context| {
                let summary = summarize(context, &pipe, &make)?;
                Ok(vec![summary.into_iter().collect::<Vec<_>>()])
            })
    }
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Keeps one summary per key, over all batches.
    ///
    /// `make` is called once per key, with a generator derived from the seed of the context, the
    /// operator, the key and the batch in which the key first appeared; it does not depend on the
    /// number of partitions. The resulting stream holds every key with its summary.
    ///
    /// # Cost
    ///
    /// Proportional to the records of the batch: keys without new values are not touched. The
    /// summaries stay in place and are copied for consumers that ask for the pairs.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # use forebay::sample::Reservoir;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let logs = ctx.batches([vec![("ann", "GET /"), ("bob", "GET /a")]]);
    /// let samples = logs.summarize_by_key(|rng| Reservoir::with_rng(10, rng));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summarize_by_key<S, F>(&self, make: F) -> DStream<'c, (K, S), StateRows<K, S>>
    where
        S: Summary<Item = V> + Data,
        F: Fn(DefaultRng) -> S + Send + Sync + 'static,
    {
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        let operator = SummaryOperator {
            pipe: self.pipe.clone(),
            store: Arc::clone(&store),
            make,
        };
        let parents = vec![self.operator];
        let kind = "summarize_by_key";
        let operator = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, Box::new(operator));
        DStream::new(self.ctx, operator, self.slide, StateRows::new(store))
    }
}
