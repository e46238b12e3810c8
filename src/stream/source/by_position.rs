//! Inputs that keep their items and are read by position.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::vec::Vec;
use std::{fmt, format};

use crate::stream::checkpoint::durable::{LogContext, OpenedLog};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::source::input::{Input, Replayable};
use crate::stream::source::planned::{Plans, with_plans};
use crate::stream::state::codec::Codec;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::{OperatorSnapshot, snapshot_value};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, list, recover_value};
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// An input that keeps its items and can read any range of them again: files, a log, a table.
///
/// The driver holds one position for each partition of the source. For every batch it calls
/// [`plan`](Self::plan) to learn how far to read, then [`read`](Self::read) for each range; when
/// the batch has succeeded, the ends of the ranges are the new positions. All this happens on the
/// driver's thread.
///
/// In a stream with checkpoints the plan of a batch is durable before anything is read, so a batch
/// that comes again after a crash reads the same ranges: `read` is then called without `plan`.
///
/// # Contract
///
/// - A range is exact and repeatable: the same range gives the same items in the same order, also
///   from a source built again after a crash.
/// - A plan starts at the given positions. It may have more ranges than there were positions, for
///   new partitions; never fewer.
/// - A range may be one that an earlier run planned. The next plan starts where it ends, also if
///   its batch was left out and it was not read.
/// - Ranges are read in sequence. To read elsewhere the driver calls [`seek`](Self::seek) first,
///   and only before the first batch.
///
/// # Examples
///
/// A log in the manner of Kafka: topics have partitions, partitions have offsets. A client of
/// Kafka stands where `Log` does: `ends` is its `fetch_watermarks`, `fetch` is `assign` and
/// `poll`. Offsets count records there too, so a range of offsets is a plan.
///
/// ```
/// use std::ops::Range;
/// use std::sync::{Arc, RwLock};
/// use forebay::stream::{BatchTime, BoxError, Source, StreamingContext};
///
/// #[derive(Clone, Default)]
/// struct Log(Arc<RwLock<Vec<Vec<String>>>>);
///
/// impl Log {
///     fn ends(&self) -> Vec<u64> {
///         self.0.read().unwrap().iter().map(|partition| partition.len() as u64).collect()
///     }
///     fn fetch(&self, partition: usize, offsets: &Range<u64>) -> Vec<String> {
///         let offsets = offsets.start as usize..offsets.end as usize;
///         self.0.read().unwrap()[partition][offsets].to_vec()
///     }
/// }
///
/// impl Source for Log {
///     type Item = String;
///     type Position = u64;
///
///     fn start(&mut self) -> Result<Vec<u64>, BoxError> {
///         Ok(vec![0; self.ends().len()])
///     }
///
///     fn plan(&mut self, at: &[u64], limit: usize) -> Result<Vec<Range<u64>>, BoxError> {
///         let ends = self.ends();
///         let share = (limit / ends.len().max(1)).max(1) as u64;
///         let starts = at.iter().copied().chain(std::iter::repeat(0)); // new partitions
///         Ok(starts.zip(ends).map(|(at, end)| at..end.min(at.saturating_add(share))).collect())
///     }
///
///     fn read(&mut self, partition: usize, range: &Range<u64>) -> Result<Vec<String>, BoxError> {
///         Ok(self.fetch(partition, range))
///     }
/// }
///
/// let log = Log::default();
/// log.0.write().unwrap().push(vec!["a".into(), "b".into()]);
///
/// let ctx = StreamingContext::builder("log").build()?;
/// let (lines, positions) = ctx.source_from(log.clone(), None);
/// lines.print();
/// let mut driver = ctx.into_driver()?;
/// assert_eq!(driver.step(BatchTime::from_millis(1_000))?.items(), 2);
/// assert_eq!(positions.get(), [2]);
///
/// // One more partition, and a program that continues where the other one stopped.
/// log.0.write().unwrap().push(vec!["c".into()]);
/// let ctx = StreamingContext::builder("log").build()?;
/// let (lines, positions) = ctx.source_from(log, Some(positions.get()));
/// lines.print();
/// let mut driver = ctx.into_driver()?;
/// assert_eq!(driver.step(BatchTime::from_millis(2_000))?.items(), 1);
/// assert_eq!(positions.get(), [2, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Source: Send + 'static {
    /// The items.
    type Item: Data;

    /// A place in one partition, between two items: all that is needed to resume from there.
    type Position: Clone + PartialEq + fmt::Debug + Send + 'static;

    /// Connects, opens, and returns the first position of each partition. Called once, before all
    /// else.
    ///
    /// # Errors
    ///
    /// Whatever keeps the stream from starting.
    fn start(&mut self) -> Result<Vec<Self::Position>, BoxError>;

    /// Moves to the positions of an earlier run instead of the beginning. Called at most once,
    /// after [`start`](Self::start); to be implemented by sources that advance by themselves
    /// instead of following the positions in a plan.
    ///
    /// # Errors
    ///
    /// If a position does not exist.
    fn seek(&mut self, _to: &[Self::Position]) -> Result<(), BoxError> {
        Ok(())
    }

    /// The ranges that the next batch is to read, given the current positions: about `limit` items
    /// in all, but at least one if there is any.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch.
    fn plan(
        &mut self,
        at: &[Self::Position],
        limit: usize,
    ) -> Result<Vec<Range<Self::Position>>, BoxError>;

    /// The items of a range of one partition, in their order.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch.
    fn read(
        &mut self,
        partition: usize,
        range: &Range<Self::Position>,
    ) -> Result<Vec<Self::Item>, BoxError>;

    /// How positions are stored in checkpoints; it is asked before the context. Without it they are
    /// stored if they are of a type
    /// that the context has made [`durable`](crate::stream::ContextBuilder::durable), as numbers
    /// and texts are.
    fn position_codec(&self) -> Option<Codec<Self::Position>> {
        None
    }

    /// Releases what lies before these positions: no kept checkpoint needs it. A source that holds
    /// its items frees them here; one that reads a broker may commit them. Never called in a stream
    /// without checkpoints.
    fn release(&mut self, _before: &[Self::Position]) {}

    /// Whether no item will ever follow these positions: never, unless the source is bounded.
    fn is_finished(&self, _at: &[Self::Position]) -> bool {
        false
    }
}

