//! Receipts: what became of items that were sent.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::stream::source::channel::{Channel, Sender, State};
use crate::stream::threads::lock::lock;

/// Tells what became of items that were sent before it was requested: see [`Sender::receipt`].
pub struct Receipt<T> {
    shared: Arc<Channel<T>>,
    /// The items, numbered in the order of sending.
    items: Range<u64>,
}

/// Why items may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostError {
    /// The stream ended before they were safe.
    Ended,
    /// The batch of some of them failed, and the stream has gone on without it: see
    /// [`FailurePolicy::Skip`](crate::stream::FailurePolicy::Skip).
    LeftOut,
}

impl fmt::Display for LostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the stream has ended before the items were safe",
            Self::LeftOut => "a batch with some of the items has failed and was left out",
        })
    }
}

impl std::error::Error for LostError {}

impl<T> Sender<T> {
    /// A receipt for everything sent through this sender and its clones since the last receipt of
    /// this sender. Threads that ask for receipts have a clone each.
    ///
    /// With a [write-ahead log](crate::stream::ContextBuilder::write_ahead_log) the items are safe
    /// when they are durable in it, before their batch runs: a stream recovered after a crash has
    /// them. Without a log they are safe when their batch has succeeded, with its outputs. So a
    /// receiver that acknowledges only what is safe loses nothing; items that were sent and not
    /// acknowledged may be sent again.
    ///
    /// Without a log, items of a batch that fails and is left out are
    /// [lost](LostError::LeftOut). With a log they are safe before it runs, and it is the
    /// [failure policy](crate::stream::FailurePolicy) that gives the batch up.
    ///
    /// Waiting for it on the thread that steps the driver is a deadlock.
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
    /// let receipt = sender.receipt();
    /// assert!(!receipt.is_safe());
    /// driver.step(BatchTime::from_millis(1_000))?;
    /// receipt.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn receipt(&self) -> Receipt<T> {
        let state = lock(&self.shared.state);
        Receipt {
            shared: Arc::clone(&self.shared),
            items: self.receipted.swap(state.sent, Ordering::Relaxed)..state.sent,
        }
    }
}

impl<T> Receipt<T> {
    fn is_open(&self, state: &State<T>) -> bool {
        matches!(self.outcome(state), Ok(false))
    }

    fn outcome(&self, state: &State<T>) -> Result<bool, LostError> {
        match state.settled.is_known(self.items.end) {
            true if state.settled.has_left_out(&self.items) => Err(LostError::LeftOut),
            true => Ok(true),
            false if state.gone => Err(LostError::Ended),
            false => Ok(false),
        }
    }

    /// Whether the items are safe.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.outcome(&lock(&self.shared.state)) == Ok(true)
    }

    /// Waits until the items are safe.
    ///
    /// # Errors
    ///
    /// If the batch of some of them is left out, or the stream ends before.
    pub fn wait(&self) -> Result<(), LostError> {
        let state = lock(&self.shared.state);
        let settled = &self.shared.settled;
        let state = settled.wait_while(state, |state| self.is_open(state));
        let state = state.unwrap_or_else(PoisonError::into_inner);
        self.outcome(&state).map(drop)
    }

    /// Waits at most for `timeout`; returns whether the items are safe.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, LostError> {
        let state = lock(&self.shared.state);
        let settled = &self.shared.settled;
        let waited = settled.wait_timeout_while(state, timeout, |state| self.is_open(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.outcome(&state)
    }
}

impl<T> fmt::Debug for Receipt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("is_safe", &self.is_safe())
            .finish_non_exhaustive()
    }
}
