//! What the owners of a stream ask of the thread that runs it, and how both wait.

use std::boxed::Box;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::stream::run::activity::Activity;
use crate::stream::run::clock::Clock;
use crate::stream::run::error::StopError;
use crate::stream::threads::lock::lock;

/// How a stream is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// After everything already received has been processed.
    Gracefully,
    /// After the batch that is running.
    Now,
}

/// What the owners of a stream and the thread that runs it tell each other.
pub(super) struct Control {
    status: Mutex<Status>,
    changed: Condvar,
    clock: Box<dyn Clock>,
    activity: Arc<Activity>,
    stop_timeout: Duration,
    /// The thread that runs the stream.
    thread: OnceLock<ThreadId>,
}

#[derive(Default)]
struct Status {
    stop: Option<Stop>,
    /// When the first stop that was asked for has lasted too long.
    deadline: Option<Duration>,
    ended: Option<Result<(), StopError>>,
}

impl Control {
    pub(super) fn new(
        clock: Box<dyn Clock>,
        activity: Arc<Activity>,
        stop_timeout: Duration,
    ) -> Self {
        Self {
            status: Mutex::default(),
            changed: Condvar::new(),
            clock,
            activity,
            stop_timeout,
            thread: OnceLock::new(),
        }
    }

    /// This thread runs the stream.
    pub(super) fn adopt(&self) {
        self.thread.get_or_init(|| thread::current().id());
    }

    /// Whether waiting on this thread for the end of the stream would be a deadlock.
    fn is_inside(&self) -> bool {
        let own = self.thread.get() == Some(&thread::current().id());
        own || self.activity.stream().is_around()
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(super) const fn stop_timeout(&self) -> Duration {
        self.stop_timeout
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Asks for a stop.
    pub(super) fn request(&self, stop: Stop) {
        let now = self.now();
        let mut status = lock(&self.status);
        status.stop = status.stop.max(Some(stop));
        let deadline = now.saturating_add(self.stop_timeout);
        status.deadline.get_or_insert(deadline);
        drop(status);
        self.changed.notify_all();
    }

    pub(super) fn requested(&self) -> Option<Stop> {
        lock(&self.status).stop
    }

    /// The time at which a stop has lasted too long; never, if none was asked for.
    pub(super) fn deadline(&self) -> Duration {
        lock(&self.status).deadline.unwrap_or(Duration::MAX)
    }

    /// The stream has ended, and nothing of it is left.
    pub(super) fn end(&self, result: Result<(), StopError>) {
        lock(&self.status).ended = Some(result);
        self.changed.notify_all();
    }

    pub(super) fn ended(&self) -> Option<Result<(), StopError>> {
        lock(&self.status).ended.clone()
    }

    /// Waits until a stop that is at least this one is asked for, at most until `time`; returns the
    /// stop that was asked for.
    pub(super) fn wait_for_stop(&self, stop: Stop, time: Duration) -> Option<Stop> {
        let mut status = lock(&self.status);
        while status.stop < Some(stop) && self.now() < time {
            status = self.wait(status, time);
        }
        status.stop
    }

    /// Waits for the end of the stream, at most until `time`; says whether it has ended.
    pub(super) fn wait_for_end(&self, time: Duration) -> Result<bool, StopError> {
        let mut status = lock(&self.status);
        loop {
            if let Some(result) = &status.ended {
                return result.clone().map(|()| true);
            }
            if self.is_inside() {
                let operator = self.activity.name(self.activity.work());
                return Err(StopError::Inside { operator });
            }
            let (now, deadline) = (self.now(), status.deadline.unwrap_or(Duration::MAX));
            if now >= deadline {
                return Err(StopError::Blocked {
                    operator: self.activity.name(self.activity.work()),
                    time: self.activity.time(),
                    timeout: self.stop_timeout,
                });
            }
            if now >= time {
                return Ok(false);
            }
            status = self.wait(status, deadline.min(time));
        }
    }

    /// Waits until something changes, at most until `time`.
    fn wait<'a>(&self, status: MutexGuard<'a, Status>, time: Duration) -> MutexGuard<'a, Status> {
        match self.clock.sleep(time) {
            None => self
                .changed
                .wait(status)
                .unwrap_or_else(PoisonError::into_inner),
            Some(sleep) => {
                let woken = self.changed.wait_timeout(status, sleep);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Makes all who wait look at the clock.
    #[cfg(test)]
    pub(super) fn wake(&self) {
        drop(lock(&self.status));
        self.changed.notify_all();
    }
}
