//! The arguments of `forebay stream`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::shared::{DelimiterArgs, InputArgs, KeyArgs, field_options};
use super::value::{address, at_least_one, counters, interval, panes};
use crate::error::Error;
use crate::input::skip::OnBad;
use crate::input::source::Source;
use crate::output::format::Format;

/// Cut the input into batches and keep running counts, heavy hitters and samples of its items.
///
/// The items are the words of each line, or one field of it. Each batch updates the count of every
/// item, a summary of the heavy hitters (of the last --window, if there is one) and a sample of
/// lines for every item; a line about it goes to standard error. The results follow at the end.
/// They do not depend on --threads, and the same seed gives the same results.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["field"]))]
pub(crate) struct StreamArgs {
    /// Cut a batch after so many lines
    #[arg(long, value_name = "N", default_value = "10000", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true, conflicts_with = "interval")]
    pub(crate) batch_lines: NonZeroUsize,

    /// Cut a batch every so often, as in 500ms or 2s
    #[arg(long, value_name = "D", value_parser = interval)]
    pub(crate) interval: Option<Duration>,

    /// Find heavy hitters among the last W batches, or, with --interval, the last W of time
    #[arg(long, value_name = "W")]
    pub(crate) window: Option<String>,

    /// How many items to show; 0 means all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,

    /// How many counters to keep for heavy hitters: more counters, tighter bounds
    #[arg(short, value_name = "K", default_value = "1024", value_parser = counters)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) k: NonZeroUsize,

    /// How many lines to sample for each item; 0 means none
    #[arg(long, value_name = "M", default_value_t = 3)]
    pub(crate) samples: usize,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    /// How many threads work on a batch; all cores unless given
    #[arg(long, value_name = "T", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Into how many parts a batch is split
    #[arg(long, value_name = "P", default_value = "8", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) partitions: NonZeroUsize,

    /// Where the randomness of the samples starts
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,

    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    /// Say nothing about batches
    #[arg(short, long, conflicts_with = "progress")]
    quiet: bool,

    /// Show batches, rates and delays while the stream runs
    #[arg(long)]
    progress: bool,

    /// Write a page with charts of rates and delays, heavy hitters and samples
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,

    /// Keep all state in this directory, and go on from it if it is there already
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoint: Option<PathBuf>,

    /// Answer questions over HTTP while the stream runs, with a live page: at this port of this
    /// machine alone, or at ADDRESS:PORT; at port 0, a free one
    #[arg(long, value_name = "PORT", value_parser = address, allow_negative_numbers = true)]
    pub(crate) serve: Option<SocketAddr>,

    /// Answer only those who know the token in this file
    #[arg(long, value_name = "FILE", requires = "serve")]
    pub(crate) serve_token_file: Option<PathBuf>,

    /// Keep in this directory what does not fit into --state-memory; it is emptied at the start
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// How many MiB of counts and samples stay in memory, of those that --state-dir may take
    ///
    /// The batch in hand comes on top: some 120 bytes a word.
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 256,
        requires = "state_dir"
    )]
    pub(crate) state_memory: usize,

    /// Read a made-up log of so many lines: client, path, status, bytes
    #[arg(long, value_name = "LINES", conflicts_with = "files")]
    generate: Option<u64>,

    #[command(flatten)]
    input: InputArgs,
}

/// Whether a line about each batch is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verbosity {
    EachBatch,
    /// The same line again and again, with rates and delays.
    Progress,
    Quiet,
}

impl StreamArgs {
    pub(crate) const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.progress) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Progress,
            (false, false) => Verbosity::EachBatch,
        }
    }

    pub(crate) const fn on_bad(&self) -> OnBad {
        self.input.on_bad()
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        match self.generate {
            Some(lines) => vec![Source::Generated(lines)],
            None => self.input.sources(),
        }
    }

    /// How many batches the window is long, if there is one.
    ///
    /// # Errors
    ///
    /// If it is no number of batches, or no multiple of the interval.
    pub(crate) fn window_batches(&self) -> Result<Option<usize>, Error> {
        panes(self.window.as_deref(), self.interval)
    }
}
