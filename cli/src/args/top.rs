//! The arguments of `forebay top`.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::shared::{DelimiterArgs, InputArgs, KeyArgs, RankingArgs, field_options};
use super::value::{at_least_one, counters, interval, panes};
use crate::error::Error;
use crate::place::FieldNumber;

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
