//! The handle of a stream while it is declared.

use std::marker::PhantomData;
use std::string::String;
use std::time::Duration;
use std::{fmt, format, vec};

use crate::stream::data::Data;
use crate::stream::pipeline::materialized::{Materialized, Shared};
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::context::StreamingContext;
use crate::stream::threads::blame::OperatorId;

/// A sequence of batches of `T`: the result of an input or an operator.
///
/// It declares what is to be computed; no item passes through it. Every operator is a method that
/// returns another `DStream`. A stream that several operators read is computed once per batch.
///
/// `P` is the type of the fused pipeline that computes it (see [`pipe`](crate::stream::pipe)). To
/// name the type of a stream in a struct or a list, use [`boxed`](Self::boxed), which gives the
/// plain `DStream<'c, T>`.
pub struct DStream<'c, T, P = Materialized<T>> {
    pub(crate) ctx: &'c StreamingContext,
    pub(crate) operator: OperatorId,
    /// Milliseconds, a multiple of the batch interval.
    pub(crate) slide: u64,
    pub(crate) pipe: P,
    item: PhantomData<fn() -> T>,
}

impl<'c, P: Pipe> DStream<'c, P::Item, P> {
    pub(crate) fn new(
        ctx: &'c StreamingContext,
        operator: OperatorId,
        slide: u64,
        pipe: P,
    ) -> Self {
        Self {
            ctx,
            operator,
            slide,
            pipe,
            item: PhantomData,
        }
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// The time from one batch of this stream to the next: the batch interval, unless it comes
    /// from a window.
    #[must_use]
    pub fn slide(&self) -> Duration {
        Duration::from_millis(self.slide)
    }

    /// Gives the operator that makes this stream a name, for errors, reports and checkpoints.
    ///
    /// Without a name it is called after its kind and position, as in `map-3`. Two operators of the
    /// same name are an error at the start.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        self.ctx.rename(self.operator, name.into());
        self
    }

    /// Names an operator that is built from others after its kind and position.
    pub(crate) fn kind(self, kind: &str) -> Self {
        let name = format!("{kind}-{}", self.operator);
        self.named(name)
    }

    /// Erases the type of the pipeline: batches are stored before anything reads them.
    ///
    /// Costs one collection per partition and batch.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::{DStream, StreamingContext};
    ///
    /// let ctx = StreamingContext::builder("boxed").build()?;
    /// let numbers = ctx.batches([vec![1, 2, 3]]);
    /// let variants: Vec<DStream<'_, i32>> = vec![
    ///     numbers.map(|n| n + 1).boxed(),
    ///     numbers.filter(|n| n % 2 == 0).boxed(),
    /// ];
    /// # assert_eq!(variants.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn boxed(&self) -> DStream<'c, T> {
        let pipe = self.pipe.clone();
        self.ctx
            .wide_shared("boxed", vec![self.operator], self.slide, move |context| {
                context.run(&pipe, |task| pipe.collect(task))
            })
    }

    /// A stage that runs inside its consumer's loop.
    pub(crate) fn narrow<Q: Pipe>(
        &self,
        kind: &str,
        pipe: impl FnOnce(P, OperatorId) -> Q,
    ) -> DStream<'c, Q::Item, Shared<Q>> {
        let parent = self.pipe.clone();
        self.ctx
            .narrow(kind, vec![self.operator], self.slide, |operator| {
                pipe(parent, operator)
            })
    }
}

impl<T, P: Clone> Clone for DStream<'_, T, P> {
    fn clone(&self) -> Self {
        Self {
            pipe: self.pipe.clone(),
            ..*self
        }
    }
}

impl<T, P> fmt::Debug for DStream<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DStream")
            .field("operator", &self.operator)
            .field("slide", &Duration::from_millis(self.slide))
            .finish_non_exhaustive()
    }
}
