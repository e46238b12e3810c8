//! All lines have the same chance.

use forebay::Merge;
use forebay::datasketches::{ImageError, read_reservoir_with_rng, write_reservoir};
use forebay::random::DefaultRng;
use forebay::sample::{Iter, Reservoir};
use serde::{Deserialize, Serialize};
use std::iter;

use crate::error::{Error, Problem};
use crate::input::block::{Block, Line};
use crate::input::skip::Skipper;
use crate::sample::drawn::{DrawContext, Drawn};
use crate::sample::query::Quantity;
use crate::sample::sampler::{Answer, Constructor, MethodOptions, Question, Sampler};

/// A uniform sample of lines.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Uniform(Reservoir<Drawn>);

impl Sampler for Uniform {
    fn constructor(_: &MethodOptions) -> Option<Constructor<Self>> {
        Some(Box::new(|capacity, rng| {
            Self(Reservoir::with_rng(capacity, rng))
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

    fn answer(&self, question: &Question<'_>) -> Option<Answer> {
        let (sample, confidence) = (&self.0, question.confidence);
        let holds = |line: &Drawn| question.holds(line);
        let value = |line: &Drawn| question.value(line);
        Some(match question.quantity() {
            Quantity::Count => question.part_of(sample.seen() as f64, || {
                sample.estimate_count_with_confidence(holds, confidence)
            }),
            Quantity::Fraction => Answer::Total {
                estimate: sample.estimate_fraction_with_confidence(holds, confidence),
                possible: 0.0..=1.0,
            },
            Quantity::Sum(_) => {
                let term = |line: &Drawn| question.term(line);
                Answer::sum(sample.estimate_sum_with_confidence(term, confidence))
            }
            Quantity::Mean(_) => {
                Answer::OfLines(sample.estimate_mean_where_with_confidence(value, confidence))
            }
            Quantity::Quantile(_, q) => Answer::OfLines(
                sample.estimate_quantile_where_with_confidence(value, q, confidence),
            ),
            Quantity::Weight => return None,
        })
    }

    fn image(&self) -> Result<Vec<u8>, ImageError> {
        write_reservoir(&self.0.clone().map(Drawn::into_text))
    }

    fn from_image(
        image: &[u8],
        rng: DefaultRng,
        drawn: &mut dyn FnMut(Vec<u8>) -> Drawn,
    ) -> Result<Self, ImageError> {
        Ok(Self(read_reservoir_with_rng(image, rng)?.map(drawn)))
    }
}
