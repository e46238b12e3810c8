//! Summaries of windows. Summaries can be merged but not taken apart, so a window keeps partial
//! merges in two stacks.

use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use crate::random::DefaultRng;
use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::Data;
use crate::stream::error::BatchError;
use crate::stream::op::facets::{has_no_tables, has_state};
use crate::stream::op::summarize::summarize;
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Slot, to_partitions};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::{Codec, Codecs, time as time_codec};
use crate::stream::state::operator_snapshot::{OperatorSnapshot, snapshot_value};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, recover_value};
use crate::stream::state::stateful::Stateful;
use crate::stream::time::{BatchTime, DurationError, multiple_of};
use crate::summary::{Merge, Summary};

/// A queue of summaries that returns the merge of all of them.
///
/// The older half is a stack of running merges, each of one summary and all that are younger than
/// it in that half, the oldest on top; the younger half is kept as it came, with its merge beside
/// it. The oldest leaves by a pop; when the older half is used up, the younger becomes the older
/// one, at one merge for each. So each summary is merged at most twice, and an answer costs one
/// merge more (Tangwongsan, Hirzel and Schneider 2015, two-stacks).
#[derive(Clone)]
pub(crate) struct TwoStacks<S> {
    /// Merges of a suffix of the older half; the one that spans all of it is last.
    older: Vec<(BatchTime, S)>,
    /// The younger half, oldest first.
    younger: VecDeque<(BatchTime, S)>,
    /// The merge of the younger half; `None` if that is empty.
    merged: Option<S>,
}

impl<S: Merge + Clone> TwoStacks<S> {
    pub(crate) fn new() -> Self {
        Self {
            older: Vec::new(),
            younger: VecDeque::new(),
            merged: None,
        }
    }

    pub(crate) fn push(&mut self, time: BatchTime, summary: S) {
        match &mut self.merged {
            Some(merged) => merged.merge(summary.clone()),
            none => *none = Some(summary.clone()),
        }
        self.younger.push_back((time, summary));
    }

    /// Drops what is not younger than `oldest`.
    pub(crate) fn evict(&mut self, oldest: BatchTime) {
        loop {
            if self.older.is_empty() {
                self.flip();
            }
            match self.older.last() {
                Some((time, _)) if *time <= oldest => self.older.pop(),
                _ => return,
            };
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.older.is_empty() && self.younger.is_empty()
    }

    fn flip(&mut self) {
        self.merged = None;
        for (time, mut summary) in self.younger.drain(..).rev() {
            if let Some((_, younger)) = self.older.last() {
                summary.merge(younger.clone());
            }
            self.older.push((time, summary));
        }
    }

    /// The merge of all, the older first.
    pub(crate) fn query(&self) -> Option<S> {
        let older = self.older.last().map(|(_, summary)| summary);
        S::merge_all(older.into_iter().chain(&self.merged).cloned())
    }
}

impl<S: Data> TwoStacks<S> {
    /// Both stacks as they are: what was merged is not merged again.
    pub(crate) fn codec(summary: &Codec<S>) -> Codec<Self> {
        let (one, other) = (summary.clone(), summary.clone());
        let (put_row, take_row) = (time_codec().and(summary), time_codec().and(summary));
        Codec::new(
            std::format!("window of {}", summary.name()),
            move |stacks: &Self, out| {
                put_row.put_all(stacks.older.iter(), out)?;
                put_row.put_all(stacks.younger.iter(), out)?;
                one.put_all(Vec::from_iter(&stacks.merged).into_iter(), out)
            },
            move |bytes| {
                Ok(Self {
                    older: take_row.take_all(bytes)?,
                    younger: take_row.take_all(bytes)?.into(),
                    merged: other.take_all(bytes)?.pop(),
                })
            },
        )
    }
}

struct WindowSummaryOperator<P, S, F> {
    pipe: P,
    make: F,
    stacks: TwoStacks<S>,
    /// As they were before the batch.
    saved: Option<TwoStacks<S>>,
    slot: Arc<Slot<S>>,
    /// Milliseconds.
    window: u64,
}

impl<P, S, F> Operator for WindowSummaryOperator<P, S, F>
where
    P: Pipe,
    S: Summary<Item = P::Item> + Data,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    fn connect(&mut self, consumers: usize, _job: &Arc<JobContext>) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let summary = summarize(context, &self.pipe, &self.make)?;
        let oldest = context.time.as_millis().saturating_sub(self.window);
        let merged = context.guard(None, || {
            if let Some(summary) = summary {
                self.stacks.push(context.time, summary);
            }
            self.stacks.evict(BatchTime::from_millis(oldest));
            self.stacks.query()
        })?;
        self.slot.fill(to_partitions(vec![Vec::from_iter(merged)]));
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }

    has_state!();
}

