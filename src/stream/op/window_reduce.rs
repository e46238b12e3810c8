//! Reductions of a window, computed batch by batch.

use std::boxed::Box;
use std::sync::Arc;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::op::facets::{has_state, keeps_store_and_panes};
use crate::stream::op::panes::Panes;
use crate::stream::op::state::StateRows;
use crate::stream::op::state_view::StateView;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::Partitions;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::{Codec, Codecs, put, take};
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, put_panes, take_panes, used_up};
use crate::stream::state::stateful::Stateful;
use crate::stream::state::store::StateStore;
use crate::stream::state::tables::GroupTables;
use crate::stream::threads::blame::blame;
use crate::stream::time::{BatchTime, DurationError, multiple_of};

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// The number of items in each window: always exactly one item.
    ///
    /// Batches are counted once; a window adds the counts.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    pub fn count_by_window(
        &self,
        window: Duration,
        slide: Duration,
    ) -> Result<DStream<'c, u64>, DurationError> {
        let counts = self.count().window(window, slide)?;
        Ok(counts.reduce(|a, b| a + b).kind("count_by_window"))
    }

    /// The items of each window combined by an associative `f`: one item, none for an empty
    /// window.
    ///
    /// Batches are reduced once; a window combines their results.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    pub fn reduce_by_window<F>(
        &self,
        window: Duration,
        slide: Duration,
        f: F,
    ) -> Result<DStream<'c, T>, DurationError>
    where
        F: Fn(T, T) -> T + Clone + Send + Sync + 'static,
    {
        let reduced = self.reduce(f.clone()).window(window, slide)?;
        Ok(reduced.reduce(f).kind("reduce_by_window"))
    }
}

impl<'c, T: Key, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// How often each item occurs in each window; items that do not occur are absent.
    ///
    /// The cost follows the batches that enter and leave, not the window.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    pub fn count_by_value_and_window(
        &self,
        window: Duration,
        slide: Duration,
    ) -> Result<Incremental<'c, T, u64, impl Pipe<Item = (T, u64)> + use<T, P>>, DurationError>
    {
        let ones = self.map(|item| (item, 1));
        let counts =
            ones.reduce_by_key_and_window_with_inverse(window, slide, |a, b| a + b, |a, b| a - b)?;
        Ok(counts.kind("count_by_value_and_window"))
    }
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// The values of each key in each window combined by an associative `f`.
    ///
    /// Batches are reduced once; a window combines one record per key and batch. Where `f` has an
    /// inverse,
    /// [`reduce_by_key_and_window_with_inverse`](Self::reduce_by_key_and_window_with_inverse)
    /// costs less.
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
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let latencies = ctx.batches([vec![("GET", 12), ("PUT", 31)]]);
    /// let second = Duration::from_secs(1);
    /// let worst = latencies.reduce_by_key_and_window(60 * second, second, i32::max)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reduce_by_key_and_window<F>(
        &self,
        window: Duration,
        slide: Duration,
        f: F,
    ) -> Result<DStream<'c, (K, V)>, DurationError>
    where
        F: Fn(V, V) -> V + Clone + Send + Sync + 'static,
    {
        let reduced = self.reduce_by_key(f.clone()).window(window, slide)?;
        let kind = "reduce_by_key_and_window";
        Ok(reduced.reduce_by_key(f).kind(kind))
    }

    /// All values of each key in each window.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    pub fn group_by_key_and_window(
        &self,
        window: Duration,
        slide: Duration,
    ) -> Result<DStream<'c, (K, Vec<V>)>, DurationError> {
        let windowed = self.window(window, slide)?;
        Ok(windowed.group_by_key().kind("group_by_key_and_window"))
    }

    /// Like [`reduce_by_key_and_window`](Self::reduce_by_key_and_window) for an `f` that `inverse`
    /// undoes: `inverse(f(a, b), b) == a`, and `f` commutes.
    ///
    /// Gives exactly the same result, at a cost that follows the batches that enter and leave, not
    /// the window: a key leaves with its last record. To drop further keys from the output, such as
    /// those whose value is zero, filter the resulting stream.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    pub fn reduce_by_key_and_window_with_inverse<F, G>(
        &self,
        window: Duration,
        slide: Duration,
        f: F,
        inverse: G,
    ) -> Result<Incremental<'c, K, V, impl Pipe<Item = (K, V)> + use<K, V, F, G, P>>, DurationError>
    where
        F: Fn(V, V) -> V + Clone + Send + Sync + 'static,
        G: Fn(V, V) -> V + Send + Sync + 'static,
    {
        let reduced = self.reduce_by_key(f.clone());
        let window = multiple_of(window, self.slide)?;
        let slide = multiple_of(slide, self.slide)?;
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        let operator = IncrementalOperator {
            pipe: reduced.pipe.clone(),
            store: Arc::clone(&store),
            panes: Panes::new(),
            window,
            f,
            inverse,
        };
        let parents = vec![reduced.operator];
        let kind = "reduce_by_key_and_window";
        let operator = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, Box::new(operator));
        let view = |operator| {
            StateView::new(
                StateRows::new(store),
                operator,
                |key: &K, held: &Held<V>| Some((key.clone(), held.value.clone())),
            )
        };
        Ok(self.ctx.narrow("window_rows", vec![operator], slide, view))
    }
}

