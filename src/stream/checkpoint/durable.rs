//! What an operator does that is part of a checkpoint.

use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::recovery::CutLog;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::SavedState;
use crate::stream::time::BatchTime;

/// An operator that is part of a checkpoint.
pub(crate) trait Durable {
    /// Takes a snapshot of the state between two batches, to be written later.
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal>;

    /// Restores the state of an earlier run; called before the first batch.
    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal>;

    /// Opens its log, if this is an input that has one; called after [`recover`](Self::recover).
    fn open_log(&mut self, _context: &LogContext<'_>) -> Result<OpenedLog, CheckpointError> {
        Ok(OpenedLog::default())
    }

    /// No kept checkpoint is older than the one of this batch: what only older ones need can be
    /// removed.
    fn release_before(&mut self, _oldest: BatchTime) -> Result<(), CheckpointError> {
        Ok(())
    }
}

/// A durable operator with its name.
pub(crate) type Member<'a> = (&'a str, &'a mut dyn Durable);

/// All durable operators of a stream.
pub(crate) type Members<'a> = Vec<Member<'a>>;

/// What an input needs to open its log.
pub(crate) struct LogContext<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) codecs: &'a Codecs,
    pub(crate) operator: &'a str,
    /// Whether inputs that cannot be replayed log their items.
    pub(crate) write_ahead: bool,
}

/// What a log held when it was opened.
#[derive(Default)]
pub(crate) struct OpenedLog {
    /// What was cut off its end.
    pub(crate) cut: Option<CutLog>,
    /// The first batch that no checkpoint covers.
    pub(crate) first: Option<BatchTime>,
}
