//! The phases of a batch, as operators with state see them.

use crate::stream::threads::inside::StreamId;
use crate::stream::time::BatchTime;

/// What happens to a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BatchPhase {
    /// A batch of this stream starts to change states.
    Started(StreamId),
    /// It is committed, and this is its time.
    Committed(BatchTime),
    /// It failed, and states are as before it.
    RolledBack,
    /// It failed, and no batch follows.
    Aborted,
    /// A panic outside of what operators guard has ended the stream, in this batch or after it.
    Lost,
}
