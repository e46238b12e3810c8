//! The loop that turns time into batches.
//!
//! A batch is due at its time, the end of its interval. Late batches run one after the other without
//! waiting, and none is left out. A graceful stop changes no time: it goes on in the same way until
//! the inputs hold nothing more.

use std::string::ToString;
use std::time::Duration;

use crate::stream::run::control::{Control, Stop};
use crate::stream::run::driver::Driver;
use crate::stream::run::error::{StepError, StopError};
use crate::stream::run::metrics::StepReport;
use crate::stream::time::BatchTime;

/// How the loop ended.
enum End {
    /// Nothing is left to do.
    Done,
    /// A stop at once was asked for.
    Stopped,
    /// The stop has lasted too long, and an input holds items.
    Left(StopError),
}

/// Runs batches until the inputs end or a stop is asked for.
pub(super) fn run(mut driver: Driver, control: &Control) -> Result<(), StopError> {
    let result = run_to_end(&mut driver, control);
    driver.stop_inputs();
    result?;
    // A listener may have failed since.
    match driver.failure() {
        Some(error) => Err(StopError::Batch(error.clone())),
        None => Ok(()),
    }
}

fn run_to_end(driver: &mut Driver, control: &Control) -> Result<(), StopError> {
    match run_batches(driver, control)? {
        End::Done => unless_failed(driver.conclude()),
        End::Stopped => unless_failed(driver.finish_checkpoint()),
        End::Left(error) => unless_failed(driver.conclude()).and(Err(error)),
    }
}

fn run_batches(driver: &mut Driver, control: &Control) -> Result<End, StopError> {
    // Batches missed since an earlier run are late ones.
    let first = || first_after(control.now(), driver.batch_interval());
    let mut next = driver.resumes_at().unwrap_or_else(first);
    while !driver.is_finished() {
        match control.wait_for_stop(Stop::Gracefully, due(next)) {
            Some(Stop::Now) => return Ok(End::Stopped),
            Some(Stop::Gracefully) => return drain(driver, control, next),
            None => {}
        }
        step(driver, control, next)?;
        next = driver.next_time();
    }
    Ok(End::Done)
}

/// Processes what has been received.
///
/// The batch whose interval has begun gets nothing more, since the inputs have stopped. If its time
/// would come too late, it is cut at once.
fn drain(driver: &mut Driver, control: &Control, next: BatchTime) -> Result<End, StopError> {
    driver.stop_inputs();
    let (interval, deadline) = (driver.batch_interval(), control.deadline());
    let has_begun = due(next).saturating_sub(interval) <= control.now();
    let (mut next, mut at) = match due(next) < deadline || !has_begun {
        true => (next, due(next)),
        false => (next, control.now()),
    };
    let mut failed_before = false;
    while let Some(input) = driver.pending_input() {
        if at.max(control.now()) >= deadline {
            return Ok(End::Left(StopError::Unprocessed {
                operator: input.to_string(),
                timeout: control.stop_timeout(),
            }));
        }
        if control.wait_for_stop(Stop::Now, at) == Some(Stop::Now) {
            return Ok(End::Stopped);
        }
        let report = step(driver, control, next)?;
        // Once may be an accident.
        match report.failure().filter(|_| report.items() == 0) {
            Some(error) if failed_before => return Err(StopError::Batch(error.clone())),
            failure => failed_before = failure.is_some(),
        }
        next = driver.next_time();
        at = due(next);
    }
    Ok(End::Done)
}

/// Runs a batch, after it has announced all that are due.
fn step(driver: &mut Driver, control: &Control, time: BatchTime) -> Result<StepReport, StopError> {
    driver.submit_until(time, BatchTime::from_millis(millis(control.now())));
    let late = control.now().saturating_sub(due(time));
    driver.step_late(time, Some(late)).map_err(stop_error)
}

fn unless_failed(result: Result<(), StepError>) -> Result<(), StopError> {
    result.map_err(stop_error)
}

fn stop_error(error: StepError) -> StopError {
    match error {
        StepError::Batch(error) | StepError::Failed(error) => StopError::Batch(error),
        other => unreachable!("the clock gives the times that the driver asks for: {other}"),
    }
}

fn due(time: BatchTime) -> Duration {
    Duration::from_millis(time.as_millis())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The first multiple of the interval that is still to come.
fn first_after(now: Duration, interval: Duration) -> BatchTime {
    let interval = millis(interval);
    BatchTime::from_millis((millis(now) / interval + 1) * interval)
}
