//! What the batches took, for the terminal and for the report.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use forebay::stream::{StepReport, StreamEvent};
use indicatif::{ProgressBar, ProgressStyle};

use crate::error::say;
use crate::format::counted;

/// The most points of a series; neighbours are taken together when there are more.
const POINTS: usize = 1 << 10;

/// One batch, or several neighbours taken together: means, and the sum of the lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// When it was over, since the start.
    pub(crate) at: Duration,
    /// Lines a second since the point before.
    pub(crate) rate: f64,
    pub(crate) scheduling: Duration,
    pub(crate) processing: Duration,
}

impl Point {
    pub(crate) fn total(&self) -> Duration {
        self.scheduling + self.processing
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

/// The batches so far, in at most [`POINTS`] points.
#[derive(Debug)]
struct Series {
    started: Instant,
    points: Vec<Point>,
    /// How many batches make a point: a power of two.
    each: usize,
    /// The batches of the next point.
    begun: Vec<Point>,
    /// When the last batch was over.
    last: Duration,
}

impl Series {
    fn push(&mut self, report: &StepReport) -> Point {
        let at = self.started.elapsed();
        let passed = at.saturating_sub(self.last).max(Duration::from_micros(1));
        self.last = at;
        let point = Point {
            at,
            rate: report.items() as f64 / passed.as_secs_f64(),
            scheduling: report.scheduling_delay(),
            processing: report.duration(),
        };
        self.add(point);
        point
    }

    fn add(&mut self, point: Point) {
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

    fn all(&self) -> Vec<Point> {
        let rest = together(&self.begun);
        self.points.iter().copied().chain(rest).collect()
    }
}

/// Neighbours as one point, halves first, so that each of them counts the same.
fn together(points: &[Point]) -> Option<Point> {
    match points {
        [] => None,
        [one] => Some(*one),
        many => {
            let (first, second) = many.split_at(many.len() / 2);
            Some(together(first)?.join(together(second)?))
        }
    }
}

/// Listens to a stream; cloning gives another handle to what was heard.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry(Arc<Mutex<Series>>);

/// Who is told of each batch.
pub(crate) enum Audience {
    Nobody,
    /// A person, by a line that is drawn anew; by a line for each batch, if it is no terminal.
    Person(ProgressBar),
}

impl Audience {
    pub(crate) fn person() -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {msg}");
        Self::Person(bar.with_style(style.expect("the template is valid")))
    }

    fn tell(&self, batches: u64, lines: u64, report: &StepReport, point: &Point) {
        let Self::Person(bar) = self else { return };
        let lines = counted(lines, "line", "lines");
        let text = format!(
            "batch {batches}: {lines}, {:.0} lines/s, scheduling {}, processing {}, total {}",
            point.rate,
            millis(report.scheduling_delay()),
            millis(report.duration()),
            millis(report.total_delay()),
        );
        if bar.is_hidden() {
            say(format_args!("{text}"));
        } else {
            bar.set_message(text);
            bar.tick();
        }
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        if let Self::Person(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", 1e3 * duration.as_secs_f64())
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Series {
            started: Instant::now(),
            points: Vec::new(),
            each: 1,
            begun: Vec::new(),
            last: Duration::ZERO,
        })))
    }

    /// What shall listen to the stream.
    pub(crate) fn listener(&self, audience: Audience) -> impl FnMut(&StreamEvent) + Send + 'static {
        let telemetry = self.clone();
        let (mut batches, mut lines) = (0, 0);
        move |event| {
            if let StreamEvent::Completed(report) = event {
                let point = telemetry.lock().push(report);
                batches += 1;
                lines += report.items() as u64;
                audience.tell(batches, lines, report, &point);
            }
        }
    }

    /// What was measured, in the order of time.
    pub(crate) fn points(&self) -> Vec<Point> {
        self.lock().all()
    }

    fn lock(&self) -> MutexGuard<'_, Series> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_thinned_to_means_and_keeps_its_end() {
        let telemetry = Telemetry::new();
        let batches = 10 * POINTS as u64 + 3;
        for batch in 1..=batches {
            telemetry.lock().add(Point {
                at: Duration::from_millis(batch),
                rate: 5.0,
                scheduling: Duration::from_millis(batch % 2),
                processing: Duration::from_millis(2),
            });
        }
        let points = telemetry.points();
        assert!((POINTS / 2..=POINTS).contains(&points.len()));
        assert_eq!(
            points.last().map(|point| point.at),
            Some(Duration::from_millis(batches))
        );
        assert!(points.windows(2).all(|pair| pair[0].at < pair[1].at));
        for point in &points[..points.len() - 1] {
            assert_eq!(point.rate, 5.0);
            assert_eq!(point.total(), Duration::from_micros(2_500));
        }
    }
}
