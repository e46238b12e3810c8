//! How fast a source may be read so that batches keep up.

use std::time::Duration;

use super::time::BatchTime;

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
    /// What the last update left behind; `None` before the first.
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

    /// Takes in a batch that ended at `end`: how many items it had, how long they took, and how
    /// long the batch had waited. Returns the new rate in items per second, if there is one.
    ///
    /// The first batch only sets the rate; a batch without items, without delay, or not later
    /// than the one before is passed over.
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

#[cfg(test)]
mod tests {
    use super::*;

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
