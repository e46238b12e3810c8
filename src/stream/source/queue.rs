//! A queue of batches that the program or a test fills.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::vec::{self, Vec};

use crate::stream::checkpoint::durable::{LogContext, OpenedLog};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::source::input::{Input, Replayable};
use crate::stream::source::planned::{Plans, PlansPosition, with_plans};
use crate::stream::state::codec::{Codec, Codecs};
use crate::stream::state::operator_snapshot::{OperatorSnapshot, snapshot_value};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, recover_value};
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// A queue of collections, each of which becomes a batch; cloning gives another handle to it.
///
/// # Examples
///
/// ```
/// use forebay::stream::{BatchQueue, BatchTime, StreamingContext};
///
/// let queue = BatchQueue::new();
/// let ctx = StreamingContext::builder("queue").build()?;
/// ctx.queue_stream(&queue).count().print();
/// let mut driver = ctx.into_driver()?;
/// queue.push(vec![1, 2, 3]);
/// assert_eq!(driver.step(BatchTime::from_millis(1_000))?.items(), 3);
/// queue.close();
/// assert!(driver.is_finished());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BatchQueue<T> {
    inner: Arc<Mutex<Inner<T>>>,
}

struct Inner<T> {
    /// What is left of each collection; of all but the first that is all.
    waiting: VecDeque<vec::IntoIter<T>>,
    /// The batch when nothing waits.
    default: Vec<T>,
    take: Take,
    closed: bool,
}

#[derive(Clone, Copy)]
enum Take {
    One,
    All,
}

impl<T> Inner<T> {
    /// At most `limit` items of the first collection, which stays if it has more. The rest is not
    /// moved.
    fn take_of_first(&mut self, limit: usize) -> Option<Vec<T>> {
        let first = self.waiting.front_mut()?;
        if first.len() > limit {
            return Some(first.by_ref().take(limit).collect());
        }
        self.waiting.pop_front().map(Iterator::collect)
    }
}

impl<T> BatchQueue<T> {
    /// An empty queue; each batch takes one collection, or is empty if none waits.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Take::One, Vec::new())
    }

    /// An empty queue; each batch takes all that waits.
    #[must_use]
    pub fn all_at_once() -> Self {
        Self::with(Take::All, Vec::new())
    }

    /// An empty queue; each batch takes one collection, or `default` if none waits. A limit of rate
    /// cuts the default off: its rest waits for no batch.
    #[must_use]
    pub fn with_default(default: Vec<T>) -> Self {
        Self::with(Take::One, default)
    }

    fn with(take: Take, default: Vec<T>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                waiting: VecDeque::new(),
                default,
                take,
                closed: false,
            })),
        }
    }

    /// Appends a collection. It is ignored after [`close`](Self::close).
    pub fn push(&self, batch: Vec<T>) {
        let mut inner = lock(&self.inner);
        if !inner.closed {
            inner.waiting.push_back(batch.into_iter());
        }
    }

    /// Closes the queue: the input ends when it is empty.
    pub fn close(&self) {
        lock(&self.inner).closed = true;
    }

    /// How many collections wait.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.inner).waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Default for BatchQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for BatchQueue<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T> fmt::Debug for BatchQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchQueue")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<T> Extend<Vec<T>> for BatchQueue<T> {
    fn extend<I: IntoIterator<Item = Vec<T>>>(&mut self, batches: I) {
        batches.into_iter().for_each(|batch| self.push(batch));
    }
}

impl<T> FromIterator<Vec<T>> for BatchQueue<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(batches: I) -> Self {
        let mut queue = Self::new();
        queue.extend(batches);
        queue
    }
}

impl<T: Data> Input for BatchQueue<T> {
    type Item = T;

    fn take(&mut self, _now: BatchTime, limit: usize) -> Result<Vec<T>, BoxError> {
        let mut inner = lock(&self.inner);
        let Some(mut taken) = inner.take_of_first(limit) else {
            let most = limit.min(inner.default.len());
            return Ok(inner.default[..most].to_vec());
        };
        if matches!(inner.take, Take::All) {
            while taken.len() < limit {
                let Some(mut next) = inner.take_of_first(limit - taken.len()) else {
                    break;
                };
                taken.append(&mut next);
            }
        }
        Ok(taken)
    }

    fn is_finished(&self) -> bool {
        let inner = lock(&self.inner);
        inner.closed && inner.waiting.is_empty()
    }

    fn has_pending(&self) -> bool {
        !self.is_empty()
    }
}

/// Batches that are the same in every run, so that a recovered stream can skip those it has had.
struct Listed<T> {
    queue: BatchQueue<T>,
    /// How many batches were taken whole, and how many items of the next.
    given: Given,
    plans: Plans<Given>,
}

/// How many batches of a list were taken whole, and how many items of the next.
type Given = (u64, u64);

