//! What the driver asks of any kind of input.

use std::vec::Vec;

use crate::stream::checkpoint::durable::{LogContext, OpenedLog};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::run::operator::ReceiverFacet;
use crate::stream::state::codec::Codecs;
use crate::stream::state::operator_snapshot::OperatorSnapshot;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::SavedState;
use crate::stream::time::BatchTime;

/// What the driver asks of any kind of input.
pub(crate) trait Input: Send + 'static {
    type Item: Data;

    /// Begins to receive; called once, before the first batch.
    fn start(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Stops receiving; what was received can still be taken.
    fn stop(&mut self) {}

    /// The items of the batch of this time: at most `limit`, unless an earlier run took more for it.
    fn take(&mut self, now: BatchTime, limit: usize) -> Result<Vec<Self::Item>, BoxError>;

    /// The batch of the taken items is over.
    fn batch_done(&mut self) {}

    /// The taken items are safe: they are in a log, or their batch has succeeded.
    fn secured(&mut self) {}

    /// The batch of the taken items was left out. Those that are not safe by then are lost.
    fn left_out(&mut self) {}

    /// The facet of an input that can be replayed.
    fn as_replayable(&mut self) -> Option<&mut dyn Replayable> {
        None
    }

    /// The same facet, read-only.
    fn replayable(&self) -> Option<&dyn Replayable> {
        None
    }

    /// Whether no more items will come.
    fn is_finished(&self) -> bool;

    /// Whether something was received that no batch has taken.
    fn has_pending(&self) -> bool {
        false
    }

    /// The facet of an input that has a receiver.
    fn as_receiver(&mut self) -> Option<&mut dyn ReceiverFacet> {
        None
    }
}

/// An input that can be replayed from a position.
pub(crate) trait Replayable {
    /// Its position.
    fn snapshot(&self, codecs: &Codecs) -> Result<OperatorSnapshot, Refusal>;

    /// Goes to the position of an earlier run; called before [`Input::start`].
    fn recover(&mut self, codecs: &Codecs, saved: &SavedState) -> Result<(), Refusal>;

    /// Opens the log of what its batches read; called after [`recover`](Self::recover), in a stream
    /// with checkpoints.
    fn open_log(&mut self, context: &LogContext<'_>) -> Result<OpenedLog, CheckpointError>;

    /// The batch of this time is committed, and a checkpoint may be taken of what follows it.
    fn committed(&mut self, time: BatchTime);

    /// No checkpoint that is kept is older than the one of this batch.
    fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError>;
}
