//! What `forebay state` is asked.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// Show what the checkpoints of a stream hold, and verify every byte of them.
///
/// Newest first: the first that is whole is the one that a stream goes on from. Ends with status 1
/// if one of them is damaged.
#[derive(ClapArgs, Debug)]
pub(crate) struct StateArgs {
    /// The directory that was given to stream --checkpoint, or to any other program's checkpoints
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: StateFormat,
}

/// How checkpoints are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub(crate) enum StateFormat {
    /// For people
    #[default]
    Table,
    /// A JSON array with an object for each checkpoint
    Json,
}
