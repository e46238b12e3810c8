//! `forebay top`: the most frequent items, with guaranteed bounds.

mod lanes;
mod live;
mod tally;

use std::io::Write;

use self::tally::{CountTally, Tally, WeightTally};
use crate::args::{RankingArgs, TopArgs};
use crate::command::random::random_number;
use crate::error::Error;
use crate::frequent::counters::{Counters, Question};
use crate::frequent::sums::merged;

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

fn count<T: Tally>(
    args: &TopArgs,
    make: impl Fn() -> T,
    out: &mut impl Write,
) -> Result<(), Error> {
    let RankingArgs { n, format, save } = &args.output;
    let question = Question {
        counted: args.keys.counted(),
        delimiter: args.delimiter.text().map(str::to_owned),
        weight_field: args.weight_field,
    };
    let counters = |sums: T::Sums| Counters::new(sums, question.clone(), random_number());
    let plan = save.plan(&args.input.identities())?;
    if let Some(plan) = &plan {
        plan.check(&counters(make().finish()))?;
    }
    if let Some(every) = args.every {
        return live::run(args, every, make(), out);
    }
    let lanes = lanes::count_all(&args.input, args.jobs(), &make)?;
    let parts = lanes.into_iter().map(|mut lane| lane.finish());
    let summary = merged(parts)?.unwrap_or_else(|| make().finish());
    counters(summary).print_and_save(plan.as_ref(), n.get(), *format, out)
}