impl<T> Listed<T> {
    /// The place after the next `limit` items, or after the next batch if it is shorter.
    fn after(&self, limit: usize) -> Given {
        let inner = lock(&self.queue.inner);
        match inner.waiting.front() {
            None => self.given,
            Some(next) if next.len() > limit => (self.given.0, self.given.1 + limit as u64),
            Some(_) => (self.given.0 + 1, 0),
        }
    }

    /// Goes to a later place; returns whether there are so many batches.
    fn pass_over(&mut self, to: Given) -> bool {
        let mut inner = lock(&self.queue.inner);
        while self.given.0 < to.0 {
            if inner.waiting.pop_front().is_none() {
                return false;
            }
            self.given = (self.given.0 + 1, 0);
        }
        let more = usize::try_from(to.1.saturating_sub(self.given.1)).unwrap_or(usize::MAX);
        self.given = to;
        if more == 0 {
            return true;
        }
        let Some(next) = inner.waiting.front_mut().filter(|next| more <= next.len()) else {
            return false;
        };
        next.by_ref().take(more).for_each(drop);
        true
    }
}

impl<T: Data> Input for Listed<T> {
    type Item = T;

    fn take(&mut self, now: BatchTime, limit: usize) -> Result<Vec<T>, BoxError> {
        let (at, end) = (self.given, self.after(limit));
        let plan = self.plans.of_batch(now, &[at], || Ok(std::vec![at..end]))?;
        let end = plan.first().map_or(at, |range| range.end);
        let limit = match end {
            end if end == at => return Ok(Vec::new()),
            (batches, items) if batches == at.0 => items.saturating_sub(at.1),
            _ => u64::MAX,
        };
        self.given = end;
        self.queue
            .take(now, usize::try_from(limit).unwrap_or(usize::MAX))
    }

    fn batch_done(&mut self) {
        self.plans.batch_done();
    }

    fn as_replayable(&mut self) -> Option<&mut dyn Replayable> {
        Some(self)
    }

    fn replayable(&self) -> Option<&dyn Replayable> {
        Some(self)
    }

    fn is_finished(&self) -> bool {
        self.queue.is_finished()
    }

    fn has_pending(&self) -> bool {
        self.queue.has_pending()
    }
}

impl<T: Data> Replayable for Listed<T> {
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        snapshot_value(&codec(codecs)?, &(self.given, self.plans.position()))
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let (given, plans) = recover_value(&codec(codecs)?, saved)?;
        self.plans.resume(plans);
        match self.pass_over(given) {
            true => Ok(()),
            false => Err(BoxError::from("there are fewer batches than there were").into()),
        }
    }

    fn open_log(&mut self, context: &LogContext<'_>) -> Result<OpenedLog, CheckpointError> {
        let number = context.codecs.get::<u64>();
        let number =
            number.map_err(|refusal| CheckpointError::refused(refusal, context.operator))?;
        self.plans.open(context, &number.and(number))
    }

    fn committed(&mut self, time: BatchTime) {
        let passed_over = self.plans.committed(time, &[self.given]);
        if let Some(&[end]) = passed_over.as_deref() {
            self.pass_over(end);
        }
    }

    fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        self.plans.release_before(oldest)
    }
}

/// The codec of a place in a list of batches, with the place in the log of plans.
fn codec(codecs: &Codecs) -> Result<Codec<(Given, PlansPosition)>, Refusal> {
    let number = codecs.get::<u64>()?;
    with_plans(&number.and(number), codecs)
}

impl StreamingContext {
    /// A stream of the collections in a queue; the caller keeps filling it through its own handle.
    pub fn queue_stream<T: Data>(&self, queue: &BatchQueue<T>) -> DStream<'_, T> {
        self.input("queue", queue.clone())
    }

    /// A bounded stream of these batches.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let numbers = ctx.batches([vec![1, 2, 3], vec![], vec![4]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batches<T: Data>(&self, batches: impl IntoIterator<Item = Vec<T>>) -> DStream<'_, T> {
        let queue: BatchQueue<T> = batches.into_iter().collect();
        queue.close();
        self.input(
            "batches",
            Listed {
                queue,
                given: (0, 0),
                plans: Plans::new(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_batch_leaves_is_not_moved() {
        for mut queue in [BatchQueue::new(), BatchQueue::all_at_once()] {
            queue.push((0..1_000).collect());
            let address = |queue: &BatchQueue<u32>, place: usize| {
                let inner = lock(&queue.inner);
                std::ptr::from_ref(&inner.waiting[0].as_slice()[place])
            };
            let before = address(&queue, 100);
            let taken = queue
                .take(BatchTime::from_millis(1_000), 100)
                .expect("memory");
            assert!(taken.into_iter().eq(0..100));
            assert_eq!(before, address(&queue, 0));
        }
    }
}