/// A stream of the contents of an incremental window.
pub type Incremental<'c, K, V, P> = DStream<'c, (K, V), Shared<P>>;

/// The combined value of a key, and in how many batches of the window the key occurs.
#[derive(Clone)]
struct Held<V> {
    value: V,
    panes: u32,
}

struct IncrementalOperator<P, K, V, F, G> {
    /// Records reduced by key, each in the partition that owns its key.
    pipe: P,
    store: Arc<StateStore<K, Held<V>>>,
    /// The batches in the window.
    panes: Panes<Partitions<(K, V)>>,
    /// Milliseconds.
    window: u64,
    f: F,
    inverse: G,
}

impl<P, K, V, F, G> Operator for IncrementalOperator<P, K, V, F, G>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(V, V) -> V + Send + Sync,
    G: Fn(V, V) -> V + Send + Sync,
{
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let arriving = context.run(&self.pipe, |task| self.pipe.collect(task))?;
        let oldest = context.time.as_millis().saturating_sub(self.window);
        let leaving = self.panes.leave(BatchTime::from_millis(oldest));
        let work = (0..arriving.len()).collect();
        let busy = |&p: &usize| {
            leaving
                .iter()
                .chain([&arriving])
                .any(|pane| !pane[p].is_empty())
        };
        context.each(work, busy, |_, partition| {
            let mut state = self.store.write(partition);
            for (key, value) in leaving.iter().flat_map(|pane| pane[partition].iter()) {
                blame(context.operator, || {
                    leave(&mut state, key, value, &self.inverse);
                });
            }
            for (key, value) in arriving[partition].iter() {
                blame(context.operator, || arrive(&mut state, key, value, &self.f));
            }
        })?;
        self.panes.push(context.time, arriving);
        Ok(())
    }

    has_state!();
}

impl<P, K, V, F, G> Stateful for IncrementalOperator<P, K, V, F, G>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(V, V) -> V + Send + Sync,
    G: Fn(V, V) -> V + Send + Sync,
{
    keeps_store_and_panes!();
}

impl<P, K, V, F, G> Durable for IncrementalOperator<P, K, V, F, G>
where
    K: Key,
    V: Data,
    P: Pipe<Item = (K, V)>,
    F: Fn(V, V) -> V + Send + Sync,
    G: Fn(V, V) -> V + Send + Sync,
{
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        let (key, value) = (codecs.get::<K>()?, codecs.get::<V>()?);
        let (panes, record) = (self.panes.clone(), key.and(value));
        let snapshot = self.store.snapshot_by(key, &held(value));
        Ok(snapshot.with_unkeyed(move |out| {
            let panes = panes.iter().map(|(time, partitions)| {
                let partitions = partitions.iter().map(|records| records.as_slice());
                (*time, partitions)
            });
            put_panes(&record, panes, out)
        }))
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let (key, value) = (codecs.get::<K>()?, codecs.get::<V>()?);
        self.store.recover_by(key, &held(value), saved)?;
        let mut buffer = Vec::new();
        let mut bytes = saved.whole(&mut buffer)?;
        let panes = take_panes(&key.and(value), &mut bytes)?.into_iter();
        used_up(bytes)?;
        let dealt = panes.map(|(time, records)| {
            let partitions = self
                .store
                .dealt(records.into_iter().flatten(), |(key, _)| key);
            (
                time,
                crate::stream::pipeline::slot::to_partitions(partitions),
            )
        });
        self.panes = dealt.collect();
        Ok(())
    }
}

fn held<V: Data>(value: &Codec<V>) -> Codec<Held<V>> {
    let (one, other) = (value.clone(), value.clone());
    Codec::new(
        std::format!("window of {}", value.name()),
        move |held: &Held<V>, out| {
            put(&held.panes, out)?;
            one.put(&held.value, out)
        },
        move |bytes| {
            let panes = take(bytes)?;
            let value = other.take(bytes)?;
            Ok(Held { value, panes })
        },
    )
}

fn leave<K: Key, V: Data>(
    state: &mut GroupTables<K, Held<V>>,
    key: &K,
    value: &V,
    inverse: impl Fn(V, V) -> V,
) {
    let hash = route(key);
    let at = state.table_of(hash);
    let table = state.table_mut(at);
    let position = table.find(hash, key).expect("what leaves has come");
    let slot = table.value_mut(position);
    match slot.take() {
        Some(held) if held.panes > 1 => {
            *slot = Some(Held {
                value: inverse(held.value, value.clone()),
                panes: held.panes - 1,
            });
        }
        _ => table.swap_remove(position),
    }
}

fn arrive<K: Key, V: Data>(
    state: &mut GroupTables<K, Held<V>>,
    key: &K,
    value: &V,
    f: impl Fn(V, V) -> V,
) {
    let hash = route(key);
    let at = state.table_of(hash);
    let table = state.table_mut(at);
    let position = table.insert(hash, key.clone(), || None);
    let slot = table.value_mut(position);
    let (value, panes) = match slot.take() {
        Some(held) => (f(held.value, value.clone()), held.panes + 1),
        None => (value.clone(), 1),
    };
    *slot = Some(Held { value, panes });
}
