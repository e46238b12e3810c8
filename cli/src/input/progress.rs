//! A progress bar on standard error, if that is a terminal.

use std::io::{self, IsTerminal, Read, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long reading takes before the bar appears.
const DELAY: Duration = Duration::from_secs(1);

/// The progress of reading; the bar appears after a while and is erased at the end.
#[derive(Debug)]
pub(crate) struct Progress(Ticker);

impl Progress {
    /// Progress through `total` bytes, or through an unknown number.
    pub(crate) fn towards(total: Option<u64>) -> Self {
        Self(Ticker {
            bar: stderr().is_terminal().then(|| hidden_bar(total)),
            started: Instant::now(),
        })
    }

    /// Progress that is not shown.
    pub(crate) fn hidden() -> Self {
        Self(Ticker {
            bar: None,
            started: Instant::now(),
        })
    }

    /// A reader whose bytes are counted.
    pub(crate) fn watch<R>(&self, reader: R) -> Watched<R> {
        Watched {
            reader,
            ticker: self.0.clone(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0.bar {
            bar.finish_and_clear();
        }
    }
}

/// A handle to the bar, for readers.
#[derive(Clone, Debug)]
struct Ticker {
    /// `None` if it is not shown.
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Ticker {
    fn advance(&self, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        if bar.is_hidden() && self.started.elapsed() >= DELAY {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.inc(bytes);
    }
}

/// A reader that counts the bytes read from it.
#[derive(Debug)]
pub(crate) struct Watched<R> {
    reader: R,
    ticker: Ticker,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.ticker.advance(read as u64);
        Ok(read)
    }
}

fn hidden_bar(total: Option<u64>) -> ProgressBar {
    const KNOWN: &str = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    const UNKNOWN: &str = "{spinner} {bytes}, {bytes_per_sec}";
    let template = if total.is_some() { KNOWN } else { UNKNOWN };
    let style = ProgressStyle::with_template(template).expect("the templates are valid");
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    bar.with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_without_a_terminal_too() {
        for total in [None, Some(10)] {
            let progress = Progress(Ticker {
                bar: Some(hidden_bar(total)),
                started: Instant::now(),
            });
            let mut read = Vec::new();
            let result = progress.watch(&b"tide"[..]).read_to_end(&mut read);
            assert_eq!(result.expect("memory can be read"), 4);
            assert_eq!(progress.0.bar.as_ref().map(ProgressBar::position), Some(4));
        }
    }
}
