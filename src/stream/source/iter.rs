//! An iterator as a bounded input.

use std::collections::VecDeque;
use std::iter::Fuse;
use std::ops::Range;
use std::vec;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::source::Source;

/// An iterator, whose positions are numbers of items. It cannot go back.
struct IterSource<I: Iterator> {
    items: Fuse<I>,
    /// Drawn but not read: what a plan has counted, and one more, so that the end is known in time.
    ahead: VecDeque<I::Item>,
    per_batch: usize,
    /// The position of the first item ahead.
    at: u64,
}

impl<I: Iterator> IterSource<I> {
    /// Drops the items before a position: they were read in another run, or left out.
    fn go_to(&mut self, to: u64) -> Result<(), BoxError> {
        while self.at < to {
            self.look_ahead(1);
            let item = self.ahead.pop_front();
            item.ok_or("the iterator is shorter than it was")?;
            self.at += 1;
        }
        Ok(())
    }

    /// Draws until this many items are buffered, or there are no more.
    fn look_ahead(&mut self, items: usize) {
        let missing = items.saturating_sub(self.ahead.len());
        self.ahead.extend(self.items.by_ref().take(missing));
    }
}

impl<I> Source for IterSource<I>
where
    I: Iterator<Item: Data> + Send + 'static,
{
    type Item = I::Item;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        self.look_ahead(1);
        Ok(vec![0])
    }

    fn seek(&mut self, to: &[u64]) -> Result<(), BoxError> {
        let [to] = to else {
            return Err("an iterator has one position".into());
        };
        self.go_to(*to)?;
        self.look_ahead(1);
        Ok(())
    }

    fn plan(&mut self, at: &[u64], limit: usize) -> Result<Vec<Range<u64>>, BoxError> {
        at.iter().try_for_each(|at| self.go_to(*at))?;
        let most = self.per_batch.min(limit);
        self.look_ahead(most.saturating_add(1));
        let planned = self.ahead.len().min(most) as u64;
        Ok(at.iter().map(|&at| at..at + planned).collect())
    }

    fn read(&mut self, _partition: usize, range: &Range<u64>) -> Result<Vec<I::Item>, BoxError> {
        self.go_to(range.start)?;
        let items = range.end.saturating_sub(range.start);
        let count = usize::try_from(items).unwrap_or(usize::MAX);
        // An earlier run may have planned more than this one has drawn.
        self.look_ahead(count.saturating_add(1));
        if self.ahead.len() < count {
            return Err("the iterator is shorter than it was".into());
        }
        self.at += items;
        Ok(self.ahead.drain(..count).collect())
    }

    fn is_finished(&self, _at: &[u64]) -> bool {
        self.ahead.is_empty()
    }
}

impl StreamingContext {
    /// A bounded stream of the items of an iterator, `per_batch` of them in each batch.
    ///
    /// The iterator runs on the driver's thread, one item ahead.
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
        let source = IterSource {
            items: items.into_iter().fuse(),
            ahead: VecDeque::new(),
            per_batch,
            at: 0,
        };
        self.followed("iter", source, None).0
    }
}
