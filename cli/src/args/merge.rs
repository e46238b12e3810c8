//! The arguments of `forebay merge`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::estimate::EstimateArgs;
use super::shared::{FIELD_OPTIONS, SHOWN, SaveArgs, field_options};
use super::value::{at_least_one, delimiter};
use crate::error::Error;
use crate::frequent::counters::Unlike;
use crate::input::skip::OnBad;
use crate::output::format::Format;

/// Merge summaries saved by top or sample, or by a DataSketches library.
///
/// Files of this program can be mixed with images of DataSketches: frequent strings, reservoirs,
/// VarOpt samples and their unions. The first bytes of a file tell which one it is.
///
/// Counters: shows the most frequent items of all the input. The bounds are those of a single
/// summary of all the input with the smallest -k of the files. The files must have counted the same
/// field, words or lines, with the same delimiter and weight field, in different runs. Images do not
/// tell what they counted.
///
/// Samples: prints the lines of a sample of all the input, as large as the smallest of the files, or
/// estimates from it. The samples must have been drawn by the same method, with different seeds.
/// Lines are printed in the order of the files, and in input order for each file. Images have no
/// line numbers, so their lines have no order. They have no delimiter and no weight field either,
/// and take those of the other files.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["estimates"]))]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pub(crate) output: MergeOutput,

    /// Separator of fields for lines from images (\t means a tab) [default: runs of white space]
    #[arg(long, value_name = "D", value_parser = delimiter, requires = FIELD_OPTIONS)]
    pub(crate) delimiter: Option<String>,

    /// Skip sampled lines without the fields that an estimate needs, and report how many there were
    #[arg(long, requires = "estimates")]
    skip_bad: bool,

    /// Merge counters that counted different things, or that have a run in common, all the same
    #[arg(long)]
    pub(crate) insist: bool,

    /// Files to merge; - means standard input
    #[arg(value_name = "FILE")]
    pub(crate) first: PathBuf,

    /// More files to merge
    #[arg(value_name = "FILE")]
    pub(crate) others: Vec<PathBuf>,
}

impl MergeArgs {
    pub(crate) const fn on_bad(&self) -> OnBad {
        OnBad::from_flag(self.skip_bad)
    }

    /// For files that hold samples.
    ///
    /// # Errors
    ///
    /// If an option is given that only counters have.
    pub(crate) fn refuse_insisting(&self) -> Result<(), Error> {
        match self.insist {
            true => Err(usage(
                "--insist: the files hold samples, and only counters can be merged all the same",
            )),
            false => Ok(()),
        }
    }

    /// What to do with counters that do not go together.
    pub(crate) const fn unlike(&self) -> Unlike {
        match self.insist {
            true => Unlike::Insist,
            false => Unlike::Refuse,
        }
    }
}

/// What to do with a merged summary of any kind.
#[derive(ClapArgs, Debug)]
pub(crate) struct MergeOutput {
    /// Number of items to show, for counters [default: 10]
    #[arg(short, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    n: Option<NonZeroUsize>,

    /// Output format of items or estimates [default: table]
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
                "--estimate: the files hold counters, and only samples have estimates",
            ));
        }
        let n = self.n.unwrap_or(SHOWN).get();
        Ok((n, self.format.unwrap_or_default()))
    }

    /// How to print the estimates of a sample.
    ///
    /// # Errors
    ///
    /// If an option is given that only counters have.
    pub(crate) fn format_of_estimates(&self) -> Result<Format, Error> {
        if self.n.is_some() {
            return Err(usage("-n: the files hold samples, which are printed whole"));
        }
        if self.format.is_some() && self.estimates.queries.is_empty() {
            return Err(usage(
                "--format: needs --estimate, since sampled lines are printed unchanged",
            ));
        }
        Ok(self.format.unwrap_or_default())
    }
}

fn usage(message: &str) -> Error {
    Error::Usage(message.to_owned())
}
