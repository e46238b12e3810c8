//! A bounded buffer between senders and the batches that take their items.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;
use std::{fmt, mem};

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::source::input::Input;
use crate::stream::source::settled::Settled;
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// The sending end of a [`channel`](StreamingContext::channel); cloning gives another sender.
///
/// The input ends when all senders are dropped and a batch has taken the rest.
pub struct Sender<T> {
    pub(super) shared: Arc<Channel<T>>,
    /// How many items had been sent when this sender gave its last receipt.
    pub(super) receipted: AtomicU64,
}

/// The stream has stopped; the items are returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedError<T>(pub T);

impl<T> fmt::Display for StoppedError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream has stopped: it takes no more items")
    }
}

impl<T: fmt::Debug> std::error::Error for StoppedError<T> {}

pub(super) struct Channel<T> {
    pub(super) state: Mutex<State<T>>,
    /// Signalled when a batch has taken the items, and when the stream stops.
    room: Condvar,
    /// Signalled when it is known what became of items, and when the stream has been dropped.
    pub(super) settled: Condvar,
    /// The most items that can wait.
    capacity: usize,
}

pub(super) struct State<T> {
    items: VecDeque<T>,
    senders: usize,
    stopped: bool,
    /// How many items were sent, and how many of them batches have taken.
    pub(super) sent: u64,
    taken: u64,
    /// What became of those that were taken.
    pub(super) settled: Settled,
    /// The stream has been dropped: no batch will take anything.
    pub(super) gone: bool,
}

impl<T> Sender<T> {
    /// Sends an item; blocks while the buffer is full.
    ///
    /// # Errors
    ///
    /// If the stream has stopped.
    pub fn send(&self, item: T) -> Result<(), StoppedError<T>> {
        let mut state = self.wait_for_room();
        if state.stopped {
            return Err(StoppedError(item));
        }
        state.items.push_back(item);
        state.sent += 1;
        Ok(())
    }

    /// Sends many items, as many at a time as there is room for; blocks while the buffer is full.
    ///
    /// # Errors
    ///
    /// If the stream has stopped; the error holds the items that were not taken.
    pub fn send_all(&self, mut items: Vec<T>) -> Result<(), StoppedError<Vec<T>>> {
        while !items.is_empty() {
            let mut state = self.wait_for_room();
            if state.stopped {
                return Err(StoppedError(items));
            }
            let room = self.shared.capacity - state.items.len();
            state.sent += room.min(items.len()) as u64;
            if room >= items.len() {
                state.items.extend(mem::take(&mut items));
            } else {
                state.items.extend(items.drain(..room));
            }
        }
        Ok(())
    }

    /// Whether the stream has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        lock(&self.shared.state).stopped
    }

    fn wait_for_room(&self) -> MutexGuard<'_, State<T>> {
        let full =
            |state: &mut State<T>| !state.stopped && state.items.len() >= self.shared.capacity;
        let state = lock(&self.shared.state);
        let state = self.shared.room.wait_while(state, full);
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.shared.state).senders += 1;
        Self {
            shared: Arc::clone(&self.shared),
            receipted: AtomicU64::new(self.receipted.load(Ordering::Relaxed)),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        lock(&self.shared.state).senders -= 1;
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.shared.capacity)
            .field("is_stopped", &self.is_stopped())
            .finish_non_exhaustive()
    }
}

/// The receiving end.
pub(crate) struct Buffered<T> {
    shared: Arc<Channel<T>>,
}

/// Both ends of a buffer.
pub(crate) fn buffer<T>(capacity: usize) -> (Sender<T>, Buffered<T>) {
    let shared = Arc::new(Channel {
        state: Mutex::new(State {
            items: VecDeque::new(),
            senders: 1,
            stopped: false,
            sent: 0,
            taken: 0,
            settled: Settled::default(),
            gone: false,
        }),
        room: Condvar::new(),
        settled: Condvar::new(),
        capacity,
    });
    let sender = Sender {
        shared: Arc::clone(&shared),
        receipted: AtomicU64::new(0),
    };
    (sender, Buffered { shared })
}

impl<T> Buffered<T> {
    /// Notes what became of the items that were taken, and tells those who wait for it.
    fn settle(&self, note: impl FnOnce(&mut Settled, u64)) {
        let mut state = lock(&self.shared.state);
        let taken = state.taken;
        note(&mut state.settled, taken);
        drop(state);
        self.shared.settled.notify_all();
    }
}

impl<T: Data> Input for Buffered<T> {
    type Item = T;

    fn take(&mut self, _now: BatchTime, limit: usize) -> Result<Vec<T>, BoxError> {
        let mut state = lock(&self.shared.state);
        // Senders wait for the lock: what stays is not moved.
        let taken = match state.items.len() <= limit {
            true => mem::take(&mut state.items),
            false => state.items.drain(..limit).collect(),
        };
        state.taken += taken.len() as u64;
        drop(state);
        self.shared.room.notify_all();
        Ok(taken.into())
    }

    fn stop(&mut self) {
        lock(&self.shared.state).stopped = true;
        self.shared.room.notify_all();
    }

    fn secured(&mut self) {
        self.settle(Settled::secure);
    }

    fn left_out(&mut self) {
        self.settle(Settled::leave_out);
    }

    fn is_finished(&self) -> bool {
        let state = lock(&self.shared.state);
        state.items.is_empty() && (state.senders == 0 || state.stopped)
    }

    fn has_pending(&self) -> bool {
        !lock(&self.shared.state).items.is_empty()
    }
}

impl<T> Drop for Buffered<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        (state.stopped, state.gone) = (true, true);
        self.shared.room.notify_all();
        self.shared.settled.notify_all();
    }
}

impl StreamingContext {
    /// A stream of what the program sends through the [`Sender`]: each batch takes all that has
    /// arrived since the one before.
    ///
    /// At most `capacity` items wait; then senders block. Nothing is dropped.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::{BatchTime, StreamingContext};
    ///
    /// let ctx = StreamingContext::builder("channel").build()?;
    /// let (sender, numbers) = ctx.channel(1_000);
    /// numbers.count().print();
    /// let mut driver = ctx.into_driver()?;
    /// sender.send_all(vec![1, 2, 3])?;
    /// assert_eq!(driver.step(BatchTime::from_millis(1_000))?.items(), 3);
    /// drop(sender);
    /// assert!(driver.is_finished());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn channel<T: Data>(&self, capacity: usize) -> (Sender<T>, DStream<'_, T>) {
        assert!(capacity > 0, "a channel holds at least one item");
        let (sender, buffered) = buffer(capacity);
        (sender, self.input("channel", buffered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_batch_leaves_is_not_moved() {
        let (sender, mut buffered) = buffer(1_000);
        assert_eq!(sender.send_all((0..1_000).collect()), Ok(()));
        let address = |place: usize| std::ptr::from_ref(&lock(&sender.shared.state).items[place]);
        let before = address(100);
        let taken = buffered
            .take(BatchTime::from_millis(1_000), 100)
            .expect("memory");
        assert!(taken.into_iter().eq(0..100));
        assert_eq!(before, address(0));
    }
}
