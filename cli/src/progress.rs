//! A progress bar on standard error, for long input at a terminal.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Input that is read in less time needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far reading has come; draws nothing until that took a while, and erases itself.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None` if standard error is no terminal.
    bar: Option<ProgressBar>,
    started: Instant,
    done: u64,
}

impl Progress {
    /// Progress towards so many bytes, or towards an unknown end.
    pub(crate) fn towards(total: Option<u64>) -> Self {
        Self {
            bar: stderr().is_terminal().then(|| hidden_bar(total)),
            ..Self::hidden()
        }
    }

    /// Progress that nobody sees.
    pub(crate) fn hidden() -> Self {
        Self {
            bar: None,
            started: Instant::now(),
            done: 0,
        }
    }

    pub(crate) fn advance(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if let Some(bar) = &self.bar
            && self.started.elapsed() >= PATIENCE
        {
            if bar.is_hidden() {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            }
            bar.set_position(self.done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn hidden_bar(total: Option<u64>) -> ProgressBar {
    const KNOWN: &str = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    const UNKNOWN: &str = "{spinner} {bytes}, {bytes_per_sec}";
    let template = if total.is_some() { KNOWN } else { UNKNOWN };
    let style = ProgressStyle::with_template(template).expect("the templates are valid");
    let bar = ProgressBar::with_draw_target(total, indicatif::ProgressDrawTarget::hidden());
    bar.with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bars_can_be_made_and_advanced_without_a_terminal() {
        for total in [None, Some(10)] {
            let mut progress = Progress {
                bar: Some(hidden_bar(total)),
                ..Progress::hidden()
            };
            progress.advance(3);
            assert_eq!(progress.done, 3);
        }
    }
}
