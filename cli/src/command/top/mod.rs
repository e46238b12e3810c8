//! `forebay top`: the most frequent items, with guaranteed bounds.

mod lanes;
mod live;
mod tally;

use std::io::Write;

use forebay::frequent::MisraGries;
use forebay::merge_all;

use self::tally::{CountTally, Tally, WeightTally};
use crate::args::{RankingArgs, TopArgs};
use crate::error::Error;
use crate::frequent::counters::Counters;
use crate::saved;

/// Reads the input and prints its most frequent items.
///
/// # Errors
///
/// Unreadable or bad input unless it is skipped, and failing output.
pub(crate) fn run(args: &TopArgs, out: &mut impl Write) -> Result<(), Error> {
    match args.weight_field {
        None => count(args, || CountTally::new(args), out),
        Some(field) => count(args, || WeightTally::new(args, field), out),
    }
}

fn count<T>(args: &TopArgs, make: impl Fn() -> T, out: &mut impl Write) -> Result<(), Error>
where
    T: Tally,
    Counters: From<MisraGries<Vec<u8>, T::Weight>>,
{
    saved::check(
        args.output.save.destination(),
        &Counters::from(make().finish()),
    )?;
    if let Some(every) = args.every {
        return live::run(args, every, make(), out);
    }
    let lanes = lanes::count_all(&args.input, args.jobs(), &make)?;
    let parts = lanes.into_iter().map(|mut lane| lane.finish());
    let summary = merge_all(parts).unwrap_or_else(|| make().finish());
    let RankingArgs { n, format, save } = &args.output;
    Counters::from(summary).save_and_print(save.destination(), n.get(), *format, out)
}
