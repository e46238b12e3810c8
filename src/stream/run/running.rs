//! A stream on a clock: a thread that owns the driver and steps it once per interval.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fmt, format};

use crate::stream::error::{BatchError, Cause};
use crate::stream::run::driver::Driver;
use crate::stream::run::error::{StartError, StepError};
use crate::stream::threads::lock::lock;
use crate::stream::time::BatchTime;

/// A started stream. Dropping it stops it at once.
pub struct RunningStream {
    control: Arc<Control>,
    /// The clock thread; `None` once joined.
    clock: Option<JoinHandle<()>>,
}

/// Stops a [`RunningStream`] from another thread, a signal handler's thread or an output.
#[derive(Clone)]
pub struct StopHandle(Arc<Control>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    /// After everything already received has been processed.
    Gracefully,
    /// After the batch that is running.
    Now,
}

#[derive(Default)]
struct Status {
    stop: Option<Stop>,
    ended: Option<Result<(), BatchError>>,
}

#[derive(Default)]
struct Control {
    status: Mutex<Status>,
    changed: Condvar,
}

impl Control {
    fn request(&self, stop: Stop) {
        let mut status = lock(&self.status);
        status.stop = status.stop.max(Some(stop));
        self.changed.notify_all();
    }

    fn end(&self, result: Result<(), BatchError>) {
        lock(&self.status).ended = Some(result);
        self.changed.notify_all();
    }

    fn requested(&self) -> Option<Stop> {
        lock(&self.status).stop
    }

    /// Waits until a stop is requested, at most until `deadline`.
    fn wait_for_stop(&self, deadline: Instant) -> Option<Stop> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let (status, _) = self
            .changed
            .wait_timeout_while(lock(&self.status), timeout, |status| status.stop.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        status.stop
    }

    /// Waits for the end, at most for `timeout`.
    fn wait_for_end(&self, timeout: Option<Duration>) -> Option<Result<(), BatchError>> {
        let status = lock(&self.status);
        let running = |status: &mut Status| status.ended.is_none();
        let status = match timeout {
            None => self.changed.wait_while(status, running),
            Some(timeout) => self
                .changed
                .wait_timeout_while(status, timeout, running)
                .map(|(status, _)| status)
                .map_err(|error| PoisonError::new(error.into_inner().0)),
        };
        status.unwrap_or_else(PoisonError::into_inner).ended.clone()
    }
}

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
    pub(crate) fn spawn(name: &str, driver: Driver) -> Result<Self, StartError> {
        let control = Arc::new(Control::default());
        let shared = Arc::clone(&control);
        let clock = thread::Builder::new()
            .name(format!("forebay-{name}"))
            .spawn(move || {
                let end = EndOnUnwind(&shared);
                let result = tick(driver, &shared);
                std::mem::forget(end);
                shared.end(result);
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            control,
            clock: Some(clock),
        })
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
    /// The error of the batch that failed.
    pub fn await_termination(mut self) -> Result<(), BatchError> {
        let result = self.control.wait_for_end(None).unwrap_or(Ok(()));
        self.join();
        result
    }

    /// Waits at most for `timeout` and says whether the stream has ended.
    ///
    /// # Errors
    ///
    /// The error of the batch that failed.
    pub fn await_termination_or_timeout(&mut self, timeout: Duration) -> Result<bool, BatchError> {
        match self.control.wait_for_end(Some(timeout)) {
            None => Ok(false),
            Some(result) => result.map(|()| true),
        }
    }

    /// Stops gracefully: everything already received is processed first.
    ///
    /// # Errors
    ///
    /// The error of the batch that failed, then or earlier.
    pub fn stop(self) -> Result<(), BatchError> {
        self.control.request(Stop::Gracefully);
        self.await_termination()
    }

    /// Stops after the batch that is running.
    ///
    /// # Errors
    ///
    /// The error of the batch that failed, then or earlier.
    pub fn stop_now(self) -> Result<(), BatchError> {
        self.control.request(Stop::Now);
        self.await_termination()
    }

    fn join(&mut self) {
        if let Some(clock) = self.clock.take() {
            // An output may own the stream it belongs to; a thread cannot wait for itself.
            if clock.thread().id() != thread::current().id() {
                // The thread reports a panic through `EndOnUnwind`.
                let _ = clock.join();
            }
        }
    }
}

