//! Past batches, for whoever asks.

use std::boxed::Box;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::checkpoint::{
    Codecs, Mark, Part, Refusal, put, put_panes, take, take_panes, used_up,
};
use crate::stream::error::{BatchError, BoxError};
use crate::stream::op::batch::batch::Batch;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::Partitions;
use crate::stream::pipeline::slot::shared;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::{Node, Role};
use crate::stream::run::executor::{Env, NodeId, Step, lock};
use crate::stream::time::BatchTime;

/// The last batches of a stream; cloning gives another handle to them.
pub struct History<T> {
    kept: Arc<Mutex<Kept<T>>>,
    /// Milliseconds.
    slide: u64,
}

struct Kept<T> {
    panes: Panes<T>,
    /// A slide before the first batch, in milliseconds; `None` before it.
    zero: Option<u64>,
    /// What a batch needs for its operations; `None` before the stream has started.
    runs_on: Option<(Arc<Env>, NodeId)>,
}

/// Batch times and items, oldest first.
type Panes<T> = VecDeque<(BatchTime, Partitions<T>)>;

impl<T: Data> History<T> {
    /// The batches with `from <= time <= to`, after both were rounded down to the slide, oldest
    /// first; without those that are no longer kept.
    #[must_use]
    pub fn slice(&self, from: BatchTime, to: BatchTime) -> Vec<Batch<T>> {
        let kept = lock(&self.kept);
        let Some((env, node)) = &kept.runs_on else {
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
            let step = Step {
                env: Arc::clone(env),
                node: *node,
                time: *time,
            };
            Batch::new(step, partitions.clone())
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

struct HistoryNode<P: Pipe> {
    pipe: P,
    node: NodeId,
    kept: Arc<Mutex<Kept<P::Item>>>,
    /// Milliseconds, both.
    slide: u64,
    span: u64,
    saved: (Panes<P::Item>, Option<u64>),
}

impl<P: Pipe> Node for HistoryNode<P> {
    fn start(&mut self, env: &Arc<Env>) -> Result<(), BoxError> {
        lock(&self.kept).runs_on = Some((Arc::clone(env), self.node));
        Ok(())
    }

    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        let partitions = step.run(&self.pipe, |scope| self.pipe.collect(scope))?;
        let now = step.time.as_millis();
        let mut kept = lock(&self.kept);
        kept.zero.get_or_insert(now.saturating_sub(self.slide));
        kept.panes.retain(|(time, _)| {
            let age = now.saturating_sub(time.as_millis());
            age < self.span
        });
        kept.panes.push_back((step.time, partitions));
        Ok(())
    }

    fn save(&mut self) {
        let kept = lock(&self.kept);
        self.saved = (kept.panes.clone(), kept.zero);
    }

    fn restore(&mut self) {
        let mut kept = lock(&self.kept);
        (kept.panes, kept.zero) = mem::take(&mut self.saved);
    }

    fn mark(&self, codecs: &Codecs) -> Result<Mark, Refusal> {
        let item = codecs.get::<P::Item>()?.clone();
        let kept = lock(&self.kept);
        let (panes, zero) = (kept.panes.clone(), kept.zero);
        Ok(Mark::whole(std::vec![item.name()], move |out| {
            put(&zero, out)?;
            let panes = panes.iter().map(|(time, partitions)| {
                let partitions = partitions.iter().map(|items| items.as_slice());
                (*time, partitions)
            });
            put_panes(&item, panes, out)
        }))
    }

    fn recover(&mut self, codecs: &Codecs, part: &Part) -> Result<(), Refusal> {
        let item = codecs.get::<P::Item>()?;
        part.check_types(std::vec![item.name()])?;
        let mut buffer = Vec::new();
        let mut bytes = part.whole(&mut buffer)?;
        let zero = take(&mut bytes)?;
        let panes = take_panes(item, &mut bytes)?.into_iter();
        used_up(bytes)?;
        let mut kept = lock(&self.kept);
        kept.zero = zero;
        kept.panes = panes
            .map(|(time, partitions)| (time, shared(partitions)))
            .collect();
        Ok(())
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// Keeps the batches of the last `duration` and gives a handle by which they can be read while
    /// the stream runs and afterwards. It is an output.
    ///
    /// They are part of a checkpoint, so in a stream that has any the items must be durable; a
    /// stream that is recovered has the batches at hand from its start.
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
                panes: VecDeque::new(),
                zero: None,
                runs_on: None,
            })),
            slide: self.slide,
        };
        let node = |node| HistoryNode {
            pipe: self.pipe.clone(),
            node,
            kept: Arc::clone(&history.kept),
            slide: self.slide,
            span: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            saved: (VecDeque::new(), None),
        };
        let parents = std::vec![self.node];
        self.ctx
            .add(Role::Output, "remember", parents, self.slide, |at| {
                Box::new(node(at))
            });
        history
    }
}
