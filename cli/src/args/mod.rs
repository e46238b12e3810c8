//! The command line: one file for the arguments of each subcommand, and files for what they share.

mod estimate;
mod merge;
mod sample;
mod shared;
mod state;
mod stream;
mod top;
mod value;

use clap::{Parser, Subcommand};

pub(crate) use merge::{MergeArgs, MergeOutput};
pub(crate) use sample::SampleArgs;
pub(crate) use shared::{InputArgs, RankingArgs};
pub(crate) use state::{StateArgs, StateFormat};
pub(crate) use stream::{StreamArgs, Verbosity};
pub(crate) use top::TopArgs;

/// Frequent items, random samples and running counts of large inputs, in bounded memory.
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
    Stream(StreamArgs),
    State(StateArgs),
    Merge(MergeArgs),
}

#[cfg(test)]
mod pairs;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
