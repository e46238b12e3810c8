//! Inputs that run on a thread of their own and push.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::vec::Vec;
use std::{mem, thread};

use crate::stream::data::Data;
use crate::stream::error::{BoxError, Cause};
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::metrics::{ReceiverReport, ReceiverState};
use crate::stream::run::operator::{ReceiverEvent, ReceiverFacet};
use crate::stream::source::channel::{Buffered, Sender, buffer};
use crate::stream::source::input::Input;
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// How many items of a receiver can wait before it blocks.
const WAITING: usize = 1 << 20;

/// The first and the longest pause before a receiver is called again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// How often a pausing receiver checks whether the stream has stopped.
const GLANCE: Duration = Duration::from_millis(20);

/// An input with a thread of its own, apart from the worker threads.
///
/// # Contract
///
/// - [`receive`](Self::receive) is called on that thread when the stream starts, and sends what it
///   receives through the [`Sender`], which blocks while too many items wait.
/// - `Ok` means that the input has ended. After an error or a panic it is called again after a
///   pause, which doubles from 50 ms to 10 s and is reset when a call has lasted longer than the
///   pause; errors are counted.
/// - It returns soon after [`Sender::is_stopped`] is true or a `send` fails.
/// - Items that were sent are processed even if it fails or stops afterwards.
///
/// # Examples
///
/// ```
/// use forebay::stream::{BoxError, Sender, Receiver, StreamingContext};
///
/// struct Countdown(u32);
///
/// impl Receiver for Countdown {
///     type Item = u32;
///
///     fn receive(&mut self, sender: &Sender<u32>) -> Result<(), BoxError> {
///         while self.0 > 0 {
///             sender.send(self.0)?;
///             self.0 -= 1;
///         }
///         Ok(())
///     }
/// }
///
/// let ctx = StreamingContext::builder("countdown").build()?;
/// let (numbers, status) = ctx.receiver(Countdown(3));
/// # let _ = (numbers, status);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Receiver: Send + 'static {
    /// The items.
    type Item: Data;

    /// Receives until the input ends, fails, or the stream stops.
    ///
    /// # Errors
    ///
    /// If the input failed; it is called again after a pause.
    fn receive(&mut self, sender: &Sender<Self::Item>) -> Result<(), BoxError>;
}

/// The status of a receiver; cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub struct ReceiverStatus(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    errors: AtomicU64,
    items: AtomicU64,
    replaced: AtomicU64,
    dropped: AtomicU64,
    phase: Mutex<Phase>,
    pace: Mutex<Pace>,
}

/// When a batch last took items, and how many per second had come since the one before.
#[derive(Debug, Default)]
struct Pace {
    taken: Option<Instant>,
    rate: f64,
}

#[derive(Debug, Default)]
struct Phase {
    state: ReceiverState,
    /// Events that were not reported yet.
    events: Vec<ReceiverEvent>,
}

impl ReceiverStatus {
    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> ReceiverState {
        lock(&self.0.phase).state
    }

    /// How many items batches have taken from it.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.0.items.load(Ordering::Relaxed)
    }

    /// How many items per second came between the last two batches; 0 before the second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        lock(&self.0.pace).rate
    }

    /// Counts the items that a batch took.
    fn add(&self, items: usize, now: Instant) {
        self.0.items.fetch_add(items as u64, Ordering::Relaxed);
        let mut pace = lock(&self.0.pace);
        if let Some(before) = pace.taken.replace(now) {
            let seconds = now.duration_since(before).as_secs_f64();
            pace.rate = items as f64 / seconds.max(1e-9);
        }
    }

    /// How many lines of text had invalid UTF-8 replaced; 0 for other inputs.
    #[must_use]
    pub fn replaced_lines(&self) -> u64 {
        self.0.replaced.load(Ordering::Relaxed)
    }

    pub(super) fn add_replaced(&self, lines: u64) {
        self.0.replaced.fetch_add(lines, Ordering::Relaxed);
    }

    /// How many lines of text were dropped: they were longer than
    /// [`longest_line`](crate::stream::ContextBuilder::longest_line), or the connection ended
    /// before they did. 0 for other inputs.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn add_dropped(&self, lines: u64) {
        self.0.dropped.fetch_add(lines, Ordering::Relaxed);
    }

    /// Counts an error after which the receiver goes on at once.
    pub(super) fn survive(&self, message: String) {
        self.0.errors.fetch_add(1, Ordering::Relaxed);
        self.enter(self.state(), Some(ReceiverEvent::Error(message)));
    }

    /// Changes the state, unless it has stopped, and records the event.
    fn enter(&self, state: ReceiverState, event: Option<ReceiverEvent>) {
        let mut phase = lock(&self.0.phase);
        if phase.state != ReceiverState::Stopped {
            phase.state = state;
            phase.events.extend(event);
        }
    }

    fn fail(&self, message: String) {
        self.0.errors.fetch_add(1, Ordering::Relaxed);
        self.enter(ReceiverState::Pausing, Some(ReceiverEvent::Error(message)));
    }

    fn stop(&self) {
        self.enter(ReceiverState::Stopped, Some(ReceiverEvent::Stopped));
    }

    /// How often it failed and was called again, or went on without lines that were too long.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.0.errors.load(Ordering::Relaxed)
    }
}

