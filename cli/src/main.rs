//! The program `forebay`: frequent items, random samples and running counts on the command line.
//!
//! It uses only the public API of the library.

#![forbid(unsafe_code)]

mod args;
mod command;
mod error;
mod frequent;
mod input;
mod output;
mod place;
mod sample;
mod saved;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::error::Error;
use crate::output::message::say;

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let result = command::run(&args.command, &mut out);
    match result.and_then(|()| out.flush().map_err(Error::from)) {
        Ok(()) | Err(Error::Closed) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("forebay: {error}"));
            match error {
                Error::Usage(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
