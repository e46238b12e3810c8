//! The phases of a batch, as operators with state see them.

use crate::stream::time::BatchTime;

/// What happens to a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BatchPhase {
    /// It starts to change states.
    Started,
    /// It is committed, and this is its time.
    Committed(BatchTime),
    /// It failed, and states are as before it.
    RolledBack,
    /// It failed, and no batch follows.
    Aborted,
}
