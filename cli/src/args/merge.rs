//! The arguments of `forebay merge`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::estimate::EstimateArgs;
use super::shared::{FIELD_OPTIONS, SHOWN, SaveArgs, field_options};
use super::value::{at_least_one, delimiter};
use crate::error::Error;
use crate::input::skip::OnBad;
use crate::output::format::Format;

/// Merge what `forebay top --save` or `forebay sample --save` has written, or a DataSketches
/// library.
///
/// Files of this program and images of frequent strings, reservoirs, VarOpt samples and their
/// unions are told apart by their first bytes, and may be mixed. An image has no line numbers, so
/// its lines come in no order; and no delimiter or field of weights, so those of the other files
/// hold for it.
///
/// Of counters, the most frequent items of all are shown; the bounds are those of one summary of
/// all the input, with the fewest counters of any. Of samples, which must have been drawn by one
/// method with runs of different seeds, the lines are printed, in the order of the files and of the
/// input of each, or estimates for all the input; the sample is one of all the input, as large as
/// the smallest.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["estimates"]))]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pub(crate) output: MergeOutput,

    /// Of lines from images: fields are separated by each D (\t is a tab), not by runs of white
    /// space
    #[arg(long, value_name = "D", value_parser = delimiter, requires = FIELD_OPTIONS)]
    pub(crate) delimiter: Option<String>,

    /// Count sampled lines that do not hold what an estimate asks for, and go on without them
    #[arg(long, requires = "estimates")]
    skip_bad: bool,

    /// Files to merge
    #[arg(value_name = "FILE")]
    pub(crate) first: PathBuf,

    /// More of them
    #[arg(value_name = "FILE")]
    pub(crate) others: Vec<PathBuf>,
}

impl MergeArgs {
    pub(crate) const fn on_bad(&self) -> OnBad {
        OnBad::from_flag(self.skip_bad)
    }
}

/// What becomes of a merged summary, whatever its kind.
#[derive(ClapArgs, Debug)]
pub(crate) struct MergeOutput {
    /// How many items of a ranking to show, 10 unless given
    #[arg(short, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    n: Option<NonZeroUsize>,

    /// How to print a ranking or estimates, as a table unless given
    #[arg(long, value_enum)]
    format: Option<Format>,

    #[command(flatten)]
    pub(crate) save: SaveArgs,

    #[command(flatten)]
    pub(crate) estimates: EstimateArgs,
}

impl MergeOutput {
    /// How many items of a ranking to show, and how to print it.
    ///
    /// # Errors
    ///
    /// If an option is given that only samples have.
    pub(crate) fn for_ranking(&self) -> Result<(usize, Format), Error> {
        if !self.estimates.queries.is_empty() {
            return Err(usage(
                "--estimate: only samples estimate; the files hold counters",
            ));
        }
        let n = self.n.unwrap_or(SHOWN).get();
        Ok((n, self.format.unwrap_or_default()))
    }

    /// How the estimates of a sample are printed.
    ///
    /// # Errors
    ///
    /// If something is asked for that only counters have.
    pub(crate) fn format_of_estimates(&self) -> Result<Format, Error> {
        if self.n.is_some() {
            return Err(usage("-n: a sample is printed whole"));
        }
        if self.format.is_some() && self.estimates.queries.is_empty() {
            return Err(usage("--format: sampled lines are printed as they are"));
        }
        Ok(self.format.unwrap_or_default())
    }
}

fn usage(message: &str) -> Error {
    Error::Usage(message.to_owned())
}
