//! What the user asks for on the command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::field::{FieldNumber, Separator};
use crate::skip::OnBad;

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
}

/// Show the most frequent lines, fields or words, with certain bounds.
///
/// Memory is bounded by -k counters whatever the input. The true count of every item lies between
/// its lower and its upper bound, and they differ by at most total/(k+1). The share is that of the
/// lower bound in the total; in the bar, the part between the bounds is drawn light.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["field", "weight_field"]))]
pub(crate) struct TopArgs {
    /// How many items to show
    #[arg(short, value_name = "N", default_value = "10", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) n: NonZeroUsize,

    /// How many counters to keep: more counters, tighter bounds
    #[arg(short, value_name = "K", default_value = "1024", value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) k: NonZeroUsize,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    /// Count each item by the number in this field instead of by one (- means none)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) weight_field: Option<FieldNumber>,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) input: InputArgs,
}

/// Print a random sample of lines, unchanged and in input order.
///
/// Every line has the same chance, or, with --weight-field, one that grows with its weight. With
/// --by-field, -n lines are drawn for each value of that field. Same seed, same input, same sample.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["by_field", "weight_field"]))]
pub(crate) struct SampleArgs {
    /// How many lines to draw
    #[arg(short, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) n: NonZeroUsize,

    /// Draw lines by the weight in this field (- means none: never drawn)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) weight_field: Option<FieldNumber>,

    /// Draw -n lines for each value of this field
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) by_field: Option<FieldNumber>,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    /// Where the randomness starts; without it every run draws another sample
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,

    #[command(flatten)]
    pub(crate) input: InputArgs,
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
        Separator::new(self.delimiter.as_deref())
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
        if self.skip_bad {
            OnBad::Skip
        } else {
            OnBad::Stop
        }
    }

    /// The files in order, `-` for standard input.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let stdin = self.files.is_empty().then_some(Path::new("-"));
        self.files.iter().map(PathBuf::as_path).chain(stdin)
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
