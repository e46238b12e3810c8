//! Any function from whole batches to a batch.

use std::vec;

use crate::stream::Data;
use crate::stream::batch::{Batch, IntoBatch};
use crate::stream::dstream::DStream;
use crate::stream::error::BatchError;
use crate::stream::executor::Step;
use crate::stream::pipe::Pipe;
use crate::stream::slot::Partitions;
use crate::stream::time::BatchTime;

/// The batch of a pipe, computed.
pub(crate) fn batch_of<P: Pipe>(step: &Step, pipe: &P) -> Result<Batch<P::Item>, BatchError> {
    let partitions = step.run(pipe, |scope| pipe.collect(scope))?;
    Ok(Batch::new(step.clone(), partitions))
}

/// Calls a function of batches and takes its answer apart.
pub(crate) fn call<R: IntoBatch>(
    step: &Step,
    function: impl FnOnce() -> R,
) -> Result<Partitions<R::Item>, BatchError> {
    let answer = step.guard(None, || function().into_batch())?;
    let batch = answer.map_err(|error| step.failure(error))?;
    Ok(batch.into_shared())
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// Calls `f` once per batch, on the driver's thread, with the whole batch and its time.
    ///
    /// `f` returns a [`Batch`], or a `Result` of one whose error fails the batch. The operations
    /// of the batch run in parallel.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let stamped = ctx
    ///     .batches([vec!["a", "b"]])
    ///     .transform(|batch, time| batch.map(move |item| (time, item)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transform<R, F>(&self, mut f: F) -> DStream<'c, R::Item>
    where
        R: IntoBatch,
        F: FnMut(Batch<T>, BatchTime) -> R + Send + 'static,
    {
        let pipe = self.pipe.clone();
        let parents = vec![self.node];
        self.ctx
            .wide_shared("transform", parents, self.slide, move |step| {
                let batch = batch_of(step, &pipe)?;
                call(step, || f(batch, step.time))
            })
    }
}
