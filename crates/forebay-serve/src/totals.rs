//! The totals of the events of a stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::key::start;
use crate::limits::Limits;
use forebay::stream::BatchTime;
use forebay::stream::StateSize;
use forebay::stream::StreamEvent;
use forebay::stream::{OperatorReport, StepReport};

/// Everything that only grows, and the last value of everything else.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Batches whose time has come, and those of them that have started.
    submitted: u64,
    started: u64,
    pub(crate) batches: u64,
    /// Whether a clock runs them, so far as is known.
    pub(crate) is_on_clock: bool,
    pub(crate) failed: u64,
    pub(crate) retried: u64,
    pub(crate) items: u64,
    pub(crate) last: Option<LastBatch>,
    pub(crate) scheduling: Histogram,
    pub(crate) processing: Histogram,
    pub(crate) total: Histogram,
    /// In the order in which they first ran.
    pub(crate) operators: Vec<OperatorTotals>,
    pub(crate) receivers: BTreeMap<Arc<str>, ReceiverTotals>,
    pub(crate) checkpoints: CheckpointTotals,
    /// The message of the last failure, or the start of it.
    pub(crate) failure: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LastBatch {
    pub(crate) time: BatchTime,
    /// When it ended, since 1970.
    pub(crate) ended: Duration,
    pub(crate) items: u64,
}

#[derive(Debug)]
pub(crate) struct OperatorTotals {
    pub(crate) name: Arc<str>,
    pub(crate) duration: Duration,
    /// `None` while they are not counted.
    pub(crate) items: Option<u64>,
    pub(crate) state: Option<StateSize>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReceiverTotals {
    pub(crate) is_running: bool,
    pub(crate) errors: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CheckpointTotals {
    pub(crate) taken: u64,
    pub(crate) duration: Duration,
    pub(crate) stopped: Duration,
    pub(crate) bytes: u64,
    /// When the last one was reported, since 1970.
    pub(crate) last: Option<Duration>,
}

impl Totals {
    pub(crate) fn add(&mut self, event: &StreamEvent) {
        match event {
            StreamEvent::Submitted(_) => self.submitted += 1,
            StreamEvent::Started(_) => self.started += 1,
            StreamEvent::Completed(report) => self.complete(report),
            StreamEvent::Retried(_) => self.retried += 1,
            StreamEvent::Failed(error) => {
                self.failed += 1;
                self.failure = Some(cut(&error.to_string(), Limits::FAILURE_BYTES));
            }
            StreamEvent::Checkpointed(report) => {
                let totals = &mut self.checkpoints;
                totals.taken += 1;
                totals.duration += report.duration();
                totals.stopped += report.stopped();
                totals.bytes += report.bytes();
                totals.last = Some(now());
            }
            StreamEvent::ReceiverStarted(name) => self.receiver(name).is_running = true,
            StreamEvent::ReceiverError(name, _) => self.receiver(name).errors += 1,
            StreamEvent::ReceiverStopped(name) => self.receiver(name).is_running = false,
            _ => {}
        }
    }

    /// Batches whose time has come and that have not started.
    pub(crate) const fn waiting(&self) -> u64 {
        self.submitted.saturating_sub(self.started)
    }

    fn receiver(&mut self, name: &Arc<str>) -> &mut ReceiverTotals {
        self.receivers.entry(Arc::clone(name)).or_default()
    }

    fn complete(&mut self, report: &StepReport) {
        let items = report.items() as u64;
        self.batches += 1;
        self.is_on_clock = report.is_on_clock();
        self.items += items;
        self.last = Some(LastBatch {
            time: report.time(),
            ended: now(),
            items,
        });
        self.scheduling.add(report.scheduling_delay());
        self.processing.add(report.duration());
        self.total.add(report.total_delay());
        for operator in report.operators() {
            self.add_operator(operator);
        }
    }

    fn add_operator(&mut self, report: &OperatorReport) {
        let known = self
            .operators
            .iter()
            .position(|it| *it.name == *report.name());
        let position = known.unwrap_or_else(|| {
            self.operators.push(OperatorTotals {
                name: report.name().into(),
                duration: Duration::ZERO,
                items: None,
                state: None,
            });
            self.operators.len() - 1
        });
        let totals = &mut self.operators[position];
        totals.duration += report.duration();
        if let Some(items) = report.items() {
            *totals.items.get_or_insert(0) += items as u64;
        }
        totals.state = report.state().or(totals.state);
    }
}

/// The time since 1970.
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// A text of at most `limit` bytes, and a mark where it was longer.
fn cut(text: &str, limit: usize) -> String {
    let start = start(text.as_bytes(), limit);
    let mark = if start.len() < text.len() { " …" } else { "" };
    String::from_utf8_lossy(start).into_owned() + mark
}

/// A histogram of durations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Histogram {
    /// For each of [`BOUNDS`](Self::BOUNDS), the durations up to it and above the one before; then
    /// those above all.
    counts: [u64; Self::BOUNDS.len() + 1],
    pub(crate) sum: Duration,
}

impl Histogram {
    /// Seconds.
    const BOUNDS: [f64; 12] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    ];

    fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let position = Self::BOUNDS.partition_point(|&bound| bound < seconds);
        self.counts[position] += 1;
        self.sum += duration;
    }

    /// For each bound, how many durations were at most that long.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        Self::BOUNDS
            .into_iter()
            .zip(self.counts)
            .map(move |(bound, count)| {
                sum += count;
                (bound, sum)
            })
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_and_marked() {
        assert_eq!(cut("disk full", 9), "disk full");
        assert_eq!(cut("disk full", 4), "disk …");
    }

    #[test]
    fn a_bound_belongs_to_what_is_at_most_so_long() {
        let mut histogram = Histogram::default();
        for millis in [1, 2, 10, 11, 20_000] {
            histogram.add(Duration::from_millis(millis));
        }
        let below: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(below, [1, 2, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(histogram.count(), 5);
        assert_eq!(histogram.sum, Duration::from_millis(20_024));
    }
}