impl<P, S, F> Stateful for WindowSummaryOperator<P, S, F>
where
    P: Pipe,
    S: Summary<Item = P::Item> + Data,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    fn save(&mut self) {
        self.saved = Some(self.stacks.clone());
    }

    fn roll_back(&mut self) {
        if let Some(saved) = self.saved.take() {
            self.stacks = saved;
        }
    }

    has_no_tables!();
}

impl<P, S, F> Durable for WindowSummaryOperator<P, S, F>
where
    P: Pipe,
    S: Summary<Item = P::Item> + Data,
    F: Fn(DefaultRng) -> S + Send + Sync,
{
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        snapshot_value(&TwoStacks::codec(codecs.get()?), &self.stacks)
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        self.stacks = recover_value(&TwoStacks::codec(codecs.get()?), saved)?;
        Ok(())
    }
}

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// One summary of each window: always exactly one item.
    ///
    /// Each batch is summarised once, as by [`summarize_with_rng`](Self::summarize_with_rng), and
    /// the summaries are merged.
    ///
    /// # Cost
    ///
    /// At most three merges for each batch, amortised, whatever the length of the window; memory
    /// for one summary per batch in the window.
    ///
    /// # Errors
    ///
    /// If `window` or `slide` is not a positive multiple of this stream's slide.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// # use forebay::stream::StreamingContext;
    /// # use forebay::frequent::MisraGries;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let words = ctx.batches([vec!["ebb", "flow", "ebb"]]);
    /// let second = Duration::from_secs(1);
    /// let heavy = words.summarize_window(60 * second, second, |_| MisraGries::new(1_024))?;
    /// # let _ = heavy;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summarize_window<S, F>(
        &self,
        window: Duration,
        slide: Duration,
        make: F,
    ) -> Result<DStream<'c, S>, DurationError>
    where
        S: Summary<Item = T> + Data,
        F: Fn(DefaultRng) -> S + Send + Sync + 'static,
    {
        let window = multiple_of(window, self.slide)?;
        let slide = multiple_of(slide, self.slide)?;
        let slot = Slot::new();
        let pipe = Materialized {
            slot: Arc::clone(&slot),
        };
        let operator = WindowSummaryOperator {
            pipe: self.pipe.clone(),
            make,
            stacks: TwoStacks::new(),
            saved: None,
            slot,
            window,
        };
        let parents = vec![self.operator];
        let kind = "summarize_window";
        let operator = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, Box::new(operator));
        Ok(DStream::new(self.ctx, operator, slide, pipe))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    std::thread_local! {
        static MERGES: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Items(Vec<u64>);

    impl Merge for Items {
        fn merge(&mut self, other: Self) {
            MERGES.set(MERGES.get() + 1);
            self.0.extend(other.0);
        }
    }

    #[test]
    fn the_merge_is_that_of_the_window_in_order_at_three_merges_a_step() {
        for window in [1, 2, 7, 60] {
            MERGES.set(0);
            let mut stacks = TwoStacks::new();
            let steps = 1_000;
            for now in 1..=steps {
                stacks.push(BatchTime::from_millis(now), Items(vec![now]));
                stacks.evict(BatchTime::from_millis(now.saturating_sub(window)));
                let first = now.saturating_sub(window) + 1;
                assert_eq!(stacks.query(), Some(Items((first..=now).collect())));
            }
            assert!(MERGES.get() as u64 <= 3 * steps, "{}", MERGES.get());
        }
    }

    #[test]
    fn gaps_longer_than_the_window_empty_it() {
        let mut stacks = TwoStacks::new();
        stacks.push(BatchTime::from_millis(1), Items(vec![1]));
        stacks.push(BatchTime::from_millis(2), Items(vec![2]));
        stacks.evict(BatchTime::from_millis(5));
        assert_eq!(stacks.query(), None);
    }
}
