//! The arguments of `forebay state`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// Show and verify the checkpoints of a stream.
///
/// Every byte is verified. The newest checkpoint comes first; a stream resumes from the first one
/// that is whole. The exit status is 1 if any of them is damaged.
#[derive(ClapArgs, Debug)]
pub(crate) struct StateArgs {
    /// Directory of checkpoints, written by stream --checkpoint or by another program
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: StateFormat,
}

/// The format in which checkpoints are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub(crate) enum StateFormat {
    /// A table for people
    #[default]
    Table,
    /// A JSON array with an object for each checkpoint
    Json,
}
