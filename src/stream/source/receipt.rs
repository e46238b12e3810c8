//! Receipts: when items that were sent are safe.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::stream::source::channel::{Channel, Sender, State};
use crate::stream::threads::lock::lock;

/// Tells when the items that were sent before it was requested are safe: see
/// [`Sender::receipt`].
pub struct Receipt<T> {
    shared: Arc<Channel<T>>,
    /// How many items were sent.
    sent: u64,
}

/// The stream ended before the items were safe: they may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostError;

impl fmt::Display for LostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream has ended before the items were safe")
    }
}

impl std::error::Error for LostError {}

impl<T> Sender<T> {
    /// A receipt for everything sent so far through this sender and its clones.
    ///
    /// With a [write-ahead log](crate::stream::ContextBuilder::write_ahead_log) the items are safe
    /// when they are durable in it, before their batch runs: a stream recovered after a crash has
    /// them. Without a log they are safe when their batch and its outputs are over. So a receiver
    /// that acknowledges only what it has a receipt for loses nothing; items that were sent and not
    /// acknowledged may be sent again.
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
        Receipt {
            shared: Arc::clone(&self.shared),
            sent: lock(&self.shared.state).sent,
        }
    }
}

impl<T> Receipt<T> {
    fn is_open(&self, state: &State<T>) -> bool {
        state.safe < self.sent && !state.gone
    }

    fn outcome(&self, state: &State<T>) -> Result<bool, LostError> {
        match state.safe >= self.sent {
            true => Ok(true),
            false if state.gone => Err(LostError),
            false => Ok(false),
        }
    }

    /// Whether the items are safe.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        lock(&self.shared.state).safe >= self.sent
    }

    /// Waits until the items are safe.
    ///
    /// # Errors
    ///
    /// If the stream ends before.
    pub fn wait(&self) -> Result<(), LostError> {
        let state = lock(&self.shared.state);
        let secured = &self.shared.secured;
        let state = secured.wait_while(state, |state| self.is_open(state));
        let state = state.unwrap_or_else(PoisonError::into_inner);
        self.outcome(&state).map(drop)
    }

    /// Waits at most for `timeout`; returns whether the items are safe.
    ///
    /// # Errors
    ///
    /// If the stream ends before.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, LostError> {
        let state = lock(&self.shared.state);
        let secured = &self.shared.secured;
        let waited = secured.wait_timeout_while(state, timeout, |state| self.is_open(state));
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
