//! Independent draws: a line may be drawn more than once.

use std::iter;

use forebay::Merge;
use forebay::sample::{Iter, ReplacementReservoir};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem};
use crate::input::block::{Block, Line};
use crate::input::skip::Skipper;
use crate::sample::drawn::{DrawContext, Drawn};
use crate::sample::sampler::{Constructor, MethodOptions, Sampler};

/// A sample of lines with replacement.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Replacement(ReplacementReservoir<Drawn>);

impl Sampler for Replacement {
    fn constructor(_: &MethodOptions) -> Option<Constructor<Self>> {
        Some(Box::new(|capacity, rng| {
            Self(ReplacementReservoir::with_rng(capacity, rng))
        }))
    }

    fn offer(&mut self, line: Line<'_>, context: &DrawContext) -> Result<(), Problem> {
        self.0.extend(context.draw(iter::once(line)));
        Ok(())
    }

    /// Does not look at the lines that it passes over.
    fn offer_block(
        &mut self,
        block: &Block<'_>,
        context: &DrawContext,
        _: &mut Skipper,
    ) -> Result<(), Error> {
        self.0.extend(context.draw(block.lines()));
        Ok(())
    }

    fn iter(&self) -> Iter<'_, Drawn> {
        self.0.iter()
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}
