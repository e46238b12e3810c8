//! The arguments of `forebay top`.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::shared::{DelimiterArgs, InputArgs, KeyArgs, RankingArgs, field_options};
use super::value::{at_least_one, counters, interval, panes};
use crate::error::Error;
use crate::place::FieldNumber;

/// Show the most frequent lines, fields or words, with guaranteed bounds on their counts.
///
/// Memory is limited, however large the input is: up to ten times -k counters, a few MiB of input
/// and the longest line. The true count of an item is never outside its lower and upper bound, which
/// differ by at most total/(k+1), and by what additions of fractions may have rounded. The share is
/// the lower bound divided by the total. The light part of a bar is the range between the bounds.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["field", "weight_field"]))]
pub(crate) struct TopArgs {
    /// Number of counters; more counters give tighter bounds
    #[arg(short, value_name = "K", default_value = "1024", value_parser = counters)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) k: NonZeroUsize,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    /// Add the number in this field for each item, instead of 1 (- means 0)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) weight_field: Option<FieldNumber>,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    #[command(flatten)]
    pub(crate) output: RankingArgs,

    /// Number of threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "J", value_parser = at_least_one, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,

    /// Print the result at this interval while input arrives, for example 500ms or 2s
    #[arg(long, value_name = "D", value_parser = interval, conflicts_with_all = ["jobs", "save"])]
    pub(crate) every: Option<Duration>,

    /// Count only the input of the last W of time, a multiple of --every
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

    /// The length of the window in intervals of --every, if there is a window.
    ///
    /// # Errors
    ///
    /// If the window is not a multiple of the interval.
    pub(crate) fn window_panes(&self) -> Result<Option<usize>, Error> {
        panes(self.window.as_deref(), self.every)
    }
}
