//! Events of a running stream.

use std::string::String;
use std::sync::Arc;

use crate::stream::error::BatchError;
use crate::stream::run::metrics::StepReport;
use crate::stream::time::BatchTime;

/// Something that happened to a batch or a receiver.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The time of a batch has come; it may have to wait for earlier ones. If the inputs end in
    /// those, it does not run.
    Submitted(BatchTime),
    /// A batch starts.
    Started(BatchTime),
    /// A batch has run, outputs included. The checkpoint that may follow it can still fail.
    Completed(StepReport),
    /// A batch has failed and will be retried.
    Retried(BatchError),
    /// A batch has failed: the stream ends, or continues without it, as the
    /// [`FailurePolicy`](crate::stream::FailurePolicy) says.
    Failed(BatchError),
    /// A checkpoint is durable; reported after a later batch, or when the stream ends.
    Checkpointed(crate::stream::CheckpointReport),
    /// The receiver of this name has been started.
    ReceiverStarted(Arc<str>),
    /// The receiver of this name has failed, with this message, and will be called again.
    ReceiverError(Arc<str>, String),
    /// The receiver of this name has ended or was stopped.
    ReceiverStopped(Arc<str>),
}

/// Receives events; any closure of a [`StreamEvent`] is a listener.
///
/// Called on the driver's thread, between batches: its cost delays the stream. Events of receivers
/// are reported before and after the next batch.
///
/// # Panics
///
/// A listener that panics ends the stream, whatever the
/// [`FailurePolicy`](crate::stream::FailurePolicy): the error is that of an operator named
/// `listener` and has the message of the panic. It is told nothing more; the other listeners are
/// told [`Failed`](StreamEvent::Failed). A batch that has run by then stays committed.
///
/// # Examples
///
/// ```
/// use forebay::stream::{StreamEvent, StreamingContext};
///
/// let ctx = StreamingContext::builder("observed").build()?;
/// ctx.batches([vec![1, 2, 3]]).print();
/// ctx.listen(|event: &StreamEvent| {
///     if let StreamEvent::Completed(report) = event {
///         eprintln!("{}: {} items in {:?}", report.time(), report.items(), report.duration());
///     }
/// });
/// ctx.into_driver()?.run_to_end()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Listener: Send + 'static {
    /// Handles an event.
    fn on_event(&mut self, event: &StreamEvent);
}

impl<F: FnMut(&StreamEvent) + Send + 'static> Listener for F {
    fn on_event(&mut self, event: &StreamEvent) {
        self(event);
    }
}
