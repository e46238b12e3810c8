//! The `forebay` binary: frequent items, samples and running counts of big streams at a terminal.
//!
//! It uses nothing but the public interface of the library.

#![forbid(unsafe_code)]

mod args;
mod block;
mod chunk;
mod counters;
mod decode;
mod error;
mod field;
mod format;
mod generate;
mod image;
mod input;
mod keys;
mod lanes;
mod live;
mod merge;
#[cfg(unix)]
mod parallel;
mod progress;
mod ranking;
mod sample;
mod saved;
mod skip;
mod source;
mod state;
mod stream;
mod table;
mod tally;
mod top;
mod window;
mod words;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::error::{Error, say};

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let result = match &args.command {
        Command::Top(top) => top::run(top, &mut out),
        Command::Sample(sample) => sample::run(sample, &mut out),
        Command::Stream(stream) => stream::run(stream, &mut out),
        Command::State(state) => state::run(state, &mut out),
        Command::Merge(merge) => merge::run(merge, &mut out),
    };
    match result.and_then(|()| out.flush().map_err(Error::from)) {
        Ok(()) | Err(Error::Abandoned) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("forebay: {error}"));
            match error {
                Error::Usage(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
