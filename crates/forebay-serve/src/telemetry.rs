//! Telemetry of a stream, for charts and metrics.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::chart::Chart;
use crate::lock::lock;
use crate::series::{BatchPoint, Series};
use crate::totals::Totals;
use forebay::stream::StreamEvent;
use forebay::stream::StreamingContext;

/// The measurements of a stream since it was built; cloning gives another handle.
///
/// # Cost
///
/// An uncontended lock and some additions per batch, on the driver's thread.
///
/// # Memory
///
/// At most 1,024 points for the whole run, whatever its length, the last 256 batches, and a few
/// sums for each operator.
///
/// # Examples
///
/// ```
/// use forebay::stream::StreamingContext;
/// use forebay_serve::Telemetry;
///
/// let ctx = StreamingContext::builder("observed").build()?;
/// ctx.batches([vec![1, 2, 3], vec![4]]).for_each_batch(|_, _| Ok(()));
/// let telemetry = Telemetry::of(&ctx);
/// assert_eq!(telemetry.last(), None);
/// ctx.into_driver()?.run_to_end()?;
/// assert!(telemetry.last().is_some_and(|point| point.rate() > 0.0));
/// assert_eq!(telemetry.charts("items").matches("<svg ").count(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Telemetry(Arc<Listened>);

#[derive(Debug)]
struct Listened {
    name: String,
    interval: Duration,
    heard: Mutex<Heard>,
}

#[derive(Debug)]
struct Heard {
    series: Series,
    totals: Totals,
}

/// A rendered chart.
pub(crate) struct Drawn {
    pub(crate) title: &'static str,
    pub(crate) html: String,
}

impl Telemetry {
    /// The style sheet of the charts, for pages that embed them.
    pub const STYLE: &'static str = include_str!("page/page.css");

    /// Collects the telemetry of a stream from its first batch on.
    pub fn of(ctx: &StreamingContext) -> Self {
        let telemetry = Self(Arc::new(Listened {
            name: ctx.name().into(),
            interval: ctx.batch_interval(),
            heard: Mutex::new(Heard {
                series: Series::new(),
                totals: Totals::default(),
            }),
        }));
        let listener = telemetry.clone();
        ctx.listen(move |event: &StreamEvent| listener.hear(event));
        telemetry
    }

    fn hear(&self, event: &StreamEvent) {
        let mut heard = lock(&self.0.heard);
        heard.totals.add(event);
        if let StreamEvent::Completed(report) = event {
            heard.series.push(report);
        }
    }

    /// The last batch; `None` before the first one.
    #[must_use]
    pub fn last(&self) -> Option<BatchPoint> {
        self.lock().series.last()
    }

    /// Four charts of the whole run: input rate, scheduling delay, processing time and total
    /// delay, each a `figure` with inline SVG, without scripts. `unit` says what the items are.
    #[must_use]
    pub fn charts(&self, unit: &str) -> String {
        let points = self.lock().series.all();
        let charts = charts(&points, 0.0, unit);
        charts.into_iter().map(|chart| chart.html).collect()
    }

    /// The same of the last batches.
    pub(crate) fn recent_charts(&self) -> [Drawn; 4] {
        let points = self.lock().series.recent();
        let from = points.first().map_or(0.0, |point| point.at.as_secs_f64());
        charts(&points, from, "items")
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// The time from one batch to the next, where a clock runs them.
    pub(crate) fn interval(&self, totals: &Totals) -> Option<Duration> {
        totals.is_on_clock.then_some(self.0.interval)
    }

    /// Calls `f` with the totals.
    pub(crate) fn totals<T>(&self, f: impl FnOnce(&Totals) -> T) -> T {
        f(&self.lock().totals)
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        lock(&self.0.heard)
    }
}

fn charts(points: &[BatchPoint], from: f64, unit: &str) -> [Drawn; 4] {
    let plain: String = unit.chars().filter(|c| !"<>&\"".contains(*c)).collect();
    let rate = plain + "/s";
    let chart = |title, unit: &str, value: &dyn Fn(&BatchPoint) -> f64| {
        let at = |point: &BatchPoint| (point.at.as_secs_f64(), value(point));
        let points: Vec<_> = points.iter().map(at).collect();
        let chart = Chart {
            title,
            unit,
            from,
            points,
        };
        Drawn {
            title,
            html: chart.html(),
        }
    };
    let millis = |duration: Duration| 1e3 * duration.as_secs_f64();
    [
        chart("Input rate", &rate, &BatchPoint::rate),
        chart("Scheduling delay", "ms", &|it| millis(it.scheduling)),
        chart("Processing time", "ms", &|it| millis(it.processing)),
        chart("Total delay", "ms", &|it| millis(it.total_delay())),
    ]
}
