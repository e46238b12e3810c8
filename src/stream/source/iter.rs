//! An iterator as a bounded input.

use std::iter::Peekable;
use std::vec::Vec;

use super::Source;
use crate::stream::Data;
use crate::stream::context::StreamingContext;
use crate::stream::dstream::DStream;
use crate::stream::error::BoxError;
use crate::stream::time::BatchTime;

struct IterSource<I: Iterator> {
    /// Looked ahead by one item after every batch, so that the end is known in time.
    items: Peekable<I>,
    per_batch: usize,
    finished: bool,
}

impl<I> Source for IterSource<I>
where
    I: Iterator<Item: Data> + Send + 'static,
{
    type Item = I::Item;

    fn take(&mut self, _time: BatchTime) -> Result<Vec<I::Item>, BoxError> {
        let taken = self.items.by_ref().take(self.per_batch).collect();
        self.finished = self.items.peek().is_none();
        Ok(taken)
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}

impl StreamingContext {
    /// A bounded stream of the items of an iterator, `per_batch` of them in each batch.
    ///
    /// The iterator is drawn from on the driver's thread, and looked ahead by one item.
    ///
    /// # Panics
    ///
    /// If `per_batch` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let numbers = ctx.from_iter(1..=1_000_000u64, 100_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn from_iter<I>(&self, items: I, per_batch: usize) -> DStream<'_, I::Item>
    where
        I: IntoIterator<Item: Data, IntoIter: Send + 'static>,
    {
        assert!(per_batch > 0, "a batch takes at least one item");
        let mut items = items.into_iter().peekable();
        let finished = items.peek().is_none();
        self.input(
            "iter",
            IterSource {
                items,
                per_batch,
                finished,
            },
        )
    }
}
