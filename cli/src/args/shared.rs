//! Options that several subcommands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs};

use super::value::{at_least_one, delimiter};
use crate::error::Error;
use crate::file::Identity;
use crate::frequent::counters::Counted;
use crate::input::field::Separator;
use crate::input::keys::KeyFinder;
use crate::input::skip::OnBad;
use crate::input::source::Source;
use crate::input::words::WordFinder;
use crate::output::format::Format;
use crate::place::FieldNumber;
use crate::saved::{Destination, Plan, SaveFormat};

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
    /// What they count.
    pub(crate) const fn counted(&self) -> Counted {
        match self.field {
            Some(number) => Counted::Field(number),
            None if self.words => Counted::Words,
            None => Counted::Lines,
        }
    }

    /// Finds the items in lines with these fields.
    pub(crate) fn finder(&self, separator: Separator) -> KeyFinder {
        match self.counted() {
            Counted::Field(number) => KeyFinder::Field(separator, number),
            Counted::Words => KeyFinder::Words(WordFinder::default()),
            Counted::Lines => KeyFinder::Line,
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

    /// The regular files among them, which no output may replace.
    pub(crate) fn identities(&self) -> Vec<Identity> {
        self.sources().iter().filter_map(Source::identity).collect()
    }
}

/// Where to save a summary, and how.
#[derive(ClapArgs, Clone, Debug)]
pub(crate) struct SaveArgs {
    /// Save the summary to this file, to be merged later
    ///
    /// It is saved after the results were printed, as a whole or not at all. A link is followed, and
    /// the mode of a file that is there is kept; a new file can be read by its user alone. The file
    /// must not be an input.
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
    /// Plans to save the summary, if that is wanted; called before anything is read.
    ///
    /// # Errors
    ///
    /// If the file is one of the inputs.
    pub(crate) fn plan(&self, inputs: &[Identity]) -> Result<Option<Plan>, Error> {
        let destination = self.path.as_deref().map(|path| Destination {
            path,
            format: self.format,
        });
        destination.map(|it| it.plan(inputs)).transpose()
    }
}

pub(super) const FIELD_OPTIONS: &str = "field options";

/// The options that refer to fields; a delimiter needs one of them.
pub(super) fn field_options(names: &[&'static str]) -> ArgGroup {
    ArgGroup::new(FIELD_OPTIONS)
        .args(names.iter().copied())
        .multiple(true)
}