/// The positions of a [`Source`] after the last batch that succeeded; cloning gives another handle.
///
/// A program that stores them with its results in one transaction resumes after a crash without
/// loss or repetition.
#[derive(Clone, Debug)]
pub struct Positions<P>(Arc<Mutex<Vec<P>>>);

impl<P: Clone> Positions<P> {
    /// One position per partition; none before the stream has started.
    #[must_use]
    pub fn get(&self) -> Vec<P> {
        lock(&self.0).clone()
    }
}

/// A source with the positions that the driver holds for it.
struct Followed<S: Source> {
    source: S,
    /// The positions to start from, if not the beginning; taken at the start.
    from: Option<Vec<S::Position>>,
    /// After the last batch.
    at: Positions<S::Position>,
    /// The ends of the ranges that the current batch has read.
    ends: Vec<S::Position>,
    history: PositionHistory<S::Position>,
    plans: Plans<S::Position>,
    /// Whether `from` is that of a checkpoint.
    recovered: bool,
}

/// The positions after each batch that a checkpoint may go back to.
struct PositionHistory<P> {
    /// Whether checkpoints are taken.
    wanted: Cell<bool>,
    positions: VecDeque<(BatchTime, Vec<P>)>,
}

impl<P: Clone> PositionHistory<P> {
    const fn new() -> Self {
        Self {
            wanted: Cell::new(false),
            positions: VecDeque::new(),
        }
    }

    fn add(&mut self, time: BatchTime, at: Vec<P>) {
        if self.wanted.get() {
            self.positions.push_back((time, at));
        }
    }

    /// The positions after the batch of this time; those before it are forgotten.
    fn up_to(&mut self, time: BatchTime) -> Option<Vec<P>> {
        while self.positions.front()?.0 < time {
            self.positions.pop_front();
        }
        let (reached, positions) = self.positions.pop_front()?;
        (reached == time).then_some(positions)
    }
}

impl<S: Source> Followed<S> {
    /// The codec of positions: that of the source, or else that of the context.
    fn codec(&self, codecs: &Codecs) -> Result<Codec<S::Position>, Refusal> {
        match self.source.position_codec() {
            Some(codec) => Ok(codec),
            None => Ok(codecs.get()?.clone()),
        }
    }
}

impl<S: Source> Input for Followed<S> {
    type Item = S::Item;

    fn start(&mut self) -> Result<(), BoxError> {
        let mut at = self.source.start()?;
        if let Some(from) = self.from.take() {
            self.source.seek(&from)?;
            at = from;
        }
        *lock(&self.at.0) = at;
        Ok(())
    }

