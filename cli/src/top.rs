//! `forebay top`: the most frequent items, with certain bounds.

use std::io::Write;

use forebay::frequent::MisraGries;

use crate::args::{Format, TopArgs};
use crate::error::{Error, Problem};
use crate::field::FieldNumber;
use crate::format::write_json;
use crate::input::read_input;
use crate::keys::KeyFinder;
use crate::ranking::Ranking;

/// Reads the input and prints its most frequent items.
///
/// # Errors
///
/// Unreadable or bad input, unless it is to be skipped, and failing output.
pub(crate) fn run(args: &TopArgs, out: &mut impl Write) -> Result<(), Error> {
    let n = args.n.get();
    let ranking = match args.weight_field {
        None => Ranking::new(&count(args)?, n),
        Some(field) => Ranking::new(&weigh(args, field)?, n),
    };
    match args.format {
        Format::Table => ranking.write_table(args.k.get(), out),
        Format::Json => write_json(&ranking, out),
        Format::Csv => ranking.write_csv(out),
    }
}

fn count(args: &TopArgs) -> Result<MisraGries<Vec<u8>>, Error> {
    let mut summary = MisraGries::new(args.k.get());
    let mut keys = KeyFinder::new(&args.keys, args.delimiter.separator());
    read_input(&args.input, |block, skipper| {
        keys.in_block(block, skipper, |key| summary.update_ref(key))
    })?;
    Ok(summary)
}

fn weigh(args: &TopArgs, field: FieldNumber) -> Result<MisraGries<Vec<u8>, f64>, Error> {
    let mut summary = MisraGries::new(args.k.get());
    let separator = args.delimiter.separator();
    let mut keys = KeyFinder::new(&args.keys, separator.clone());
    read_input(&args.input, |block, skipper| {
        block.try_lines(skipper, |line| {
            let weight = separator.weight(line.text(), field)?;
            keys.in_line(line, |key| {
                let updated = summary.try_update_weighted_ref(key, weight.get());
                updated.map_err(|_| Problem::TotalTooLarge)
            })
        })
    })?;
    Ok(summary)
}
