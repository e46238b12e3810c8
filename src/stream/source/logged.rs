//! The log of an input that cannot be replayed: what it received is durable before a batch gets it.

use std::vec::Vec;

use crate::stream::checkpoint::durable::{LogContext, OpenedLog};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::log::Log;
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, Codecs};
use crate::stream::state::operator_snapshot::{OperatorSnapshot, snapshot_value};
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::{SavedState, recover_value};
use crate::stream::time::BatchTime;

/// The log of an input, if it has one.
pub(super) struct Logged<T> {
    log: Option<Log<T>>,
    /// The number of the record to resume from.
    from: u64,
    /// Taken from the input, but not in the log because writing failed.
    unlogged: Option<Vec<T>>,
}

impl<T: 'static> Logged<T> {
    pub(super) const fn new() -> Self {
        Self {
            log: None,
            from: 0,
            unlogged: None,
        }
    }

    /// Opens the log.
    pub(super) fn open(&mut self, context: &LogContext<'_>) -> Result<OpenedLog, CheckpointError> {
        let codec = context.codecs.get::<T>();
        let codec = codec.map_err(|refusal| CheckpointError::refused(refusal, context.operator))?;
        let (log, cut) = Log::open(
            context.directory,
            context.operator,
            codec.clone(),
            self.from,
        )?;
        let first = log.first_waiting();
        self.log = Some(log);
        Ok(OpenedLog { cut, first })
    }

    /// Whether the items that batches take are made durable.
    pub(super) fn is_open(&self) -> bool {
        self.log.is_some()
    }

    /// The items of the batch of this time.
    pub(super) fn take(
        &mut self,
        now: BatchTime,
        receive: impl FnOnce() -> Result<Vec<T>, BoxError>,
    ) -> Result<Vec<T>, BoxError> {
        let Some(log) = &mut self.log else {
            return receive();
        };
        if let Some(items) = log.replay(now) {
            return Ok(items);
        }
        let items = match self.unlogged.take() {
            Some(items) => items,
            None => receive()?,
        };
        match log.append(now, &items) {
            Ok(()) => Ok(items),
            Err(error) => {
                self.unlogged = Some(items);
                Err(error.into())
            }
        }
    }

    /// Whether the log holds items that the input no longer has.
    pub(super) fn has_waiting(&self) -> bool {
        self.unlogged.is_some() || self.log.as_ref().is_some_and(Log::has_waiting)
    }

    /// The batch of this time is committed, in this run or in the one that wrote the checkpoint.
    pub(super) fn committed(&mut self, time: BatchTime) {
        if let Some(log) = &mut self.log {
            // A batch that comes again and is left out loses what it had, whichever input failed:
            // otherwise the batches after it would get it.
            while log.left_out(time).is_some() {}
            log.committed(time);
        }
    }

    pub(super) fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        self.log
            .as_mut()
            .map_or(Ok(()), |log| log.release_before(oldest))
    }

    pub(super) fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal> {
        let log = self.log.as_ref().ok_or(Refusal::NoReplay)?;
        let number = codecs.get::<u64>()?;
        let item = codecs.get::<T>()?;
        snapshot_value(&position(item, number), &log.position())
    }

    /// Goes to the position of an earlier run.
    pub(super) fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal> {
        let number = codecs.get::<u64>()?;
        let item = codecs.get::<T>()?;
        self.from = recover_value(&position(item, number), saved)?;
        Ok(())
    }
}

/// The codec of a record number, in a log of such items.
fn position<T: 'static>(item: &Codec<T>, number: &Codec<u64>) -> Codec<u64> {
    let (one, other) = (number.clone(), number.clone());
    Codec::new(
        std::format!("log of {}", item.name()),
        move |position: &u64, out| one.put(position, out),
        move |bytes| other.take(bytes),
    )
}
