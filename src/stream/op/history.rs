//! The last batches of a stream, kept for readers.

use std::boxed::Box;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::vec::Vec;

use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::op::batches::batch::Batch;
use crate::stream::op::facets::{has_no_tables, has_state};
use crate::stream::op::panes::Panes;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Partitions, to_partitions};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::{Codecs, put, take};
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, put_panes, take_panes, used_up};
use crate::stream::state::stateful::Stateful;
use crate::stream::threads::blame::OperatorId;
use crate::stream::threads::lock::lock;
use crate::stream::time::{BatchTime, millis_rounded_up};

/// The last batches of a stream; cloning gives another handle to them.
pub struct History<T> {
    kept: Arc<Mutex<Kept<T>>>,
    /// Milliseconds.
    slide: u64,
}

struct Kept<T> {
    /// Batch times and items.
    panes: Panes<Partitions<T>>,
    /// The time one slide before the first batch, in milliseconds; `None` before it.
    zero: Option<u64>,
    /// The job that operations on a batch run in; `None` before the stream has started.
    runs_on: Option<(Arc<JobContext>, OperatorId)>,
}

impl<T: Data> History<T> {
    /// The batches with `from <= time <= to`, after both were rounded down to the slide, oldest
    /// first; without those that are no longer kept.
    #[must_use]
    pub fn slice(&self, from: BatchTime, to: BatchTime) -> Vec<Batch<T>> {
        let kept = lock(&self.kept);
        let Some((job, operator)) = &kept.runs_on else {
            return Vec::new();
        };
        let zero = kept.zero.unwrap_or(0);
        let floor = |time: BatchTime| {
            let since = time.as_millis().saturating_sub(zero);
            zero + since / self.slide * self.slide
        };
        let range = floor(from)..=floor(to);
        let panes = kept.panes.iter();
        let asked = panes.filter(|(time, _)| range.contains(&time.as_millis()));
        let batch = |(time, partitions): &(BatchTime, Partitions<T>)| {
            let context = OperatorContext {
                job: Arc::clone(job),
                operator: *operator,
                time: *time,
            };
            Batch::new(context, partitions.clone())
        };
        asked.map(batch).collect()
    }
}

impl<T> Clone for History<T> {
    fn clone(&self) -> Self {
        Self {
            kept: Arc::clone(&self.kept),
            slide: self.slide,
        }
    }
}

impl<T> fmt::Debug for History<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("batches", &lock(&self.kept).panes.len())
            .finish_non_exhaustive()
    }
}

struct HistoryOperator<P: Pipe> {
    pipe: P,
    operator: OperatorId,
    kept: Arc<Mutex<Kept<P::Item>>>,
    /// Milliseconds, both.
    slide: u64,
    span: u64,
    /// The zero time before the batch.
    saved: Option<u64>,
}

impl<P: Pipe> Operator for HistoryOperator<P> {
    fn connect(&mut self, _consumers: usize, job: &Arc<JobContext>) {
        lock(&self.kept).runs_on = Some((Arc::clone(job), self.operator));
    }

    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let partitions = context.run(&self.pipe, |task| self.pipe.collect(task))?;
        let now = context.time.as_millis();
        let mut kept = lock(&self.kept);
        kept.zero.get_or_insert(now.saturating_sub(self.slide));
        let oldest = BatchTime::from_millis(now.saturating_sub(self.span));
        kept.panes.leave(oldest);
        kept.panes.push(context.time, partitions);
        Ok(())
    }

    has_state!();
}

impl<P: Pipe> Stateful for HistoryOperator<P> {
    fn save(&mut self) {
        let mut kept = lock(&self.kept);
        kept.panes.save();
        self.saved = kept.zero;
    }

    fn roll_back(&mut self) {
        let mut kept = lock(&self.kept);
        kept.panes.roll_back();
        kept.zero = self.saved;
    }

    has_no_tables!();
}

impl<P: Pipe> Durable for HistoryOperator<P> {
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        let item = codecs.get::<P::Item>()?.clone();
        let kept = lock(&self.kept);
        let (panes, zero) = (kept.panes.clone(), kept.zero);
        Ok(OperatorSnapshot::unkeyed(
            std::vec![item.name()],
            move |out| {
                put(&zero, out)?;
                let panes = panes.iter().map(|(time, partitions)| {
                    let partitions = partitions.iter().map(|items| items.as_slice());
                    (*time, partitions)
                });
                put_panes(&item, panes, out)
            },
        ))
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let item = codecs.get::<P::Item>()?;
        saved.check_types(std::vec![item.name()])?;
        let mut buffer = Vec::new();
        let mut bytes = saved.whole(&mut buffer)?;
        let zero = take(&mut bytes)?;
        let panes = take_panes(item, &mut bytes)?.into_iter();
        used_up(bytes)?;
        let mut kept = lock(&self.kept);
        kept.zero = zero;
        kept.panes = panes
            .map(|(time, partitions)| (time, to_partitions(partitions)))
            .collect();
        Ok(())
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// Keeps the batches of the last `duration` and returns a handle to read them while the stream
    /// runs and afterwards. It is an output.
    ///
    /// They are part of a checkpoint, so in a stream with checkpoints the items must be durable; a
    /// recovered stream has the batches from its start.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use forebay::stream::{BatchTime, StreamingContext};
    ///
    /// let ctx = StreamingContext::builder("doc").build()?;
    /// let history = ctx.batches([vec![1], vec![2, 3]]).remember(Duration::from_secs(60));
    /// ctx.into_driver()?.run_to_end()?;
    /// let [batch] = &history.slice(BatchTime::from_millis(2_000), BatchTime::from_millis(2_999))[..] else {
    ///     panic!("one batch");
    /// };
    /// assert_eq!(batch.iter().sum::<i32>(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remember(&self, duration: Duration) -> History<T> {
        let history = History {
            kept: Arc::new(Mutex::new(Kept {
                panes: Panes::new(),
                zero: None,
                runs_on: None,
            })),
            slide: self.slide,
        };
        let operator = HistoryOperator {
            pipe: self.pipe.clone(),
            operator: self.ctx.next_id(),
            kept: Arc::clone(&history.kept),
            slide: self.slide,
            span: millis_rounded_up(duration).unwrap_or(u64::MAX),
            saved: None,
        };
        let parents = std::vec![self.operator];
        let operator = Box::new(operator);
        self.ctx
            .add(Role::Output, "remember", parents, self.slide, operator);
        history
    }
}