impl Drop for RunningStream {
    fn drop(&mut self) {
        self.control.request(Stop::Now);
        self.join();
    }
}

impl fmt::Debug for RunningStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = lock(&self.control.status).ended.clone();
        f.debug_struct("RunningStream")
            .field("ended", &ended)
            .finish_non_exhaustive()
    }
}

/// Ends the waiting of others even if the driver itself panics.
struct EndOnUnwind<'a>(&'a Control);

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        let cause = Cause::Panic("outside of any operator".into());
        let time = BatchTime::from_millis(0);
        self.0
            .end(Err(BatchError::new("driver".into(), time, None, cause)));
    }
}

/// Runs batches at multiples of the interval until the inputs end or a stop is requested. Late
/// batches run one after the other without waiting; none is left out.
fn tick(mut driver: Driver, control: &Control) -> Result<(), BatchError> {
    let result = run(&mut driver, control);
    driver.stop_inputs();
    result
}

fn run(driver: &mut Driver, control: &Control) -> Result<(), BatchError> {
    match run_batches(driver, control)? {
        Stop::Gracefully => unless_failed(driver.conclude()),
        Stop::Now => unless_failed(driver.finish_checkpoint()),
    }
}

/// Runs batches; returns how the stream is to end.
fn run_batches(driver: &mut Driver, control: &Control) -> Result<Stop, BatchError> {
    let interval = driver.batch_interval();
    // Batches missed since an earlier run are late ones.
    let mut next = match driver.last_time() {
        Some(_) => driver.next_time(),
        None => first_time(interval),
    };
    let mut due = instant_of(next);
    while !driver.is_finished() {
        match control.wait_for_stop(due) {
            Some(Stop::Now) => return Ok(Stop::Now),
            Some(Stop::Gracefully) => return drain(driver, next, control),
            None => {}
        }
        submit_all_due(driver, next, due);
        step(driver, next, due.elapsed())?;
        next = driver.next_time();
        due += interval;
    }
    Ok(Stop::Gracefully)
}

/// Announces the batches whose time has come while an earlier one ran.
fn submit_all_due(driver: &mut Driver, mut next: BatchTime, mut due: Instant) {
    let (interval, now) = (driver.batch_interval(), Instant::now());
    while due <= now {
        driver.submit(next);
        next = BatchTime::from_millis(next.as_millis() + interval.as_millis() as u64);
        due += interval;
    }
}

/// Processes what has been received, without waiting for its time to come.
fn drain(driver: &mut Driver, mut next: BatchTime, control: &Control) -> Result<Stop, BatchError> {
    driver.stop_inputs();
    while driver.has_pending() {
        if control.requested() == Some(Stop::Now) {
            return Ok(Stop::Now);
        }
        step(driver, next, Duration::ZERO)?;
        next = driver.next_time();
    }
    Ok(Stop::Gracefully)
}

fn step(driver: &mut Driver, time: BatchTime, waited: Duration) -> Result<(), BatchError> {
    unless_failed(driver.step_late(time, Some(waited)).map(drop))
}

fn unless_failed(result: Result<(), StepError>) -> Result<(), BatchError> {
    match result {
        Err(StepError::Batch(error) | StepError::Failed(error)) => Err(error),
        other => {
            other.expect("the clock gives the times the driver asks for");
            Ok(())
        }
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// The first multiple of the interval that is not past.
fn first_time(interval: Duration) -> BatchTime {
    let interval = interval.as_millis() as u64;
    let now = now().as_millis() as u64;
    BatchTime::from_millis((now / interval + 1) * interval)
}

/// The instant of a batch time, which may be in the past.
fn instant_of(time: BatchTime) -> Instant {
    let (time, now) = (Duration::from_millis(time.as_millis()), now());
    let instant = Instant::now();
    match time.checked_sub(now) {
        Some(ahead) => instant + ahead,
        None => instant.checked_sub(now - time).unwrap_or(instant),
    }
}
