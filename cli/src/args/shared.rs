//! Options that several subcommands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs};

use super::value::{at_least_one, delimiter};
use crate::input::field::Separator;
use crate::input::keys::KeyFinder;
use crate::input::skip::OnBad;
use crate::input::source::Source;
use crate::input::words::WordFinder;
use crate::output::format::Format;
use crate::place::FieldNumber;
use crate::saved::{Destination, SaveFormat};

/// How many items a ranking shows by default.
pub(super) const SHOWN: NonZeroUsize = NonZeroUsize::new(10).expect("it is not 0");

/// What to do with a ranking.
#[derive(ClapArgs, Debug)]
pub(crate) struct RankingArgs {
    /// Number of items to show
    #[arg(short, value_name = "N", default_value_t = SHOWN, value_parser = at_least_one)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) n: NonZeroUsize,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) save: SaveArgs,
}

/// Which part of a line is an item.
#[derive(ClapArgs, Debug)]
pub(crate) struct KeyArgs {
    /// Count this field of each line; the first field is 1
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) field: Option<FieldNumber>,

    /// Count the words of each line: runs of letters, digits and apostrophes, in lower case
    #[arg(long, conflicts_with = "field")]
    pub(crate) words: bool,
}

impl KeyArgs {
    /// Finds the items in lines with these fields.
    pub(crate) fn finder(&self, separator: Separator) -> KeyFinder {
        match self.field {
            Some(number) => KeyFinder::Field(separator, number),
            None if self.words => KeyFinder::Words(WordFinder::default()),
            None => KeyFinder::Line,
        }
    }
}

/// The separator of fields.
#[derive(ClapArgs, Debug)]
pub(crate) struct DelimiterArgs {
    /// Separator of fields (\t means a tab) [default: runs of white space]
    #[arg(long, value_name = "D", value_parser = delimiter, requires = FIELD_OPTIONS)]
    delimiter: Option<String>,
}

impl DelimiterArgs {
    pub(crate) fn separator(&self) -> Separator {
        Separator::new(self.text())
    }

    /// The delimiter; `None` means white space.
    pub(crate) fn text(&self) -> Option<&str> {
        self.delimiter.as_deref()
    }
}

/// The input.
#[derive(ClapArgs, Debug)]
pub(crate) struct InputArgs {
    /// Skip bad lines and unreadable files, and report how many there were
    #[arg(long)]
    skip_bad: bool,

    /// Files to read; - means standard input [default: standard input]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl InputArgs {
    pub(crate) const fn on_bad(&self) -> OnBad {
        OnBad::from_flag(self.skip_bad)
    }

    /// The files in the order given; standard input if there are none.
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

/// Where to save a summary, and how.
#[derive(ClapArgs, Clone, Debug)]
pub(crate) struct SaveArgs {
    /// Save the summary to this file, to be merged later
    #[arg(long = "save", id = "save", value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,

    /// Format of that file
    #[arg(
        long = "save-as",
        id = "save_as",
        value_name = "FORMAT",
        requires = "save"
    )]
    #[arg(value_enum, default_value_t)]
    pub(crate) format: SaveFormat,
}

impl SaveArgs {
    /// Where to save the summary, if anywhere.
    pub(crate) fn destination(&self) -> Option<Destination<'_>> {
        let path = self.path.as_deref()?;
        Some(Destination {
            path,
            format: self.format,
        })
    }
}

pub(super) const FIELD_OPTIONS: &str = "field options";

/// The options that refer to fields; a delimiter needs one of them.
pub(super) fn field_options(names: &[&'static str]) -> ArgGroup {
    ArgGroup::new(FIELD_OPTIONS)
        .args(names.iter().copied())
        .multiple(true)
}
