//! The snapshot that queries are answered from.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::stream::state::phase::BatchPhase;
use crate::stream::state::view::StoreView;
use crate::stream::threads::inside::StreamId;
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// The phase of a store, and the snapshot that its handles answer from.
///
/// The snapshot is made by the first query after a batch, or, if there was a query since the batch
/// before, when the next batch starts. Without queries there is none, and batches write to the
/// tables in place.
pub(crate) struct Published<K, S> {
    state: Mutex<State<K, S>>,
    changed: Condvar,
    /// Whether there was a query since the last batch started.
    asked: AtomicBool,
}

struct State<K, S> {
    phase: Phase,
    time: Option<BatchTime>,
    view: Option<Arc<StoreView<K, S>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Between,
    /// A batch of this stream runs.
    Running(StreamId),
    Aborted,
}

impl<K, S> State<K, S> {
    /// The stream whose batch a query has to wait for.
    fn runs(&self) -> Option<StreamId> {
        match (self.phase, &self.view) {
            (Phase::Running(stream), None) => Some(stream),
            _ => None,
        }
    }
}

impl<K, S> Published<K, S> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Between,
                time: None,
                view: None,
            }),
            changed: Condvar::new(),
            asked: AtomicBool::new(false),
        }
    }

    /// Follows the driver; `show` makes a snapshot of the tables.
    pub(crate) fn enter_phase(
        &self,
        phase: BatchPhase,
        show: impl FnOnce(Option<BatchTime>) -> StoreView<K, S>,
    ) {
        let mut state = lock(&self.state);
        let outdated = match phase {
            BatchPhase::Started(stream) => {
                state.phase = Phase::Running(stream);
                let asked = self.asked.swap(false, Ordering::Relaxed);
                match (asked, state.view.is_some()) {
                    (true, true) => None,
                    (true, false) => {
                        let time = state.time;
                        state.view.replace(Arc::new(show(time)))
                    }
                    (false, _) => state.view.take(),
                }
            }
            BatchPhase::Committed(time) => {
                (state.phase, state.time) = (Phase::Between, Some(time));
                state.view.take()
            }
            BatchPhase::RolledBack => {
                state.phase = Phase::Between;
                None
            }
            BatchPhase::Aborted => {
                state.phase = Phase::Aborted;
                None
            }
            BatchPhase::Lost => {
                // Without a batch that runs, the tables are those of the last boundary.
                if state.phase != Phase::Between {
                    state.phase = Phase::Aborted;
                }
                None
            }
        };
        drop(state);
        self.changed.notify_all();
        // It may have many tables, and queries need not wait until they are freed.
        drop(outdated);
    }

    /// The snapshot of the last boundary. If a batch runs and there is none, waits for its end,
    /// except where that would be a deadlock, as within the stream itself; `None` there, and after
    /// the stream has failed.
    pub(crate) fn look(
        &self,
        show: impl FnOnce(Option<BatchTime>) -> StoreView<K, S>,
    ) -> Option<Arc<StoreView<K, S>>> {
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        let mut state = lock(&self.state);
        if let Some(view) = &state.view {
            return Some(Arc::clone(view));
        }
        if let Some(_waits) = state.runs().and_then(StreamId::wait) {
            let runs = |state: &mut State<K, S>| state.runs().is_some();
            let waited = self.changed.wait_while(state, runs);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.phase == Phase::Between && state.view.is_none() {
            state.view = Some(Arc::new(show(state.time)));
        }
        state.view.clone()
    }
}
