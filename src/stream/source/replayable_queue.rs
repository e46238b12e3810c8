//! A queue of numbered batches, read by position.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::vec::Vec;
use std::{fmt, format};

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::source::Source;
use crate::stream::state::codec::Codec;
use crate::stream::threads::lock::lock;

/// A queue of numbered collections, each of which becomes a batch; cloning gives another handle to
/// it.
///
/// Unlike a [`BatchQueue`](super::BatchQueue) it is a [`Source`]: it keeps what batches have read,
/// so a stream with checkpoints resumes from any of them without a write-ahead log. In the same
/// process it reads the queue again. In another one the program pushes its batches from the first
/// one again, or calls [`forget_before`](Self::forget_before) to start with a later one, at the
/// position of the recovered stream or before it.
///
/// # Cost
///
/// Memory for every batch that a checkpoint may go back to, at least two intervals of checkpoints;
/// without checkpoints for everything that the program does not forget. The items are copied into
/// their batch.
///
/// # Examples
///
/// ```
/// use forebay::stream::{BatchTime, ReplayableQueue, StreamingContext};
///
/// let queue = ReplayableQueue::new();
/// queue.push(vec![1, 2]);
/// queue.push(vec![3]);
///
/// let ctx = StreamingContext::builder("first").build()?;
/// let (numbers, positions) = ctx.source_from(queue.clone(), None);
/// numbers.print();
/// let mut driver = ctx.into_driver()?;
/// assert_eq!(driver.step(BatchTime::from_millis(1_000))?.items(), 2);
/// drop(driver); // a crash
///
/// let ctx = StreamingContext::builder("second").build()?;
/// let (numbers, positions) = ctx.source_from(queue.clone(), Some(positions.get()));
/// numbers.print();
/// let mut driver = ctx.into_driver()?;
/// assert_eq!(driver.step(BatchTime::from_millis(2_000))?.items(), 1);
/// assert_eq!(positions.get()[0].batch(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ReplayableQueue<T> {
    inner: Arc<Mutex<Inner<T>>>,
}

struct Inner<T> {
    /// The number of the oldest batch held.
    first: u64,
    batches: VecDeque<Arc<Vec<T>>>,
    closed: bool,
}

/// A place in a [`ReplayableQueue`]: the number of a batch, and how many of its items come before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QueuePosition {
    batch: u64,
    items: u64,
}

impl QueuePosition {
    /// The number of the batch to be read next.
    #[must_use]
    pub const fn batch(self) -> u64 {
        self.batch
    }

    /// How many of its items were read, because a rate limit cut it.
    #[must_use]
    pub const fn items(self) -> u64 {
        self.items
    }
}

impl<T> Inner<T> {
    fn end(&self) -> u64 {
        self.first + self.batches.len() as u64
    }

    /// A batch that is held; `None` if it was not pushed yet.
    fn get(&self, number: u64) -> Result<Option<&Arc<Vec<T>>>, BoxError> {
        let first = self.first;
        let Some(place) = number.checked_sub(first) else {
            return Err(
                format!("batch {number} was dropped: the oldest batch held is {first}").into(),
            );
        };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        Ok(self.batches.get(place))
    }
}

impl<T> ReplayableQueue<T> {
    /// An empty queue; its first batch will have the number 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                first: 0,
                batches: VecDeque::new(),
                closed: false,
            })),
        }
    }

    /// Appends a collection. It is ignored after [`close`](Self::close).
    pub fn push(&self, batch: Vec<T>) {
        let mut inner = lock(&self.inner);
        if !inner.closed {
            inner.batches.push_back(Arc::new(batch));
        }
    }

    /// Drops the batches before `number`. If they were not pushed they never will be: the next one
    /// has this number.
    pub fn forget_before(&self, number: u64) {
        let mut inner = lock(&self.inner);
        while inner.first < number && inner.batches.pop_front().is_some() {
            inner.first += 1;
        }
        inner.first = inner.first.max(number);
    }

    /// Closes the queue: a stream ends when it has read all.
    pub fn close(&self) {
        lock(&self.inner).closed = true;
    }

    /// The numbers of the batches held.
    #[must_use]
    pub fn numbers(&self) -> Range<u64> {
        let inner = lock(&self.inner);
        inner.first..inner.end()
    }
}

impl<T> FromIterator<Vec<T>> for ReplayableQueue<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(batches: I) -> Self {
        let queue = Self::new();
        batches.into_iter().for_each(|batch| queue.push(batch));
        queue
    }
}

impl<T> Default for ReplayableQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for ReplayableQueue<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T> fmt::Debug for ReplayableQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayableQueue")
            .field("numbers", &self.numbers())
            .finish_non_exhaustive()
    }
}

/// The position of a queue, which has one partition.
fn only(positions: &[QueuePosition]) -> Result<QueuePosition, BoxError> {
    match positions {
        [position] => Ok(*position),
        _ => Err("a queue has one position".into()),
    }
}

impl<T: Data> Source for ReplayableQueue<T> {
    type Item = T;
    type Position = QueuePosition;

    fn start(&mut self) -> Result<Vec<QueuePosition>, BoxError> {
        let batch = self.numbers().start;
        Ok(std::vec![QueuePosition { batch, items: 0 }])
    }

    fn position_codec(&self) -> Option<Codec<QueuePosition>> {
        Some(Codec::serde("queue position"))
    }

    fn seek(&mut self, to: &[QueuePosition]) -> Result<(), BoxError> {
        lock(&self.inner).get(only(to)?.batch).map(drop)
    }

    fn plan(
        &mut self,
        at: &[QueuePosition],
        limit: usize,
    ) -> Result<Vec<Range<QueuePosition>>, BoxError> {
        let at = only(at)?;
        let left = match lock(&self.inner).get(at.batch)? {
            Some(batch) => (batch.len() as u64).saturating_sub(at.items),
            None => return Ok(std::vec![at..at]),
        };
        let (batch, items) = match left > limit as u64 {
            true => (at.batch, at.items + limit as u64),
            false => (at.batch + 1, 0),
        };
        Ok(std::vec![at..QueuePosition { batch, items }])
    }

    fn read(
        &mut self,
        _partition: usize,
        range: &Range<QueuePosition>,
    ) -> Result<Vec<T>, BoxError> {
        let batch = match lock(&self.inner).get(range.start.batch)? {
            Some(batch) if range.start != range.end => Arc::clone(batch),
            _ => return Ok(Vec::new()),
        };
        let end = match range.end.batch == range.start.batch {
            true => range.end.items as usize,
            false => batch.len(),
        };
        let items = batch.get(range.start.items as usize..end);
        Ok(items.ok_or("the batch is shorter than it was")?.to_vec())
    }

    fn release(&mut self, before: &[QueuePosition]) {
        if let Ok(position) = only(before) {
            self.forget_before(position.batch);
        }
    }

    fn is_finished(&self, at: &[QueuePosition]) -> bool {
        let inner = lock(&self.inner);
        inner.closed && at.iter().all(|at| at.batch >= inner.end())
    }
}
