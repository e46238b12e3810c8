//! The listeners of a stream, and what they were told.

use std::boxed::Box;
use std::iter::successors;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::error::BatchError;
use crate::stream::run::activity::{Activity, Work};
use crate::stream::run::listener::{Listener, StreamEvent};
use crate::stream::time::BatchTime;

/// Listeners, as they were registered.
pub(crate) type Listeners = Vec<Box<dyn Listener>>;

/// The listeners of a stream.
pub(super) struct Audience {
    /// Those that have not panicked.
    listeners: Listeners,
    activity: Arc<Activity>,
    /// The last batch that was announced.
    submitted: Option<BatchTime>,
    /// The first panic.
    failed: Option<BatchError>,
}

impl Audience {
    pub(super) const fn new(listeners: Listeners, activity: Arc<Activity>) -> Self {
        Self {
            listeners,
            activity,
            submitted: None,
            failed: None,
        }
    }

    /// The failure of a listener, after which the stream ends.
    pub(super) const fn failure(&self) -> Option<&BatchError> {
        self.failed.as_ref()
    }

    /// Tells the listeners. One that panics is told no more; the others are told that it has failed.
    pub(super) fn tell(&mut self, event: &StreamEvent) {
        self.activity.enter(Work::Listener);
        let mut panic = None;
        self.listeners.retain_mut(|listener| {
            let told = catch_unwind(AssertUnwindSafe(|| listener.on_event(event)));
            let is_well = told.is_ok();
            panic = panic.take().or(told.err());
            is_well
        });
        self.activity.enter(Work::Driver);
        if let Some(payload) = panic {
            let error = self.activity.failure(Work::Listener, payload.as_ref());
            self.failed.get_or_insert_with(|| error.clone());
            self.tell(&StreamEvent::Failed(error));
        }
    }

    /// Announces that the time of a batch has come, once.
    pub(super) fn submit(&mut self, time: BatchTime) {
        if self.submitted < Some(time) {
            self.submitted = Some(time);
            self.tell(&StreamEvent::Submitted(time));
        }
    }

    /// Announces the batches from `next` to `now` that were not announced yet.
    pub(super) fn submit_until(&mut self, next: BatchTime, now: BatchTime, interval: u64) {
        for time in due(self.submitted, next, now, interval) {
            self.submit(time);
        }
    }
}

/// The batch times from `next` to `now`, after the last one `submitted`. Those before it are not
/// visited: each of many late batches asks for the ones that have become due since the last.
fn due(
    submitted: Option<BatchTime>,
    next: BatchTime,
    now: BatchTime,
    interval: u64,
) -> impl Iterator<Item = BatchTime> {
    let after = submitted.map_or(0, |submitted| submitted.as_millis() + interval);
    let first = after.max(next.as_millis());
    let times = successors(Some(first), move |time| time.checked_add(interval));
    let times = times.take_while(move |&time| time <= now.as_millis());
    times.map(BatchTime::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_batches_are_visited_once() {
        let at = BatchTime::from_millis;
        let times =
            |submitted, next, now| -> Vec<_> { due(submitted, at(next), at(now), 100).collect() };
        assert_eq!(times(None, 300, 550), [at(300), at(400), at(500)]);
        assert!(times(Some(at(500)), 400, 550).is_empty());
        assert_eq!(times(Some(at(500)), 400, 600), [at(600)]);
        assert_eq!(times(Some(at(500)), 900, 900), [at(900)]);
        assert!(times(None, 300, 299).is_empty());
    }
}