    fn take(&mut self, now: BatchTime, limit: usize) -> Result<Vec<S::Item>, BoxError> {
        let at = self.at.get();
        let Self { source, plans, .. } = self;
        let plan = plans.of_batch(now, &at, || {
            let plan = source.plan(&at, limit)?;
            check(&at, &plan)?;
            Ok(plan)
        })?;
        let mut items = Vec::new();
        for (partition, range) in plan.iter().enumerate() {
            items.append(&mut self.source.read(partition, range)?);
        }
        self.ends = plan.into_iter().map(|range| range.end).collect();
        Ok(items)
    }

    fn batch_done(&mut self) {
        lock(&self.at.0).clone_from(&self.ends);
        self.plans.batch_done();
    }

    fn has_pending(&self) -> bool {
        self.plans.has_waiting()
    }

    fn as_replayable(&mut self) -> Option<&mut dyn Replayable> {
        Some(self)
    }

    fn replayable(&self) -> Option<&dyn Replayable> {
        Some(self)
    }

    fn is_finished(&self) -> bool {
        self.source.is_finished(&lock(&self.at.0))
    }
}

impl<S: Source> Replayable for Followed<S> {
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        self.history.wanted.set(true);
        let positions = list(&self.codec(codecs)?);
        let reached = (self.at.get(), self.plans.position());
        snapshot_value(&with_plans(&positions, codecs)?, &reached)
    }

    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let positions = list(&self.codec(codecs)?);
        let (from, plans) = recover_value(&with_plans(&positions, codecs)?, saved)?;
        (self.from, self.recovered) = (Some(from), true);
        self.plans.resume(plans);
        Ok(())
    }

    fn open_log(&mut self, context: &LogContext<'_>) -> Result<OpenedLog, CheckpointError> {
        let codec = self.codec(context.codecs);
        let codec = codec.map_err(|refusal| CheckpointError::refused(refusal, context.operator))?;
        let mut opened = self.plans.open(context, &codec)?;
        if self.from.is_some() && !self.recovered {
            self.plans.forget_waiting()?;
            opened.first = None;
        }
        Ok(opened)
    }

    fn committed(&mut self, time: BatchTime) {
        // A recovered source has not started yet: it is where the checkpoint left it.
        let at = self.from.clone().unwrap_or_else(|| self.at.get());
        let at = match self.plans.committed(time, &at) {
            Some(passed_over) => {
                lock(&self.at.0).clone_from(&passed_over);
                passed_over
            }
            None => at,
        };
        self.history.add(time, at);
    }

    fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        if let Some(positions) = self.history.up_to(oldest) {
            self.source.release(&positions);
        }
        self.plans.release_before(oldest)
    }
}

/// A plan that does not start at the current positions would lose or repeat items.
fn check<P: PartialEq + fmt::Debug>(at: &[P], plan: &[Range<P>]) -> Result<(), BoxError> {
    if plan.len() < at.len() {
        let (planned, known) = (plan.len(), at.len());
        return Err(format!("the plan has {planned} partitions of {known}").into());
    }
    for (partition, (at, range)) in at.iter().zip(plan).enumerate() {
        if range.start != *at {
            let begins = &range.start;
            return Err(format!(
                "the plan of partition {partition} begins at {begins:?}, not at {at:?}"
            )
            .into());
        }
    }
    Ok(())
}

impl StreamingContext {
    /// A stream of the items of a [`Source`], from its beginning.
    pub fn source<S: Source>(&self, source: S) -> DStream<'_, S::Item> {
        self.source_from(source, None).0
    }

    /// A stream of the items of a [`Source`], from its beginning or from the positions of an
    /// earlier run, and the positions that it reaches.
    ///
    /// # Examples
    ///
    /// See [`Source`].
    pub fn source_from<S: Source>(
        &self,
        source: S,
        from: Option<Vec<S::Position>>,
    ) -> (DStream<'_, S::Item>, Positions<S::Position>) {
        self.followed("source", source, from)
    }

    pub(crate) fn followed<S: Source>(
        &self,
        kind: &str,
        source: S,
        from: Option<Vec<S::Position>>,
    ) -> (DStream<'_, S::Item>, Positions<S::Position>) {
        let at = Positions(Arc::default());
        let followed = Followed {
            source,
            from,
            at: at.clone(),
            ends: Vec::new(),
            history: PositionHistory::new(),
            plans: Plans::new(),
            recovered: false,
        };
        (self.input(kind, followed), at)
    }
}