/// A receiver before and after its thread is started.
struct ReceiverSource<R: Receiver> {
    buffered: Buffered<R::Item>,
    /// Taken when the thread starts.
    waiting: Option<(R, Sender<R::Item>)>,
    status: ReceiverStatus,
}

impl<R: Receiver> Input for ReceiverSource<R> {
    type Item = R::Item;

    fn start(&mut self) -> Result<(), BoxError> {
        let Some((receiver, sender)) = self.waiting.take() else {
            return Ok(());
        };
        let status = self.status.clone();
        status.enter(ReceiverState::Running, Some(ReceiverEvent::Started));
        let named = thread::Builder::new().name("forebay-receiver".into());
        named.spawn(move || supervise(receiver, &sender, &status))?;
        Ok(())
    }

    fn take(&mut self, now: BatchTime, limit: usize) -> Result<Vec<R::Item>, BoxError> {
        let items = self.buffered.take(now, limit)?;
        self.status.add(items.len(), Instant::now());
        Ok(items)
    }

    fn secured(&mut self) {
        self.buffered.secured();
    }

    fn left_out(&mut self) {
        self.buffered.left_out();
    }

    fn stop(&mut self) {
        self.buffered.stop();
        self.status.stop();
    }

    fn as_receiver(&mut self) -> Option<&mut dyn ReceiverFacet> {
        Some(self)
    }

    fn is_finished(&self) -> bool {
        self.buffered.is_finished()
    }

    fn has_pending(&self) -> bool {
        self.buffered.has_pending()
    }
}

impl<R: Receiver> ReceiverFacet for ReceiverSource<R> {
    fn events(&mut self) -> Vec<ReceiverEvent> {
        mem::take(&mut lock(&self.status.0.phase).events)
    }

    fn report(&self) -> ReceiverReport {
        ReceiverReport {
            state: self.status.state(),
            items: self.status.items(),
            rate: self.status.rate(),
            errors: self.status.errors(),
        }
    }
}

/// Calls a receiver until it ends or the stream stops.
fn supervise<R: Receiver>(mut receiver: R, sender: &Sender<R::Item>, status: &ReceiverStatus) {
    let mut pause = PAUSES.0;
    while !sender.is_stopped() {
        let called = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| receiver.receive(sender)));
        let message = match result {
            Ok(Ok(())) => break,
            _ if sender.is_stopped() => break,
            Ok(Err(error)) => error.to_string(),
            Err(payload) => Cause::from_panic(payload.as_ref()).to_string(),
        };
        status.fail(message);
        if called.elapsed() > PAUSES.1 {
            pause = PAUSES.0;
        }
        let until = Instant::now() + pause;
        while Instant::now() < until && !sender.is_stopped() {
            thread::sleep(GLANCE.min(pause));
        }
        pause = (2 * pause).min(PAUSES.1);
        status.enter(ReceiverState::Running, None);
    }
    status.stop();
}

impl StreamingContext {
    /// A stream of what a [`Receiver`] receives: each batch takes all that has come since the one
    /// before. The receiver's thread starts with the stream.
    pub fn receiver<R: Receiver>(&self, receiver: R) -> (DStream<'_, R::Item>, ReceiverStatus) {
        let status = ReceiverStatus::default();
        (self.receive(receiver, &status), status)
    }

    /// The same with a given status.
    pub(super) fn receive<R: Receiver>(
        &self,
        receiver: R,
        status: &ReceiverStatus,
    ) -> DStream<'_, R::Item> {
        let (sender, buffered) = buffer(WAITING);
        let source = ReceiverSource {
            buffered,
            waiting: Some((receiver, sender)),
            status: status.clone(),
        };
        self.input("receiver", source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_batch() {
        let status = ReceiverStatus::default();
        let start = Instant::now();
        status.add(70, start);
        assert_eq!(status.rate(), 0.0);
        status.add(30, start + Duration::from_millis(500));
        assert!((status.rate() - 60.0).abs() < 1e-6);
        status.add(0, start + Duration::from_secs(1));
        assert_eq!((status.rate(), status.items()), (0.0, 100));
    }
}
