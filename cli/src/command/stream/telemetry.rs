//! The progress of the stream on the terminal: batches, rates and delays.

use std::time::Duration;

use forebay::stream::{StepReport, StreamEvent};
use forebay_serve::{BatchPoint, Telemetry};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::message::counted;
use crate::output::message::say;

/// A line about the last batch that is updated; without a terminal, a line for each batch.
struct ProgressLine(ProgressBar);

impl ProgressLine {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {msg}");
        Self(bar.with_style(style.expect("the template is valid")))
    }

    fn update(&self, batches: u64, lines: u64, report: &StepReport, point: &BatchPoint) {
        let lines = counted(lines, "line", "lines");
        let text = format!(
            "batch {batches}: {lines}, {:.0} lines/s, scheduling {}, processing {}, total {}",
            point.rate(),
            millis(report.scheduling_delay()),
            millis(report.duration()),
            millis(report.total_delay()),
        );
        if self.0.is_hidden() {
            say(format_args!("{text}"));
        } else {
            self.0.set_message(text);
            self.0.tick();
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", 1e3 * duration.as_secs_f64())
}

/// A listener that shows the progress; it must listen after `telemetry`.
pub(crate) fn progress(telemetry: &Telemetry) -> impl FnMut(&StreamEvent) + Send + 'static {
    let (telemetry, line) = (telemetry.clone(), ProgressLine::new());
    let (mut batches, mut lines) = (0, 0);
    move |event| {
        if let (StreamEvent::Completed(report), Some(point)) = (event, telemetry.last()) {
            batches += 1;
            lines += report.items() as u64;
            line.update(batches, lines, report, &point);
        }
    }
}
