//! Checkpoints of a running stream: the driver takes the snapshot, a thread writes it.

use std::string::{String, ToString};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::vec::Vec;

use crate::stream::checkpoint::config::JobFacts;
use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::durable::{Member, Members};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::error::failed;
use crate::stream::checkpoint::every::Every;
use crate::stream::checkpoint::lock::DirectoryLock;
use crate::stream::checkpoint::manifest::JobStamp;
use crate::stream::checkpoint::recovery::Recovery;
use crate::stream::checkpoint::report::CheckpointReport;
use crate::stream::checkpoint::writer::{Snapshot, Written};
use crate::stream::error::Cause;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::time::BatchTime;

/// Where checkpoints are written and how often.
pub(super) struct Target {
    pub(super) directory: Directory,
    pub(super) every: Every,
}

/// Takes the checkpoints of a stream.
pub(crate) struct Checkpointer {
    pub(super) codecs: Codecs,
    pub(super) target: Option<Target>,
    pub(super) recovery: Option<Recovery>,
    pub(super) job: JobFacts,
    /// The newest checkpoint known to be intact.
    pub(super) last: Option<u64>,
    /// The same, if this program has written it.
    durable: Option<Written>,
    writing: Option<Writing>,
    /// When the last checkpoint was taken, and how long until it was durable.
    cost: Option<(Instant, Duration)>,
    /// Those of the directories that it uses; released last.
    pub(super) locks: Vec<DirectoryLock>,
}

/// A checkpoint that is being written.
struct Writing {
    thread: JoinHandle<WriteResult>,
    taken: Instant,
    stopped: Duration,
    keys: u64,
}

type WriteResult = Result<(Written, Duration), CheckpointError>;

/// A batch that is over, by its place in the stream.
#[derive(Clone, Copy)]
pub(crate) struct BatchPlace {
    /// Milliseconds, both.
    pub(crate) zero: u64,
    pub(crate) time: u64,
}

impl Checkpointer {
    pub(super) fn new(
        codecs: Codecs,
        target: Option<Target>,
        recovery: Option<Recovery>,
        job: JobFacts,
    ) -> Self {
        Self {
            codecs,
            target,
            recovery,
            job,
            last: None,
            durable: None,
            writing: None,
            cost: None,
            locks: Vec::new(),
        }
    }

    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    pub(super) fn snapshots(
        &self,
        operators: &Members<'_>,
    ) -> Result<Vec<(String, OperatorSnapshot)>, CheckpointError> {
        let snapshot = |(name, operator): &Member<'_>| match operator.snapshot(&self.codecs) {
            Ok(snapshot) => Ok((String::from(*name), snapshot)),
            Err(refusal) => Err(CheckpointError::refused(refusal, name)),
        };
        operators.iter().map(snapshot).collect()
    }

    /// Takes a checkpoint after a batch if one is due; returns the report of the one that became
    /// durable since the last call.
    pub(crate) fn after_batch<'a>(
        &mut self,
        operators: impl FnOnce() -> Members<'a>,
        at: BatchPlace,
    ) -> Result<Option<CheckpointReport>, CheckpointError> {
        let Some(target) = &self.target else {
            return Ok(None);
        };
        let every = target.every;
        let finished = self
            .writing
            .as_ref()
            .is_some_and(|w| w.thread.is_finished());
        let report = match finished {
            true => self.finish_writing()?,
            false => None,
        };
        let is_busy = every.is_patient() && self.writing.is_some();
        match !is_busy && every.is_due((at.time - at.zero) / self.job.interval, self.cost) {
            true => Ok(report.or(self.begin_one(&operators(), at)?)),
            false => Ok(report),
        }
    }

    /// Takes a checkpoint after the last batch, unless there is one, and waits until it is
    /// durable.
    pub(crate) fn complete<'a>(
        &mut self,
        operators: impl FnOnce() -> Members<'a>,
        at: BatchPlace,
    ) -> Result<Vec<CheckpointReport>, CheckpointError> {
        let mut reports = Vec::from_iter(self.finish_writing()?);
        if self.target.is_some() && self.last != Some(at.time) {
            reports.extend(self.begin_one(&operators(), at)?);
            reports.extend(self.finish_writing()?);
        }
        Ok(reports)
    }

    /// Takes a snapshot of the state and starts a thread that writes it, once the checkpoint before
    /// is durable.
    fn begin_one(
        &mut self,
        operators: &Members<'_>,
        at: BatchPlace,
    ) -> Result<Option<CheckpointReport>, CheckpointError> {
        let taken = Instant::now();
        let report = self.finish_writing()?;
        let Some(target) = &self.target else {
            return Ok(report);
        };
        let directory = target.directory.clone();
        directory.prepare(at.time)?;
        let snapshot = Snapshot {
            stamp: JobStamp {
                zero: at.zero,
                time: at.time,
                interval: self.job.interval,
                seed: self.job.seed,
                key_groups: self.job.key_groups,
            },
            operators: self.snapshots(operators)?,
        };
        let keys = snapshot.operators.iter().map(|(_, state)| state.keys).sum();
        let (before, last) = (self.durable.take(), self.last);
        let (path, executor) = (directory.path.clone(), self.job.executor.clone());
        let thread = thread::Builder::new()
            .name("forebay-checkpoint".into())
            .spawn(move || {
                let durable = directory.write(&snapshot, before.as_ref(), last, &executor)?;
                let took = taken.elapsed();
                // Frees the snapshot, so that the stream does not copy tables for it.
                drop(snapshot);
                directory.clean(durable.time, last)?;
                Ok((durable, took))
            })
            .map_err(failed(&path))?;
        self.writing = Some(Writing {
            thread,
            taken,
            stopped: taken.elapsed(),
            keys,
        });
        Ok(report)
    }

    /// Waits for the checkpoint that is being written, if there is one.
    pub(crate) fn finish_writing(&mut self) -> Result<Option<CheckpointReport>, CheckpointError> {
        let Some(writing) = self.writing.take() else {
            return Ok(None);
        };
        let written = writing.thread.join();
        let (durable, duration) = written.unwrap_or_else(|panic| {
            Err(CheckpointError::Encode {
                operator: "checkpoint".into(),
                error: Cause::from_panic(panic.as_ref()).to_string().into(),
            })
        })?;
        let report = CheckpointReport {
            previous: self.last.map(BatchTime::from_millis),
            time: BatchTime::from_millis(durable.time),
            stopped: writing.stopped,
            duration,
            keys: writing.keys,
            bytes: durable.bytes,
        };
        self.cost = Some((writing.taken, duration));
        self.last = Some(durable.time);
        self.durable = Some(durable);
        Ok(Some(report))
    }
}

impl Drop for Checkpointer {
    /// Waits for the checkpoint that is being written. If it fails, the error is lost, and the
    /// previous checkpoint remains the newest.
    fn drop(&mut self) {
        let _ = self.finish_writing();
    }
}
