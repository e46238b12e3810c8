//! The program `forebay`: frequent items, random samples and running counts on the command line.
//!
//! It uses only the public API of the library.

#![forbid(unsafe_code)]

mod args;
mod command;
mod error;
mod file;
mod frequent;
mod input;
mod output;
mod place;
mod sample;
mod saved;

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::error::Error;
use crate::output::format::is_steering;
use crate::output::message::say;
use crate::output::stdout;

fn main() -> ExitCode {
    ExitCode::from(match Args::try_parse() {
        Ok(args) => run(&args),
        Err(error) => refuse(&error),
    })
}

/// Runs a command and reports how it failed; returns the exit code.
fn run(args: &Args) -> u8 {
    let mut out = BufWriter::new(stdout());
    let result = command::run(&args.command, &mut out);
    match result.and_then(|()| out.flush().map_err(Error::from)) {
        Ok(()) | Err(Error::Closed) => 0,
        Err(error) => {
            say(format_args!("forebay: {error}"));
            match error {
                Error::Usage(_) => WRONG_USAGE,
                Error::Interrupted(interrupt) => interrupt.exit_code(),
                _ => 1,
            }
        }
    }
}

/// The exit code for wrong arguments.
const WRONG_USAGE: u8 = 2;

/// Reports arguments that are wrong, in which there may be anything; returns the exit code.
fn refuse(error: &clap::Error) -> u8 {
    let text = error.to_string();
    if error.use_stderr() && text.lines().any(|line| line.chars().any(is_steering)) {
        text.lines().for_each(say);
        return WRONG_USAGE;
    }
    error.exit()
}
