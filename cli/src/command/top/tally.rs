//! Counting the items of blocks, by number or by weight.

use std::mem;

use forebay::frequent::{MisraGries, Weight};

use crate::args::TopArgs;
use crate::error::{Error, Problem};
use crate::input::block::Block;
use crate::input::field::Separator;
use crate::input::keys::KeyFinder;
use crate::input::skip::Skipper;
use crate::output::format::Number;
use crate::place::FieldNumber;

/// A summary that is filled with the items of blocks.
pub(crate) trait Tally: Send {
    type Weight: Weight + Into<Number>;

    /// Counts the items of a block.
    ///
    /// # Errors
    ///
    /// The first bad line, unless `skipper` skips it.
    fn take(&mut self, block: &Block<'_>, skipper: &mut Skipper) -> Result<(), Error>;

    fn summary(&mut self) -> &mut MisraGries<Vec<u8>, Self::Weight>;

    /// Returns the summary and starts a new one.
    fn finish(&mut self) -> MisraGries<Vec<u8>, Self::Weight> {
        let empty = MisraGries::with_weights(self.summary().k());
        mem::replace(self.summary(), empty)
    }
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
    type Weight = u64;

    fn take(&mut self, block: &Block<'_>, skipper: &mut Skipper) -> Result<(), Error> {
        let summary = &mut self.summary;
        self.keys
            .in_block(block, skipper, |key| summary.update_ref(key))
    }

    fn summary(&mut self) -> &mut MisraGries<Vec<u8>> {
        &mut self.summary
    }
}

/// Adds the number in a field of the line for each item.
#[derive(Debug)]
pub(crate) struct WeightTally {
    keys: KeyFinder,
    separator: Separator,
    field: FieldNumber,
    summary: MisraGries<Vec<u8>, f64>,
}

impl WeightTally {
    pub(crate) fn new(args: &TopArgs, field: FieldNumber) -> Self {
        let separator = args.delimiter.separator();
        Self {
            keys: args.keys.finder(separator.clone()),
            separator,
            field,
            summary: MisraGries::with_weights(args.k.get()),
        }
    }
}

impl Tally for WeightTally {
    type Weight = f64;

    fn take(&mut self, block: &Block<'_>, skipper: &mut Skipper) -> Result<(), Error> {
        block.try_lines(skipper, |line| {
            let weight = self.separator.weight(line.text(), self.field)?;
            self.keys.in_line(line, |key| {
                let updated = self.summary.try_update_weighted_ref(key, weight.get());
                updated.map_err(|_| Problem::TotalTooLarge)
            })
        })
    }

    fn summary(&mut self) -> &mut MisraGries<Vec<u8>, f64> {
        &mut self.summary
    }
}
