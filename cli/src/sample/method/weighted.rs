//! Lines are drawn one after the other, each by its weight among those left.

use forebay::sample::{Iter, WeightedReservoir};
use forebay::{Merge, Summary};
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::input::block::Line;
use crate::place::FieldNumber;
use crate::sample::drawn::{DrawContext, Drawn};
use crate::sample::query::Quantity;
use crate::sample::sampler::{Answer, Constructor, MethodOptions, Question, Sampler};

/// A sample of lines by weight.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Weighted {
    weight_field: FieldNumber,
    sample: WeightedReservoir<Drawn>,
}

impl Sampler for Weighted {
    fn constructor(options: &MethodOptions) -> Option<Constructor<Self>> {
        let weight_field = options.weight_field?;
        Some(Box::new(move |capacity, rng| Self {
            weight_field,
            sample: WeightedReservoir::with_rng(capacity, rng),
        }))
    }

    fn offer(&mut self, line: Line<'_>, context: &DrawContext) -> Result<(), Problem> {
        let weight = context.separator.weight(line.text(), self.weight_field)?;
        Summary::update(&mut self.sample, (context.drawn(line), weight));
        Ok(())
    }

    fn iter(&self) -> Iter<'_, Drawn> {
        self.sample.iter()
    }

    fn details(&self) -> String {
        format!(" (field {})", self.weight_field)
    }

    fn merge(&mut self, other: Self) {
        self.sample.merge(other.sample);
    }

    fn answer(&self, question: &Question<'_>) -> Option<Answer> {
        let (sample, confidence) = (&self.sample, question.confidence);
        let holds = |line: &Drawn| question.holds(line);
        Some(match question.quantity() {
            Quantity::Count => Answer::Total {
                estimate: sample.estimate_count_with_confidence(holds, confidence),
                possible: 0.0..=sample.seen() as f64,
            },
            Quantity::Sum(_) => {
                let term = |line: &Drawn| question.term(line);
                Answer::sum(sample.estimate_sum_with_confidence(term, confidence))
            }
            Quantity::Weight => question.part_of_sum(sample.total_weight(), || {
                sample.estimate_weight_with_confidence(holds, confidence)
            }),
            Quantity::Fraction | Quantity::Mean(_) | Quantity::Quantile(..) => return None,
        })
    }
}
