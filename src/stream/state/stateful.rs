//! What an operator with state does at the edges of a batch.

use std::sync::Arc;

use crate::stream::state::codec::Codecs;
use crate::stream::state::phase::BatchPhase;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::size::StateSize;
use crate::stream::state::spill::SpillManager;

/// An operator that keeps something from batch to batch.
///
/// Nothing has a default: an operator that leaves out a part says so.
pub(crate) trait Stateful {
    /// Keeps the state as it is, for [`roll_back`](Self::roll_back).
    fn save(&mut self);

    /// Goes back to the state last saved.
    fn roll_back(&mut self);

    /// Follows the batches, for queries.
    fn enter_phase(&mut self, phase: BatchPhase);

    /// Lets keyed state spill; called before it is recovered. State that is not only in tables
    /// stays in memory.
    fn spill_to(&mut self, codecs: &Codecs, spill: &Arc<SpillManager>) -> Result<(), Refusal>;

    /// How much keyed state there is; `None` for state without keys.
    fn size(&self) -> Option<StateSize>;
}
