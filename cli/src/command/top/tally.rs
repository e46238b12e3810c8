//! Counting the items of blocks, by number or by weight.

use std::mem;

use forebay::frequent::MisraGries;

use crate::args::TopArgs;
use crate::error::{Error, Problem};
use crate::frequent::counters::AnySums;
use crate::frequent::sums::{Sums, Weights};
use crate::input::block::Block;
use crate::input::field::Separator;
use crate::input::keys::KeyFinder;
use crate::input::skip::Skipper;
use crate::place::FieldNumber;

/// A summary that is filled with the items of blocks.
pub(crate) trait Tally: Send {
    type Sums: Sums + Clone + Into<AnySums>;

    /// Counts the items of a block.
    ///
    /// # Errors
    ///
    /// The first bad line, unless `skipper` skips it.
    fn take(&mut self, block: &Block<'_>, skipper: &mut Skipper) -> Result<(), Error>;

    /// Returns the summary and starts a new one.
    fn finish(&mut self) -> Self::Sums;
}

/// Counts 1 for each item.
#[derive(Debug)]
pub(crate) struct CountTally {
    keys: KeyFinder,
    summary: MisraGries<Vec<u8>>,
}

impl CountTally {
    pub(crate) fn new(args: &TopArgs) -> Self {
        Self {
            keys: args.keys.finder(args.delimiter.separator()),
            summary: MisraGries::new(args.k.get()),
        }
    }
}

impl Tally for CountTally {
    type Sums = MisraGries<Vec<u8>>;

    fn take(&mut self, block: &Block<'_>, skipper: &mut Skipper) -> Result<(), Error> {
        let summary = &mut self.summary;
        self.keys
            .in_block(block, skipper, |key| summary.update_ref(key))
    }

    fn finish(&mut self) -> Self::Sums {
        let empty = MisraGries::new(self.summary.k());
        mem::replace(&mut self.summary, empty)
    }
}

/// Adds the number in a field of the line for each item.
#[derive(Debug)]
pub(crate) struct WeightTally {
    keys: KeyFinder,
    separator: Separator,
    field: FieldNumber,
    sums: Weights,
}

impl WeightTally {
    pub(crate) fn new(args: &TopArgs, field: FieldNumber) -> Self {
        let separator = args.delimiter.separator();
        Self {
            keys: args.keys.finder(separator.clone()),
            separator,
            field,
            sums: Weights::new(args.k.get()),
        }
    }
}

impl Tally for WeightTally {
    type Sums = Weights;

    fn take(&mut self, block: &Block<'_>, skipper: &mut Skipper) -> Result<(), Error> {
        let Weights { summary, rounding } = &mut self.sums;
        block.try_lines(skipper, |line| {
            let weight = self.separator.summand(line.text(), self.field)?;
            self.keys.in_line(line, |key| {
                rounding.note(weight);
                let updated = summary.try_update_weighted_ref(key, weight.number);
                updated.map_err(|_| Problem::TotalTooLarge)
            })
        })
    }

    fn finish(&mut self) -> Weights {
        let empty = Weights::new(self.sums.k());
        mem::replace(&mut self.sums, empty)
    }
}
