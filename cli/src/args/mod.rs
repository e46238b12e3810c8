//! What the user asks for on the command line.

mod merge;
mod sample;
mod save;
mod state;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{ArgGroup, Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(crate) use merge::{MergeArgs, MergeOutput};
pub(crate) use sample::{EstimateArgs, SampleArgs};
pub(crate) use save::{SaveArgs, SaveFormat};
pub(crate) use state::{StateArgs, StateFormat};

use crate::error::Error;
use crate::input::field::Separator;
use crate::input::skip::OnBad;
use crate::input::source::Source;
use crate::place::FieldNumber;

/// Frequent items, samples and running counts of big streams, in little memory.
#[derive(Debug, Parser)]
#[command(name = "forebay", version, infer_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Top(TopArgs),
    Sample(SampleArgs),
    Stream(StreamArgs),
    State(StateArgs),
    Merge(MergeArgs),
}

/// Show the most frequent lines, fields or words, with certain bounds.
///
/// Memory is bounded by -k counters whatever the input. The true count of every item lies between
/// its lower and its upper bound, and they differ by at most total/(k+1). The share is that of the
/// lower bound in the total; in the bar, the part between the bounds is drawn light.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["field", "weight_field"]))]
pub(crate) struct TopArgs {
    /// How many counters to keep: more counters, tighter bounds
    #[arg(short, value_name = "K", default_value = "1024", value_parser = counters)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) k: NonZeroUsize,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    /// Count each item by the number in this field instead of by one (- means none)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) weight_field: Option<FieldNumber>,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    #[command(flatten)]
    pub(crate) output: RankingArgs,

    /// How many threads count; all cores unless given, and no result depends on it
    #[arg(long, value_name = "J", value_parser = at_least_one, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,

    /// Print the result again and again while input flows, as in 500ms or 2s
    #[arg(long, value_name = "D", value_parser = interval, conflicts_with_all = ["jobs", "save"])]
    pub(crate) every: Option<Duration>,

    /// Count only what came in the last W of time
    #[arg(long, value_name = "W", requires = "every")]
    window: Option<String>,

    #[command(flatten)]
    pub(crate) input: InputArgs,
}

impl TopArgs {
    pub(crate) fn jobs(&self) -> NonZeroUsize {
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.jobs.unwrap_or_else(cores)
    }

    /// How many spans of --every the window is long, if there is one.
    ///
    /// # Errors
    ///
    /// If it is no multiple of them.
    pub(crate) fn window_panes(&self) -> Result<Option<usize>, Error> {
        panes(self.window.as_deref(), self.every)
    }
}

/// How many items a ranking shows unless it is told.
const SHOWN: NonZeroUsize = NonZeroUsize::new(10).expect("it is not 0");

/// What becomes of a ranking.
#[derive(ClapArgs, Debug)]
pub(crate) struct RankingArgs {
    /// How many items to show
    #[arg(short, value_name = "N", default_value_t = SHOWN, value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) n: NonZeroUsize,

    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) save: SaveArgs,
}

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

/// The length of a window in panes: a number of them, or a time that holds a whole number of them
/// if each is so long.
fn panes(window: Option<&str>, each: Option<Duration>) -> Result<Option<usize>, Error> {
    let Some(window) = window else {
        return Ok(None);
    };
    let panes = match each {
        None => at_least_one(window)
            .map(NonZeroUsize::get)
            .map_err(str::to_owned),
        Some(each) => panes_of(window, each),
    };
    panes
        .map(Some)
        .map_err(|reason| Error::Usage(format!("--window {window}: {reason}")))
}

fn panes_of(window: &str, each: Duration) -> Result<usize, String> {
    let (window, millis) = (interval(window)?.as_millis(), each.as_millis());
    if window % millis != 0 {
        let each = humantime::format_duration(each);
        return Err(format!("must be a multiple of {each}"));
    }
    usize::try_from(window / millis).map_err(|_| "is too long".to_owned())
}

/// Which part of a line is the item.
#[derive(ClapArgs, Debug)]
pub(crate) struct KeyArgs {
    /// Take this field of each line, counted from 1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) field: Option<FieldNumber>,

    /// Take the words: runs of letters, digits and apostrophes, in lower case
    #[arg(long, conflicts_with = "field")]
    pub(crate) words: bool,
}

/// What separates fields.
#[derive(ClapArgs, Debug)]
pub(crate) struct DelimiterArgs {
    /// Fields are separated by each D (\t is a tab), not by runs of white space
    #[arg(long, value_name = "D", value_parser = delimiter, requires = FIELD_OPTIONS)]
    delimiter: Option<String>,
}

impl DelimiterArgs {
    pub(crate) fn separator(&self) -> Separator {
        Separator::new(self.text())
    }

    /// The delimiter; `None` means blanks.
    pub(crate) fn text(&self) -> Option<&str> {
        self.delimiter.as_deref()
    }
}

/// Where the lines come from.
#[derive(ClapArgs, Debug)]
pub(crate) struct InputArgs {
    /// Count bad lines and unreadable files, and go on without them
    #[arg(long)]
    skip_bad: bool,

    /// Files to read; - or none is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl InputArgs {
    pub(crate) const fn on_bad(&self) -> OnBad {
        OnBad::from_flag(self.skip_bad)
    }

    /// The files in order; standard input if none is named.
    pub(crate) fn sources(&self) -> Vec<Source> {
        if self.files.is_empty() {
            return vec![Source::Stdin];
        }
        self.files
            .iter()
            .map(|path| Source::from_path(path))
            .collect()
    }
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
}

const FIELD_OPTIONS: &str = "field options";

/// The options that make a delimiter meaningful.
fn field_options(names: &[&'static str]) -> ArgGroup {
    ArgGroup::new(FIELD_OPTIONS)
        .args(names.iter().copied())
        .multiple(true)
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "must be a whole number from 1")
}

/// A number of counters, as many as a summary can have.
fn counters(text: &str) -> Result<NonZeroUsize, &'static str> {
    const MOST: usize = u32::MAX as usize - 1;
    let counters = at_least_one(text)?;
    if counters.get() > MOST {
        return Err("must be at most 4294967294");
    }
    Ok(counters)
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text
        .parse()
        .map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|_| text.parse())
        .map_err(|_| "must be a port, or an address with a port, as in 8080 or 127.0.0.1:8080")
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let duration =
        humantime::parse_duration(text).map_err(|_| "must be a duration, as in 500ms, 2s or 1m")?;
    if duration.is_zero() || duration.subsec_nanos() % 1_000_000 != 0 {
        return Err("must be a whole number of milliseconds from 1");
    }
    Ok(duration)
}

fn delimiter(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("a delimiter cannot be empty"),
        r"\t" => Ok("\t".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
