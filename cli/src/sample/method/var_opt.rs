//! The chance of a line is proportional to its weight.

use forebay::datasketches::{ImageError, read_var_opt_with_rng, write_var_opt};
use forebay::random::DefaultRng;
use forebay::sample::{Iter, VarOpt as VarOptReservoir, Weight};
use forebay::{Merge, Summary};
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::input::block::Line;
use crate::place::FieldNumber;
use crate::sample::drawn::{DrawContext, Drawn};
use crate::sample::query::Quantity;
use crate::sample::sampler::{Answer, Constructor, MethodOptions, Question, Sampler};

/// A variance-optimal sample of lines by weight.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VarOpt {
    /// Unknown if the sample came from an image.
    weight_field: Option<FieldNumber>,
    sample: VarOptReservoir<Drawn>,
}

impl Sampler for VarOpt {
    fn constructor(options: &MethodOptions) -> Option<Constructor<Self>> {
        let weight_field = options.weight_field?;
        Some(Box::new(move |capacity, rng| Self {
            weight_field: Some(weight_field),
            sample: VarOptReservoir::with_rng(capacity, rng),
        }))
    }

    fn offer(&mut self, line: Line<'_>, context: &DrawContext) -> Result<(), Problem> {
        let weight = |field| context.separator.weight(line.text(), field);
        // Nothing is offered to a sample from an image.
        let weight = self.weight_field.map_or(Ok(Weight::ONE), weight)?;
        Summary::update(&mut self.sample, (context.drawn(line), weight));
        Ok(())
    }

    fn iter(&self) -> Iter<'_, Drawn> {
        self.sample.iter()
    }

    fn details(&self) -> String {
        self.weight_field
            .map_or_else(String::new, |field| format!(" (field {field})"))
    }

    /// An image does not say which field the weights came from.
    fn agrees(&self, other: &Self) -> bool {
        let fields = self.weight_field.zip(other.weight_field);
        fields.is_none_or(|(own, theirs)| own == theirs)
    }

    fn merge(&mut self, other: Self) {
        self.weight_field = self.weight_field.or(other.weight_field);
        self.sample.merge(other.sample);
    }

    fn answer(&self, question: &Question<'_>) -> Option<Answer> {
        let (sample, confidence) = (&self.sample, question.confidence);
        (question.quantity() == Quantity::Weight).then(|| {
            question.part_of_sum(sample.total_weight(), || {
                sample.estimate_weight_with_confidence(|line| question.holds(line), confidence)
            })
        })
    }

    fn image(&self) -> Result<Vec<u8>, ImageError> {
        write_var_opt(&self.sample.clone().map(Drawn::into_text))
    }

    fn from_image(
        image: &[u8],
        rng: DefaultRng,
        drawn: &mut dyn FnMut(Vec<u8>) -> Drawn,
    ) -> Result<Self, ImageError> {
        Ok(Self {
            weight_field: None,
            sample: read_var_opt_with_rng(image, rng)?.map(drawn),
        })
    }
}
