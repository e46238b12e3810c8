//! The timings of the batches of a stream, as points over time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use forebay::stream::StepReport;

/// The most points of the series of a whole run; neighbours are averaged when there are more.
const POINTS: usize = 1 << 10;

/// How many of the last batches are kept individually.
const RECENT: usize = 256;

/// The timings of one batch, or the means of several neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchPoint {
    pub(crate) at: Duration,
    pub(crate) rate: f64,
    pub(crate) scheduling: Duration,
    pub(crate) processing: Duration,
}

impl BatchPoint {
    /// When it ended, since the start of the telemetry.
    #[must_use]
    pub const fn at(&self) -> Duration {
        self.at
    }

    /// Items per second of wall-clock time since the batch before.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// How long it waited for earlier batches.
    #[must_use]
    pub const fn scheduling_delay(&self) -> Duration {
        self.scheduling
    }

    /// How long it took.
    #[must_use]
    pub const fn processing_delay(&self) -> Duration {
        self.processing
    }

    /// Both together.
    #[must_use]
    pub const fn total_delay(&self) -> Duration {
        self.scheduling.saturating_add(self.processing)
    }

    /// Two neighbours as one.
    fn join(self, next: Self) -> Self {
        Self {
            at: next.at,
            rate: f64::midpoint(self.rate, next.rate),
            scheduling: (self.scheduling + next.scheduling) / 2,
            processing: (self.processing + next.processing) / 2,
        }
    }
}

/// The batches so far: all of them in at most [`POINTS`] points, and the last ones individually.
#[derive(Debug)]
pub(crate) struct Series {
    started: Instant,
    points: Vec<BatchPoint>,
    /// How many batches make a point: a power of two.
    each: usize,
    /// The batches of the next point.
    begun: Vec<BatchPoint>,
    recent: VecDeque<BatchPoint>,
}

impl Series {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            points: Vec::new(),
            each: 1,
            begun: Vec::new(),
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    pub(crate) fn push(&mut self, report: &StepReport) {
        let at = self.started.elapsed();
        let last = self.recent.back().map_or(Duration::ZERO, |point| point.at);
        let passed = at.saturating_sub(last).max(Duration::from_micros(1));
        self.add(BatchPoint {
            at,
            rate: report.items() as f64 / passed.as_secs_f64(),
            scheduling: report.scheduling_delay(),
            processing: report.duration(),
        });
    }

    fn add(&mut self, point: BatchPoint) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(point);
        self.begun.push(point);
        if self.begun.len() < self.each {
            return;
        }
        self.points.extend(together(&self.begun));
        self.begun.clear();
        if self.points.len() == POINTS {
            self.points = self.points.chunks(2).filter_map(together).collect();
            self.each *= 2;
        }
    }

    /// The whole run.
    pub(crate) fn all(&self) -> Vec<BatchPoint> {
        let rest = together(&self.begun);
        self.points.iter().copied().chain(rest).collect()
    }

    /// The last batches.
    pub(crate) fn recent(&self) -> Vec<BatchPoint> {
        self.recent.iter().copied().collect()
    }

    pub(crate) fn last(&self) -> Option<BatchPoint> {
        self.recent.back().copied()
    }
}

/// The mean of neighbours, halves first, so that each counts the same.
fn together(points: &[BatchPoint]) -> Option<BatchPoint> {
    match points {
        [] => None,
        [one] => Some(*one),
        many => {
            let (first, second) = many.split_at(many.len() / 2);
            Some(together(first)?.join(together(second)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_thinned_to_means_and_keeps_its_end() {
        let mut series = Series::new();
        let batches = 10 * POINTS as u64 + 3;
        for batch in 1..=batches {
            series.add(BatchPoint {
                at: Duration::from_millis(batch),
                rate: 5.0,
                scheduling: Duration::from_millis(batch % 2),
                processing: Duration::from_millis(2),
            });
        }
        let points = series.all();
        assert!((POINTS / 2..=POINTS).contains(&points.len()));
        let end = Some(Duration::from_millis(batches));
        assert_eq!(points.last().map(|point| point.at), end);
        assert!(points.windows(2).all(|pair| pair[0].at < pair[1].at));
        for point in &points[..points.len() - 1] {
            assert_eq!(point.rate, 5.0);
            assert_eq!(point.total_delay(), Duration::from_micros(2_500));
        }
        let recent = series.recent();
        assert_eq!(
            (recent.len(), series.last()),
            (RECENT, recent.last().copied())
        );
        assert_eq!(series.last().map(|point| point.at), end);
        let first = Duration::from_millis(batches + 1 - RECENT as u64);
        assert_eq!(recent[0].at, first);
    }
}
