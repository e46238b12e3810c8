//! Arbitrary functions of whole batches.

use std::vec;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::op::batches::batch::{Batch, IntoBatch};
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::Partitions;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::threads::blame::OperatorId;
use crate::stream::time::BatchTime;

/// The computed batch of a pipe.
pub(crate) fn batch_of<P: Pipe>(
    context: &OperatorContext,
    pipe: &P,
) -> Result<Batch<P::Item>, BatchError> {
    let partitions = context.run(pipe, |task| pipe.collect(task))?;
    Ok(Batch::new(context.clone(), partitions))
}

/// Calls a function of batches and unpacks its result.
pub(crate) fn call<R: IntoBatch>(
    context: &OperatorContext,
    function: impl FnOnce() -> R,
) -> Result<Partitions<R::Item>, BatchError> {
    let answer = context.guard(None, || function().into_batch())?;
    let batch = answer.map_err(|error| context.failure(error))?;
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
        let parents = vec![self.operator];
        self.ctx
            .wide_shared("transform", parents, self.slide, move |context| {
                let batch = batch_of(context, &pipe)?;
                call(context, || f(batch, context.time))
            })
    }

    /// Calls `f` once per batch with the batches of this and another stream, and their time.
    ///
    /// # Panics
    ///
    /// If the two have different slides.
    #[track_caller]
    pub fn transform_with<U, Q, R, F>(
        &self,
        other: &DStream<'c, U, Q>,
        mut f: F,
    ) -> DStream<'c, R::Item>
    where
        U: Data,
        Q: Pipe<Item = U>,
        R: IntoBatch,
        F: FnMut(Batch<T>, Batch<U>, BatchTime) -> R + Send + 'static,
    {
        self.assert_same_slide(other);
        let (first, second) = (self.pipe.clone(), other.pipe.clone());
        let parents = vec![self.operator, other.operator];
        self.ctx
            .wide_shared("transform_with", parents, self.slide, move |context| {
                let batches = (batch_of(context, &first)?, batch_of(context, &second)?);
                call(context, || f(batches.0, batches.1, context.time))
            })
    }
}

impl StreamingContext {
    /// Calls `f` once per batch with the batches of all the streams, in their order, and their
    /// time.
    ///
    /// # Panics
    ///
    /// If there is no stream, or their slides differ.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// let ctx = StreamingContext::builder("doc").build()?;
    /// let numbers = ctx.batches([vec![1, 2, 3]]);
    /// let streams = [numbers.boxed(), numbers.filter(|n| n % 2 == 1).boxed()];
    /// let sizes = ctx.transform(&streams, |batches, _time| {
    ///     let sizes = batches.iter().map(|batch| batch.len()).collect();
    ///     batches[0].with_items(sizes)
    /// });
    /// # let _ = sizes;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn transform<'c, T, P, R, F>(
        &'c self,
        streams: &[DStream<'c, T, P>],
        mut f: F,
    ) -> DStream<'c, R::Item>
    where
        T: Data,
        P: Pipe<Item = T>,
        R: IntoBatch,
        F: FnMut(Vec<Batch<T>>, BatchTime) -> R + Send + 'static,
    {
        let (pipes, parents, slide) = together(streams);
        self.wide_shared("transform", parents, slide, move |context| {
            let batches = pipes.iter().map(|pipe| batch_of(context, pipe));
            let batches = batches.collect::<Result<Vec<_>, _>>()?;
            call(context, || f(batches, context.time))
        })
    }

    /// The items of all the streams; their partitions stay as they are, one stream after the
    /// other.
    ///
    /// # Panics
    ///
    /// If there is no stream, or their slides differ.
    #[track_caller]
    pub fn union<'c, T, P>(&'c self, streams: &[DStream<'c, T, P>]) -> DStream<'c, T>
    where
        T: Data,
        P: Pipe<Item = T>,
    {
        let (pipes, parents, slide) = together(streams);
        self.wide_shared("union", parents, slide, move |context| {
            let mut all = Vec::new();
            for pipe in &pipes {
                all.append(&mut context.run(pipe, |task| pipe.collect(task))?);
            }
            Ok(all)
        })
    }
}

/// The pipes and operators of several streams, and their slide.
#[track_caller]
fn together<T: Data, P: Pipe<Item = T>>(
    streams: &[DStream<'_, T, P>],
) -> (Vec<P>, Vec<OperatorId>, u64) {
    let (first, rest) = streams.split_first().expect("at least one stream");
    for stream in rest {
        first.assert_same_slide(stream);
    }
    let pipes = streams.iter().map(|stream| stream.pipe.clone()).collect();
    let operators = streams.iter().map(|stream| stream.operator).collect();
    (pipes, operators, first.slide)
}
