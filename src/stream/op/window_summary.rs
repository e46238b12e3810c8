//! Summaries of windows.

use std::boxed::Box;
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
use crate::stream::op::two_stacks::TwoStacks;
use crate::stream::pipeline::materialized::Materialized;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::{Slot, to_partitions};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::{OperatorSnapshot, snapshot_value};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, recover_value};
use crate::stream::state::stateful::Stateful;
use crate::stream::time::{BatchTime, DurationError, multiple_of};
use crate::summary::Summary;

struct WindowSummaryOperator<P, S, F> {
    pipe: P,
    make: F,
    stacks: TwoStacks<S>,
    /// As they were before the batch; they share its summaries.
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
    /// At most three merges for each batch, amortised, whatever the length of the window; once in
    /// that length, a batch makes a merge for every batch in the window. Memory for one summary per
    /// batch in the window.
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
