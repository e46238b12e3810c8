//! The facets of state that many operators have in common.

/// The accessors of an [`Operator`](crate::stream::run::operator::Operator) with both facets of
/// state.
macro_rules! has_state {
    () => {
        fn as_stateful(&mut self) -> Option<&mut dyn $crate::stream::state::stateful::Stateful> {
            Some(self)
        }

        fn as_durable(&mut self) -> Option<&mut dyn $crate::stream::checkpoint::durable::Durable> {
            Some(self)
        }
    };
}

/// The methods of [`Stateful`](crate::stream::state::stateful::Stateful) for an operator without
/// tables: nothing to be queried, nothing to spill, no keys to be counted.
macro_rules! has_no_tables {
    () => {
        fn enter_phase(&mut self, _: $crate::stream::state::phase::BatchPhase) {}

        $crate::stream::op::facets::stays_in_memory!();

        fn size(&self) -> Option<$crate::stream::state::size::StateSize> {
            None
        }
    };
}

/// The same for an operator whose tables do not spill.
macro_rules! stays_in_memory {
    () => {
        fn spill_to(
            &mut self,
            _: &$crate::stream::state::codec::Codecs,
            _: &std::sync::Arc<$crate::stream::state::spill::SpillManager>,
        ) -> Result<(), $crate::stream::state::refusal::Refusal> {
            Ok(())
        }
    };
}

/// The methods of [`Stateful`](crate::stream::state::stateful::Stateful) or of
/// [`Durable`](crate::stream::checkpoint::durable::Durable) for an operator whose only state is in
/// its `store`.
macro_rules! keeps_store {
    (stateful) => {
        fn save(&mut self) {
            self.store.save();
        }

        fn roll_back(&mut self) {
            self.store.roll_back();
        }

        fn spill_to(
            &mut self,
            codecs: &$crate::stream::state::codec::Codecs,
            spill: &std::sync::Arc<$crate::stream::state::spill::SpillManager>,
        ) -> Result<(), $crate::stream::state::refusal::Refusal> {
            self.store.spill_to(codecs, spill)
        }

        $crate::stream::op::facets::keeps_store!(visible);
    };
    (visible) => {
        fn enter_phase(&mut self, phase: $crate::stream::state::phase::BatchPhase) {
            self.store.enter_phase(phase);
        }

        fn size(&self) -> Option<$crate::stream::state::size::StateSize> {
            Some(self.store.size())
        }
    };
    (durable) => {
        fn snapshot(
            &self,
            codecs: &$crate::stream::state::codec::Codecs,
        ) -> Result<
            $crate::stream::state::operator_snapshot::OperatorSnapshot,
            $crate::stream::state::refusal::Refusal,
        > {
            self.store.snapshot(codecs)
        }

        fn recover(
            &mut self,
            codecs: &$crate::stream::state::codec::Codecs,
            saved: &$crate::stream::state::saved::SavedState,
        ) -> Result<(), $crate::stream::state::refusal::Refusal> {
            self.store.recover(codecs, saved)
        }
    };
}

/// The methods of [`Stateful`](crate::stream::state::stateful::Stateful) for an operator that
/// keeps its `panes` too.
macro_rules! keeps_store_and_panes {
    () => {
        fn save(&mut self) {
            self.store.save();
            self.panes.save();
        }

        fn roll_back(&mut self) {
            self.store.roll_back();
            self.panes.roll_back();
        }

        $crate::stream::op::facets::stays_in_memory!();
        $crate::stream::op::facets::keeps_store!(visible);
    };
}

pub(crate) use has_no_tables;
pub(crate) use has_state;
pub(crate) use keeps_store;
pub(crate) use keeps_store_and_panes;
pub(crate) use stays_in_memory;
