//! The arguments of `forebay stream`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::shared::{DelimiterArgs, InputArgs, KeyArgs, field_options};
use super::value::{address, at_least_one, counters, interval, panes, parts};
use crate::error::Error;
use crate::file::Identity;
use crate::input::skip::OnBad;
use crate::input::source::Source;
use crate::output::format::Format;
use crate::saved::Replacement;

/// Process the input in batches; keep counts, heavy hitters and samples of its items.
///
/// The items are the words of each line, or one field of it. Each batch updates the count of every
/// item, the summary of heavy hitters (of the last --window, if given) and a sample of lines for
/// every item, and prints a line to standard error. The results are printed at the end. They do not
/// depend on --threads, and the same seed gives the same results.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["field"]))]
pub(crate) struct StreamArgs {
    /// Number of lines in a batch
    #[arg(long, value_name = "N", default_value = "10000", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true, conflicts_with = "interval")]
    pub(crate) batch_lines: NonZeroUsize,

    /// Length of a batch in time, for example 500ms or 2s
    #[arg(long, value_name = "D", value_parser = interval)]
    pub(crate) interval: Option<Duration>,

    /// Find heavy hitters in the last W batches or, with --interval, the last W of time
    #[arg(long, value_name = "W")]
    pub(crate) window: Option<String>,

    /// Number of items to show; 0 means all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,

    /// Number of counters for heavy hitters; more counters give tighter bounds
    #[arg(short, value_name = "K", default_value = "1024", value_parser = counters)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) k: NonZeroUsize,

    /// Number of lines to sample for each item; 0 means none
    #[arg(long, value_name = "M", default_value_t = 3)]
    pub(crate) samples: usize,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    /// Number of threads [default: all cores]
    #[arg(long, value_name = "T", value_parser = parts, allow_negative_numbers = true)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Number of partitions of a batch
    #[arg(long, value_name = "P", default_value = "8", value_parser = parts)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) partitions: NonZeroUsize,

    /// Seed of the samples
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    /// Print nothing about batches
    #[arg(short, long, conflicts_with = "progress")]
    quiet: bool,

    /// Show the batch, the rate and the delays while the stream runs
    #[arg(long)]
    progress: bool,

    /// Write an HTML page with charts of rates and delays, heavy hitters and samples
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,

    /// Write checkpoints to this directory, and resume from the latest one in it
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoint: Option<PathBuf>,

    /// Serve a live page and an HTTP API while the stream runs, at this port of localhost or at
    /// ADDRESS:PORT; port 0 means any free port
    ///
    /// Beyond localhost it needs --serve-token-file or --serve-open.
    #[arg(long, value_name = "PORT", value_parser = address, allow_negative_numbers = true)]
    pub(crate) serve: Option<SocketAddr>,

    /// Require the token in this file from HTTP clients
    #[arg(long, value_name = "FILE", requires = "serve")]
    pub(crate) serve_token_file: Option<PathBuf>,

    /// Answer everyone who reaches an address beyond this machine, without a token
    #[arg(long, requires = "serve", conflicts_with = "serve_token_file")]
    pub(crate) serve_open: bool,

    /// Spill state that exceeds --state-memory to this directory, whose file pages.redb is replaced at the start
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Limit for counts and samples in memory, in MiB; the rest goes to --state-dir
    ///
    /// The current batch takes additional memory, about 120 bytes for each word.
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 256,
        requires = "state_dir"
    )]
    pub(crate) state_memory: usize,

    /// Read a generated log of this many lines: client, path, status, bytes
    #[arg(long, value_name = "LINES", conflicts_with = "files")]
    generate: Option<u64>,

    #[command(flatten)]
    input: InputArgs,
}

/// What to print about batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verbosity {
    /// A line for each batch.
    EachBatch,
    /// One line that is updated, with rates and delays.
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

    /// Plans to write the page, if one is wanted; called before anything is read.
    ///
    /// # Errors
    ///
    /// If the file is one that is read.
    pub(crate) fn plan_report(&self) -> Result<Option<Replacement>, Error> {
        let mut inputs: Vec<Identity> =
            self.sources().iter().filter_map(Source::identity).collect();
        let token = self.serve_token_file.as_deref();
        inputs.extend(token.and_then(Identity::of_regular));
        let report = self.report.as_deref();
        report
            .map(|path| Replacement::plan(path, &inputs))
            .transpose()
    }

    /// The length of the window in batches, if there is a window.
    ///
    /// # Errors
    ///
    /// If the window is neither a number of batches nor a multiple of the interval.
    pub(crate) fn window_batches(&self) -> Result<Option<usize>, Error> {
        panes(self.window.as_deref(), self.interval)
    }
}
