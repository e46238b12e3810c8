//! States read in place, by reference.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::stream::data::Data;
use crate::stream::op::state::StateRows;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::threads::blame::{OperatorId, blame};

/// The pipeline of [`filter_map_ref`](DStream::filter_map_ref).
pub struct StateView<K, S, F, U> {
    rows: StateRows<K, S>,
    operator: OperatorId,
    closure: Arc<F>,
    item: PhantomData<fn() -> U>,
}

impl<K, S, F, U> StateView<K, S, F, U> {
    pub(crate) fn new(rows: StateRows<K, S>, operator: OperatorId, closure: F) -> Self {
        Self {
            rows,
            operator,
            closure: Arc::new(closure),
            item: PhantomData,
        }
    }
}

impl<K, S, F, U> Clone for StateView<K, S, F, U> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            operator: self.operator,
            closure: Arc::clone(&self.closure),
            item: PhantomData,
        }
    }
}

impl<K, S, F, U> fmt::Debug for StateView<K, S, F, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateView")
            .field("operator", &self.operator)
            .finish_non_exhaustive()
    }
}

impl<K, S, F, U> Pipe for StateView<K, S, F, U>
where
    K: Send + Sync + 'static,
    S: Send + Sync + 'static,
    U: Data,
    F: Fn(&K, &S) -> Option<U> + Send + Sync + 'static,
{
    type Item = U;

    fn partitions(&self) -> usize {
        self.rows.store.partitions()
    }

    fn input_len(&self, partition: usize) -> usize {
        self.rows.store.read(partition).len()
    }

    #[inline]
    fn run<R: FnMut(U)>(&self, task: &PartitionContext, sink: &mut R) {
        let closure = &*self.closure;
        let tables = self.rows.store.read(task.partition);
        let each = |key: &K, state: &S| {
            if let Some(item) = blame(self.operator, || closure(key, state)) {
                sink(item);
            }
        };
        tables
            .for_each(each)
            .unwrap_or_else(|error| task.fail_here(error));
    }
}

impl<'c, K: Data, S: Data> DStream<'c, (K, S), StateRows<K, S>> {
    /// Applies `f` to every key and its state in place, and keeps what it returns: copies only what
    /// `f` copies.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let words = ctx.batches([vec!["ebb", "flow"], vec!["ebb"]]);
    /// let counts = words
    ///     .map(|w| (w, 1u64))
    ///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    /// let frequent = counts.filter_map_ref(|word, &n| (n > 100).then(|| word.to_string()));
    /// # let _ = frequent;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn filter_map_ref<U, F>(&self, f: F) -> DStream<'c, U, Shared<StateView<K, S, F, U>>>
    where
        U: Data,
        F: Fn(&K, &S) -> Option<U> + Send + Sync + 'static,
    {
        self.narrow("filter_map_ref", |rows, operator| {
            StateView::new(rows, operator, f)
        })
    }
}
