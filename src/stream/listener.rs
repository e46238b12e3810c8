//! What a stream tells about itself while it runs.

use super::driver::StepReport;
use super::error::BatchError;
use super::time::BatchTime;

/// Something that happened to a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StreamEvent {
    /// A batch begins to run.
    Started(BatchTime),
    /// A batch has run, all its outputs included.
    Completed(StepReport),
    /// A batch has failed.
    Failed(BatchError),
}

/// Whoever wants to know; any closure of a [`StreamEvent`] is one.
///
/// Called on the driver's thread, between batches: what it costs delays the stream.
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
    /// Takes notice of an event.
    fn on_event(&mut self, event: &StreamEvent);
}

impl<F: FnMut(&StreamEvent) + Send + 'static> Listener for F {
    fn on_event(&mut self, event: &StreamEvent) {
        self(event);
    }
}
