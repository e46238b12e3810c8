//! Windows: the last batches as one batch.

use std::boxed::Box;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use std::{fmt, vec};

use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::op::facets::{has_no_tables, has_state};
use crate::stream::op::panes::Panes;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, to_partitions};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, put_panes, take_panes, used_up};
use crate::stream::state::stateful::Stateful;
use crate::stream::time::{BatchTime, DurationError, multiple_of};

/// The batches of the current window, kept for the windows they will be in.
type Kept<T> = RwLock<Panes<Partitions<T>>>;

/// The pipeline of [`window`](DStream::window): partition `i` is partition `i` of every batch in
/// the window, oldest first. Nothing is copied until a consumer reads it.
#[derive(Clone)]
pub struct Windowed<T> {
    panes: Arc<Kept<T>>,
}

impl<T> Windowed<T> {
    fn panes(&self) -> RwLockReadGuard<'_, Panes<Partitions<T>>> {
        self.panes.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Windowed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed")
            .field("panes", &self.panes().len())
            .finish()
    }
}

impl<T: Data> Pipe for Windowed<T> {
    type Item = T;

    fn partitions(&self) -> usize {
        let panes = self.panes();
        let widths = panes.iter().map(|(_, partitions)| partitions.len());
        widths.max().unwrap_or(0)
    }

    fn input_len(&self, partition: usize) -> usize {
        let panes = self.panes();
        let held = panes
            .iter()
            .filter_map(|(_, partitions)| partitions.get(partition));
        held.map(|items| items.len()).sum()
    }

    #[inline]
    fn run<S: FnMut(T)>(&self, task: &PartitionContext, sink: &mut S) {
        for (_, partitions) in self.panes().iter() {
            if let Some(items) = partitions.get(task.partition) {
                items.iter().for_each(|item| sink(item.clone()));
            }
        }
    }

    fn count(&self, task: &PartitionContext) -> usize {
        self.input_len(task.partition)
    }
}

struct WindowOperator<P: Pipe> {
    pipe: P,
    panes: Arc<Kept<P::Item>>,
    /// Milliseconds.
    window: u64,
}

impl<P: Pipe> WindowOperator<P> {
    fn panes_mut(&self) -> RwLockWriteGuard<'_, Panes<Partitions<P::Item>>> {
        self.panes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Pipe> Operator for WindowOperator<P> {
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let partitions = context.run(&self.pipe, |task| self.pipe.collect(task))?;
        let oldest = context.time.as_millis().saturating_sub(self.window);
        let mut panes = self.panes_mut();
        panes.push(context.time, partitions);
        panes.leave(BatchTime::from_millis(oldest));
        Ok(())
    }

    has_state!();
}

impl<P: Pipe> Stateful for WindowOperator<P> {
    fn save(&mut self) {
        self.panes_mut().save();
    }

    fn roll_back(&mut self) {
        self.panes_mut().roll_back();
    }

    has_no_tables!();
}

impl<P: Pipe> Durable for WindowOperator<P> {
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        let item = codecs.get::<P::Item>()?.clone();
        let panes = self.panes.read().unwrap_or_else(PoisonError::into_inner);
        let panes = panes.clone();
        Ok(OperatorSnapshot::unkeyed(vec![item.name()], move |out| {
            let panes = panes.iter().map(|(time, partitions)| {
                let partitions = partitions.iter().map(|items| items.as_slice());
                (*time, partitions)
            });
            put_panes(&item, panes, out)
        }))
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let item = codecs.get::<P::Item>()?;
        saved.check_types(vec![item.name()])?;
        let mut buffer = vec![];
        let mut bytes = saved.whole(&mut buffer)?;
        let panes = take_panes(item, &mut bytes)?.into_iter();
        used_up(bytes)?;
        let panes = panes.map(|(time, partitions)| (time, to_partitions(partitions)));
        *self.panes_mut() = panes.collect();
        Ok(())
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// At every multiple of `slide`, the items of the batches in the last `window`.
    ///
    /// The first windows hold the batches so far; with `slide > window`, batches in between are in
    /// no window.
    ///
    /// # Memory
    ///
    /// The batches of the last `window`.
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
    /// let requests = ctx.batches([vec!["a"], vec!["b"]]);
    /// let last_minute = requests.window(Duration::from_secs(60), Duration::from_secs(1))?;
    /// last_minute.count().print();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn window(
        &self,
        window: Duration,
        slide: Duration,
    ) -> Result<DStream<'c, T, Windowed<T>>, DurationError> {
        let window = multiple_of(window, self.slide)?;
        let slide = multiple_of(slide, self.slide)?;
        let panes = Arc::new(RwLock::new(Panes::new()));
        let operator = WindowOperator {
            pipe: self.pipe.clone(),
            panes: Arc::clone(&panes),
            window,
        };
        // Evaluated for every batch of the parent, read at its own slide.
        let parents = vec![self.operator];
        let operator = self.ctx.add(
            Role::Stream,
            "window",
            parents,
            self.slide,
            Box::new(operator),
        );
        Ok(DStream::new(self.ctx, operator, slide, Windowed { panes }))
    }
}
