//! A stream on a clock: a thread that owns the driver and steps it once per interval.

use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::{fmt, format};

use crate::stream::run::clock::Clock;
use crate::stream::run::control::{Control, Stop};
use crate::stream::run::driver::Driver;
use crate::stream::run::error::{StartError, StopError};
use crate::stream::run::ticks;

/// A started stream. Dropping it stops it at once.
///
/// # When batches run
///
/// A batch has the time at which its interval ends, and runs when that has come. The first one ends
/// the interval in which the stream started. Late batches, also those missed while the program was
/// down, run one after the other without waiting; none is left out.
///
/// # How it ends
///
/// By itself when its inputs have ended, with the error of a batch that failed, or by a stop.
///
/// [`stop`](Self::stop) first stops the inputs. Then batches go on as before, each when it is due,
/// until nothing that was received is left. So no time is ahead of the clock, and a stream that
/// starts again from its last checkpoint has its next batch within an interval. There is one
/// exception: if the end of the interval under way is further off than the stop may last, its batch
/// is cut at once. The inputs have stopped, so it would get nothing more. After a restart the next
/// batch is then the one after it, less than two intervals later.
///
/// [`stop_now`](Self::stop_now) and dropping end the stream after the batch that is running.
///
/// A stop may last as long as [`stop_timeout`] says. Whoever waits for the end of the stream waits
/// no longer than that after the first stop, and dropping it is no exception. The [`StopError`]
/// names the operator that is still at work. Its thread cannot be ended from outside: it stays
/// behind, and ends when the operator returns.
///
/// # From inside
///
/// A closure, a sink or a listener may stop the stream that it is part of, or drop it: that only
/// asks for the stop, as a [`StopHandle`] does, and returns at once. It cannot await the
/// termination: that is an error. A thread that a closure starts and waits for is not known to be
/// inside.
///
/// [`stop_timeout`]: crate::stream::ContextBuilder::stop_timeout
pub struct RunningStream {
    control: Arc<Control>,
    /// Whether dropping it stops the stream.
    stops: bool,
}

/// Stops a [`RunningStream`] from anywhere: another thread, a signal handler's thread, an output.
#[derive(Clone)]
pub struct StopHandle(Arc<Control>);

impl StopHandle {
    /// Asks for a stop after everything already received has been processed; returns at once.
    pub fn stop(&self) {
        self.0.request(Stop::Gracefully);
    }

    /// Asks for a stop after the batch that is running; returns at once.
    pub fn stop_now(&self) {
        self.0.request(Stop::Now);
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StopHandle")
            .field(&self.0.requested())
            .finish()
    }
}

impl RunningStream {
    pub(crate) fn spawn(
        name: &str,
        driver: Driver,
        stop_timeout: Duration,
        clock: Box<dyn Clock>,
    ) -> Result<Self, StartError> {
        let activity = Arc::clone(driver.activity());
        let control = Arc::new(Control::new(clock, activity, stop_timeout));
        let shared = Arc::clone(&control);
        thread::Builder::new()
            .name(format!("forebay-{name}"))
            .spawn(move || shared.end(run(driver, &shared)))
            .map_err(StartError::Thread)?;
        Ok(Self {
            control,
            stops: true,
        })
    }

    #[cfg(test)]
    pub(super) const fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// A handle that can stop the stream.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(Arc::clone(&self.control))
    }

    /// Waits until the stream has ended: its inputs have ended, it was stopped, or a batch failed.
    ///
    /// # Errors
    ///
    /// The error of the batch that failed. If a stop was asked for, as [`stop`](Self::stop). From
    /// inside of the stream, [`StopError::Inside`]; the stream is then stopped at once, since it is
    /// dropped.
    pub fn await_termination(self) -> Result<(), StopError> {
        self.control.wait_for_end(Duration::MAX).map(drop)
    }

    /// Waits at most for `timeout` and says whether the stream has ended.
    ///
    /// # Errors
    ///
    /// As [`await_termination`](Self::await_termination). The stream goes on after
    /// [`StopError::Inside`].
    pub fn await_termination_or_timeout(&mut self, timeout: Duration) -> Result<bool, StopError> {
        let until = self.control.now().saturating_add(timeout);
        self.control.wait_for_end(until)
    }

    /// Stops gracefully: everything already received is processed first, each batch when it is due.
    /// From inside of the stream it does not wait for that.
    ///
    /// # Errors
    ///
    /// The error of the batch that failed, then or earlier. [`StopError::Unprocessed`] and
    /// [`StopError::Blocked`] if the stop lasts longer than it
    /// [may](crate::stream::ContextBuilder::stop_timeout).
    pub fn stop(self) -> Result<(), StopError> {
        self.end(Stop::Gracefully)
    }

    /// Stops after the batch that is running. From inside of the stream it does not wait for that.
    ///
    /// # Errors
    ///
    /// The error of the batch that failed, then or earlier. [`StopError::Blocked`] if the stop lasts
    /// longer than it [may](crate::stream::ContextBuilder::stop_timeout).
    pub fn stop_now(self) -> Result<(), StopError> {
        self.end(Stop::Now)
    }

    fn end(mut self, stop: Stop) -> Result<(), StopError> {
        self.stops = false;
        self.control.request(stop);
        match self.control.wait_for_end(Duration::MAX) {
            // It was asked for.
            Err(StopError::Inside { .. }) => Ok(()),
            ended => ended.map(drop),
        }
    }
}

impl Drop for RunningStream {
    fn drop(&mut self) {
        if self.stops {
            self.control.request(Stop::Now);
            // Nobody is left to tell the error to.
            let _ = self.control.wait_for_end(Duration::MAX);
        }
    }
}

impl fmt::Debug for RunningStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningStream")
            .field("ended", &self.control.ended())
            .finish_non_exhaustive()
    }
}

/// Runs a stream on this thread; whatever panics outside of an operator's closure is an error, too.
fn run(driver: Driver, control: &Control) -> Result<(), StopError> {
    let activity = control.activity();
    control.adopt();
    let result = catch_unwind(AssertUnwindSafe(|| ticks::run(driver, control)));
    result.unwrap_or_else(|payload| {
        let error = activity.failure(activity.work(), payload.as_ref());
        Err(StopError::Batch(error))
    })
}
