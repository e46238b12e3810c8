//! How fast a source may be read so that batches keep up.

use std::time::Duration;

use crate::stream::error::BuildError;
use crate::stream::run::operator::BatchTiming;
use crate::stream::time::BatchTime;

/// The weights of a [`PidRateEstimator`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidWeights {
    /// Of the difference between the last rate and the rate of processing.
    pub proportional: f64,
    /// Of the backlog, as the rate that would have worked it off.
    pub integral: f64,
    /// Of the change of the difference.
    pub derivative: f64,
    /// The lowest rate ever asked for, in items per second.
    pub min_rate: f64,
}

impl Default for PidWeights {
    /// Those of Spark Streaming: 1.0, 0.2, 0.0, at least 100 items per second.
    fn default() -> Self {
        Self {
            proportional: 1.0,
            integral: 0.2,
            derivative: 0.0,
            min_rate: 100.0,
        }
    }
}

/// Estimates, after each batch, the rate at which the stream can take items: a PID controller on
/// the rate of processing, after Spark Streaming's.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use forebay::stream::{BatchTime, PidRateEstimator, PidWeights};
///
/// let second = Duration::from_secs(1);
/// let mut pid = PidRateEstimator::new(second, PidWeights::default());
/// let end = BatchTime::from_millis;
/// assert_eq!(pid.update(end(1_000), 5_000, second / 2, Duration::ZERO), None);
/// assert_eq!(pid.update(end(2_000), 4_000, second, Duration::ZERO), Some(4_000.0));
/// ```
#[derive(Clone, Debug)]
pub struct PidRateEstimator {
    interval: Duration,
    weights: PidWeights,
    /// The last update; `None` before the first.
    last: Option<Update>,
}

#[derive(Clone, Copy, Debug)]
struct Update {
    end: BatchTime,
    rate: f64,
    error: f64,
}

impl PidRateEstimator {
    /// An estimator for a stream of this batch interval.
    #[must_use]
    pub fn new(interval: Duration, weights: PidWeights) -> Self {
        Self {
            interval,
            weights,
            last: None,
        }
    }

    /// Adds a batch that ended at `end`: how many items it had, how long they took, and how long
    /// the batch had waited. Returns the new rate in items per second, if there is one.
    ///
    /// The first batch only initialises the estimator; a batch without items, without delay, or not
    /// later than the one before is ignored.
    pub fn update(
        &mut self,
        end: BatchTime,
        items: u64,
        processing: Duration,
        scheduling: Duration,
    ) -> Option<f64> {
        let stale = self.last.is_some_and(|last| end <= last.end);
        if stale || items == 0 || processing.is_zero() {
            return None;
        }
        let processed = items as f64 / processing.as_secs_f64();
        let Some(last) = self.last else {
            self.last = Some(Update {
                end,
                rate: processed,
                error: 0.0,
            });
            return None;
        };
        let elapsed = (end.as_millis() - last.end.as_millis()) as f64 / 1e3;
        let error = last.rate - processed;
        let backlog = scheduling.as_secs_f64() * processed / self.interval.as_secs_f64();
        let trend = (error - last.error) / elapsed;
        let weights = self.weights;
        let rate = last.rate
            - weights.proportional * error
            - weights.integral * backlog
            - weights.derivative * trend;
        let rate = rate.max(weights.min_rate);
        self.last = Some(Update { end, rate, error });
        Some(rate)
    }
}

/// The rate limits of the inputs of a context.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pacing {
    /// Items per second.
    pub(crate) max_rate: Option<f64>,
    /// The rate before there is an estimate, and the weights of the estimator.
    pub(crate) backpressure: Option<(f64, PidWeights)>,
}

impl Pacing {
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let rates = [self.max_rate, self.backpressure.map(|(rate, _)| rate)];
        let senseless = |rate: &f64| !(rate.is_finite() && *rate > 0.0);
        match rates.into_iter().flatten().find(senseless) {
            Some(rate) => Err(BuildError::Rate(rate)),
            None => Ok(()),
        }
    }
}

/// How many items one input may give to the next batch.
pub(crate) struct Pace {
    interval: Duration,
    max_rate: f64,
    /// Items per second; infinite without back-pressure.
    rate: f64,
    estimator: Option<PidRateEstimator>,
}

impl Pace {
    /// The pace of an input at a batch interval in milliseconds.
    pub(crate) fn new(interval: u64, pacing: Pacing) -> Self {
        let interval = Duration::from_millis(interval);
        let (rate, estimator) = match pacing.backpressure {
            None => (f64::INFINITY, None),
            Some((rate, weights)) => (rate, Some(PidRateEstimator::new(interval, weights))),
        };
        Self {
            interval,
            max_rate: pacing.max_rate.unwrap_or(f64::INFINITY),
            rate,
            estimator,
        }
    }

    /// At least one item, so that a low rate cannot stop the stream.
    pub(crate) fn limit(&self) -> usize {
        let rate = self.rate.min(self.max_rate);
        (rate * self.interval.as_secs_f64()).max(1.0) as usize
    }

    /// Adds the timing of a batch with this many items of this input.
    pub(crate) fn update(&mut self, items: u64, done: &BatchTiming) {
        let estimator = self.estimator.as_mut();
        let rate =
            estimator.and_then(|pid| pid.update(done.end, items, done.processing, done.scheduling));
        if let Some(rate) = rate {
            self.rate = rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_batch_has_a_limit_and_later_ones_follow_the_estimate_below_the_maximum() {
        let pacing = Pacing {
            max_rate: Some(5_000.0),
            backpressure: Some((1_000.0, PidWeights::default())),
        };
        let mut pace = Pace::new(500, pacing);
        let mut after = |end, items, millis| {
            let done = BatchTiming {
                end: BatchTime::from_millis(end),
                processing: Duration::from_millis(millis),
                scheduling: Duration::ZERO,
            };
            pace.update(items, &done);
            pace.limit()
        };
        assert_eq!(Pace::new(500, pacing).limit(), 500);
        // The first batch only sets the rate; then it is that of processing.
        assert_eq!(after(1_000, 500, 250), 500);
        assert_eq!(after(1_500, 500, 250), 1_000);
        assert_eq!(after(2_000, 1_000, 100), 2_500);
        assert_eq!(after(2_500, 1_000, 10_000), 50);
    }

    #[test]
    fn without_settings_there_is_no_limit_and_a_low_rate_is_one_item() {
        assert_eq!(Pace::new(1_000, Pacing::default()).limit(), usize::MAX);
        let pacing = Pacing {
            max_rate: Some(0.01),
            ..Pacing::default()
        };
        assert_eq!(Pace::new(1_000, pacing).limit(), 1);
    }

    #[test]
    fn batches_that_say_nothing_are_passed_over() {
        let second = Duration::from_secs(1);
        let mut pid = PidRateEstimator::new(second, PidWeights::default());
        let at = BatchTime::from_millis;
        assert_eq!(pid.update(at(1_000), 500, second, Duration::ZERO), None);
        assert_eq!(pid.update(at(2_000), 0, second, Duration::ZERO), None);
        assert_eq!(pid.update(at(2_000), 5, Duration::ZERO, second), None);
        assert_eq!(pid.update(at(1_000), 5, second, second), None);
        assert_eq!(
            pid.update(at(2_000), 700, second, Duration::ZERO),
            Some(700.0)
        );
    }
}
