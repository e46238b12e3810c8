//! Where a summary is kept, and how.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// What is to be kept of a summary.
#[derive(ClapArgs, Clone, Debug)]
pub(crate) struct SaveArgs {
    /// Keep the summary in a file, to be merged with others
    #[arg(long = "save", id = "save", value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,

    /// The format of that file
    #[arg(
        long = "save-as",
        id = "save_as",
        value_name = "FORMAT",
        requires = "save"
    )]
    #[arg(value_enum, default_value_t)]
    pub(crate) format: SaveFormat,
}

/// The format of a saved summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub(crate) enum SaveFormat {
    /// Everything there is to know
    #[default]
    Forebay,
    /// A binary image that the DataSketches libraries read: of top without weights (frequent
    /// strings), and of samples drawn uniform (reservoir) and varopt; text must be UTF-8. It
    /// keeps items, counts and totals, but no seed, delimiter, file name, line number or line end
    Datasketches,
}
