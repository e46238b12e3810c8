//! The subcommands: each takes its arguments, does its work and prints the result.

mod merge;
mod random;
mod sample;
mod state;
mod stream;
mod top;

use std::io::Write;

use crate::args::Command;
use crate::error::Error;

/// Runs a subcommand.
///
/// # Errors
///
/// Those of the subcommand.
pub(crate) fn run(command: &Command, out: &mut impl Write) -> Result<(), Error> {
    match command {
        Command::Top(args) => top::run(args, out),
        Command::Sample(args) => sample::run(args, out),
        Command::Stream(args) => stream::run(args, out),
        Command::State(args) => state::run(args, out),
        Command::Merge(args) => merge::run(args, out),
    }
}
