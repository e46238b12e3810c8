//! Past batches, for whoever asks.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::batch::Batch;
use crate::stream::dstream::DStream;
use crate::stream::executor::lock;
use crate::stream::op::transform::batch_of;
use crate::stream::pipe::Pipe;
use crate::stream::time::BatchTime;

/// The last batches of a stream; cloning gives another handle to them.
pub struct History<T> {
    kept: Arc<Mutex<Kept<T>>>,
    /// Milliseconds.
    slide: u64,
}

struct Kept<T> {
    /// Oldest first.
    batches: VecDeque<Batch<T>>,
    /// A slide before the first batch, in milliseconds; `None` before it.
    zero: Option<u64>,
}

impl<T: Data> History<T> {
    /// The batches with `from <= time <= to`, after both were rounded down to the slide, oldest
    /// first; without those that are no longer kept.
    #[must_use]
    pub fn slice(&self, from: BatchTime, to: BatchTime) -> Vec<Batch<T>> {
        let kept = lock(&self.kept);
        let zero = kept.zero.unwrap_or(0);
        let floor = |time: BatchTime| {
            let since = time.as_millis().saturating_sub(zero);
            zero + since / self.slide * self.slide
        };
        let range = floor(from)..=floor(to);
        let batches = kept.batches.iter();
        batches
            .filter(|batch| range.contains(&batch.time().as_millis()))
            .cloned()
            .collect()
    }
}

impl<T> Clone for History<T> {
    fn clone(&self) -> Self {
        Self {
            kept: Arc::clone(&self.kept),
            slide: self.slide,
        }
    }
}

impl<T> fmt::Debug for History<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("batches", &lock(&self.kept).batches.len())
            .finish_non_exhaustive()
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// Keeps the batches of the last `duration` and gives a handle by which they can be read while
    /// the stream runs and afterwards. It is an output.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use forebay::stream::{BatchTime, StreamingContext};
    ///
    /// let ctx = StreamingContext::builder("doc").build()?;
    /// let history = ctx.batches([vec![1], vec![2, 3]]).remember(Duration::from_secs(60));
    /// ctx.into_driver()?.run_to_end()?;
    /// let [batch] = &history.slice(BatchTime::from_millis(2_000), BatchTime::from_millis(2_999))[..] else {
    ///     panic!("one batch");
    /// };
    /// assert_eq!(batch.iter().sum::<i32>(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remember(&self, duration: Duration) -> History<T> {
        let history = History {
            kept: Arc::new(Mutex::new(Kept {
                batches: VecDeque::new(),
                zero: None,
            })),
            slide: self.slide,
        };
        let (kept, slide, pipe) = (Arc::clone(&history.kept), self.slide, self.pipe.clone());
        let span = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.ctx.output("remember", self.node, slide, move |step| {
            let batch = batch_of(step, &pipe)?;
            let now = step.time.as_millis();
            let mut kept = lock(&kept);
            kept.zero.get_or_insert(now.saturating_sub(slide));
            // A batch that is run again replaces itself.
            kept.batches.retain(|batch| {
                let age = now.saturating_sub(batch.time().as_millis());
                (1..span.max(1)).contains(&age)
            });
            kept.batches.push_back(batch);
            Ok(())
        });
        history
    }
}
