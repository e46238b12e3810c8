//! What each batch of an input by position reads: durable before the batch runs, so that the batch
//! reads the same when it comes again after a crash.

use std::format;
use std::ops::Range;
use std::vec::Vec;

use crate::stream::checkpoint::durable::{LogContext, OpenedLog};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::log::Log;
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, Codecs, put, take};
use crate::stream::state::refusal::Refusal;
use crate::stream::time::BatchTime;

/// What a batch is to read of one partition.
struct Planned<P> {
    /// Whether the plan before this one was carried out. It was not if reading failed and the batch
    /// was left out: this plan then begins where that one did.
    follows: bool,
    /// Where it begins; `None` if at the position that the input has reached.
    start: Option<P>,
    /// Where it ends; `None` if there is nothing to read.
    end: Option<P>,
}

/// The number of the next plan, and whether the one before it was carried out.
pub(super) type PlansPosition = (u64, bool);

/// The plans of the batches of one input.
pub(super) struct Plans<P> {
    /// `None` in a stream without checkpoints.
    log: Option<Log<Planned<P>>>,
    /// The number of the plan to resume from.
    from: u64,
    /// Whether the last plan was carried out.
    carried_out: bool,
    /// The plan of the batch that runs, for another attempt.
    current: Option<(BatchTime, Vec<Range<P>>)>,
}

impl<P: Clone + PartialEq + 'static> Plans<P> {
    pub(super) const fn new() -> Self {
        Self {
            log: None,
            from: 0,
            carried_out: true,
            current: None,
        }
    }

    /// Opens the log, after [`resume`](Self::resume).
    pub(super) fn open(
        &mut self,
        context: &LogContext<'_>,
        position: &Codec<P>,
    ) -> Result<OpenedLog, CheckpointError> {
        let codec = planned(position);
        let (log, cut) = Log::open(context.directory, context.operator, codec, self.from)?;
        let first = log.first_waiting();
        self.log = Some(log);
        Ok(OpenedLog { cut, first })
    }

    /// Continues after the plans of a checkpoint.
    pub(super) fn resume(&mut self, (from, carried_out): PlansPosition) {
        (self.from, self.carried_out) = (from, carried_out);
    }

    /// Where to resume from.
    pub(super) fn position(&self) -> PlansPosition {
        let next = self.log.as_ref().map_or(self.from, Log::position);
        (next, self.carried_out)
    }

    /// Whether batches of earlier runs are to come again.
    pub(super) fn has_waiting(&self) -> bool {
        self.log.as_ref().is_some_and(Log::has_waiting)
    }

    /// Drops the plans of earlier runs: the program has said where to begin.
    pub(super) fn forget_waiting(&mut self) -> Result<(), CheckpointError> {
        self.log.as_mut().map_or(Ok(()), Log::forget_waiting)
    }

    /// The plan of the batch of this time from the positions `at`: that of an earlier run or of an
    /// earlier attempt, or else the one that `plan` makes, which is then made durable.
    pub(super) fn of_batch(
        &mut self,
        now: BatchTime,
        at: &[P],
        plan: impl FnOnce() -> Result<Vec<Range<P>>, BoxError>,
    ) -> Result<Vec<Range<P>>, BoxError> {
        let Some(log) = &mut self.log else {
            return plan();
        };
        if let Some((time, plan)) = &self.current
            && *time == now
        {
            return Ok(plan.clone());
        }
        let ranges = match log.replay(now) {
            Some(planned) => {
                let left_out = |next: &[Planned<P>]| next.iter().any(|range| !range.follows);
                match log.upcoming().is_some_and(left_out) {
                    true => stay(at),
                    false => ranges(at, planned),
                }
            }
            None => {
                let ranges = plan()?;
                log.append(now, &record(at, &ranges, self.carried_out))?;
                ranges
            }
        };
        self.carried_out = false;
        self.current = Some((now, ranges.clone()));
        Ok(ranges)
    }

    /// The batch of the last plan is over, and its ends are the positions.
    pub(super) fn batch_done(&mut self) {
        self.carried_out = true;
        self.current = None;
    }

    /// The batch of this time is over. Returns the new positions if it comes again and was left out
    /// before its plan was carried out, though the run that made the plan went on after it: the plan
    /// is then passed over as a whole, so that later batches read what they read then. The last plan
    /// of that run is not: whether it was carried out is unknown, and nothing may be lost.
    pub(super) fn committed(&mut self, time: BatchTime, at: &[P]) -> Option<Vec<P>> {
        let log = self.log.as_mut()?;
        let follows = |log: &Log<Planned<P>>| {
            let next = log.upcoming();
            next.is_some_and(|next| next.iter().all(|range| range.follows))
        };
        let mut passed_over = None;
        // Reading failed.
        if let Some((_, plan)) = self.current.take()
            && follows(log)
        {
            passed_over = Some(ends(plan));
        }
        // Another input failed before this one was asked.
        while let Some(planned) = log.left_out(time) {
            self.carried_out = false;
            if follows(log) {
                let at = passed_over.as_deref().unwrap_or(at);
                passed_over = Some(ends(ranges(at, planned)));
            }
        }
        self.carried_out |= passed_over.is_some();
        log.committed(time);
        passed_over
    }

    pub(super) fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        let log = self.log.as_mut();
        log.map_or(Ok(()), |log| log.release_before(oldest))
    }
}

