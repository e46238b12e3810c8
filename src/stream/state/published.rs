//! The snapshot that questions from outside are answered from.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::stream::state::phase::BatchPhase;
use crate::stream::state::view::StoreView;
use crate::stream::threads::blame::is_inside;
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// Where a store is between batches, and the snapshot that its handles answer from.
///
/// The snapshot is made by the first question after a boundary, or, if it was asked for one since
/// the boundary before, when the next batch begins; while nobody asks there is none, and batches
/// write to the tables where they are.
pub(crate) struct Published<K, S> {
    state: Mutex<State<K, S>>,
    changed: Condvar,
    /// Somebody has asked since the last batch began.
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
    Running,
    Aborted,
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
            BatchPhase::Started => {
                state.phase = Phase::Running;
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
        };
        drop(state);
        self.changed.notify_all();
        // Its tables may be many, and questions need not wait until they are freed.
        drop(outdated);
    }

    /// The snapshot of the last boundary. While a batch runs of which there is none, waits for its
    /// end, except within the stream itself, whose end would then not come; `None` there, and when
    /// the stream is lost.
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
        if state.phase == Phase::Running && !is_inside() {
            let unknown =
                |state: &mut State<K, S>| state.phase == Phase::Running && state.view.is_none();
            let waited = self.changed.wait_while(state, unknown);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.phase == Phase::Between && state.view.is_none() {
            state.view = Some(Arc::new(show(state.time)));
        }
        state.view.clone()
    }
}
