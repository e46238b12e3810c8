//! Operators that reduce a whole batch to one item.

use std::vec;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::threads::blame::blame;

/// How many items the batch has.
pub(crate) fn count<P: Pipe>(context: &OperatorContext, pipe: &P) -> Result<u64, BatchError> {
    let counts = context.run(pipe, |task| pipe.count(task) as u64)?;
    Ok(counts.into_iter().sum())
}

/// All items of the batch combined by `f`, first within the partitions, then in their order.
pub(crate) fn reduce<P, F>(
    context: &OperatorContext,
    pipe: &P,
    f: &F,
) -> Result<Option<P::Item>, BatchError>
where
    P: Pipe,
    F: Fn(P::Item, P::Item) -> P::Item + Sync,
{
    let partials = context.run(pipe, |task| {
        let mut partial = None;
        pipe.run(task, &mut |item| {
            partial = Some(match partial.take() {
                None => item,
                Some(before) => blame(context.operator, || f(before, item)),
            });
        });
        partial
    })?;
    context.guard(None, || partials.into_iter().flatten().reduce(f))
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// The number of items in each batch: always exactly one item, 0 for an empty batch.
    #[must_use]
    pub fn count(&self) -> DStream<'c, u64> {
        let pipe = self.pipe.clone();
        let parents = vec![self.operator];
        self.ctx.wide("count", parents, self.slide, move |context| {
            Ok(vec![vec![count(context, &pipe)?]])
        })
    }

    /// All items of a batch combined by an associative `f`: one item, none for an empty batch.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let largest = ctx.batches([vec![3, 9, 2]]).reduce(i32::max);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reduce<F>(&self, f: F) -> DStream<'c, T>
    where
        F: Fn(T, T) -> T + Send + Sync + 'static,
    {
        let pipe = self.pipe.clone();
        let parents = vec![self.operator];
        self.ctx
            .wide("reduce", parents, self.slide, move |context| {
                let reduced = reduce(context, &pipe, &f)?;
                Ok(vec![reduced.into_iter().collect::<Vec<_>>()])
            })
    }
}