/// The codec of a position with the place in the log of plans.
pub(super) fn with_plans<T: 'static>(
    position: &Codec<T>,
    codecs: &Codecs,
) -> Result<Codec<(T, PlansPosition)>, Refusal> {
    let (number, flag) = (codecs.get::<u64>()?, codecs.get::<bool>()?);
    Ok(position.and(&number.and(flag)))
}

/// Where a plan ends.
fn ends<P>(plan: Vec<Range<P>>) -> Vec<P> {
    plan.into_iter().map(|range| range.end).collect()
}

/// The plan of a batch that reads nothing.
fn stay<P: Clone>(at: &[P]) -> Vec<Range<P>> {
    at.iter().map(|at| at.clone()..at.clone()).collect()
}

/// The ranges of a plan in the log, from the positions `at`.
fn ranges<P: Clone>(at: &[P], planned: Vec<Planned<P>>) -> Vec<Range<P>> {
    let known = at.iter().cloned().map(Some).chain(std::iter::repeat(None));
    let mut ranges: Vec<Range<P>> = known
        .zip(planned)
        .map_while(|(at, planned)| {
            let start = at.or(planned.start)?;
            let end = planned.end.unwrap_or_else(|| start.clone());
            Some(start..end)
        })
        .collect();
    // A batch that failed before it had a plan has no record and reads nothing.
    ranges.extend(stay(at.get(ranges.len()..).unwrap_or_default()));
    ranges
}

/// A plan as the log keeps it.
fn record<P: Clone + PartialEq>(at: &[P], ranges: &[Range<P>], follows: bool) -> Vec<Planned<P>> {
    let is_known = (0..ranges.len()).map(|partition| partition < at.len());
    let planned = ranges.iter().zip(is_known).map(|(range, known)| Planned {
        follows,
        start: (!known).then(|| range.start.clone()),
        end: (range.end != range.start).then(|| range.end.clone()),
    });
    planned.collect()
}

/// The codec of what a batch reads of a partition.
fn planned<P: 'static>(position: &Codec<P>) -> Codec<Planned<P>> {
    let (one, other) = (position.clone(), position.clone());
    Codec::new(
        format!("plan of {}", position.name()),
        move |planned: &Planned<P>, out| {
            let places = [&planned.start, &planned.end];
            let [start, end] = places.map(|place| u8::from(place.is_some()));
            put(&(u8::from(planned.follows) | start << 1 | end << 2), out)?;
            let mut given = places.into_iter().flatten();
            given.try_for_each(|position| one.put(position, out))
        },
        move |bytes| {
            let flags: u8 = take(bytes)?;
            let mut given = |flag: u8| match flags & flag {
                0 => Ok(None),
                _ => other.take(bytes).map(Some),
            };
            Ok(Planned {
                follows: flags & 1 != 0,
                start: given(2)?,
                end: given(4)?,
            })
        },
    )
}
