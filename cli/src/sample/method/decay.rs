//! Recent lines have a higher chance than old ones.

use forebay::sample::{DecayingReservoir, Iter};
use forebay::{Merge, Summary};
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::input::block::Line;
use crate::place::FieldNumber;
use crate::sample::drawn::{DrawContext, Drawn};
use crate::sample::query::Quantity;
use crate::sample::sampler::{Answer, Constructor, MethodOptions, Question, Sampler};

/// A sample of lines by their times.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Decay {
    time_field: FieldNumber,
    sample: DecayingReservoir<Drawn>,
    /// The latest time offered; minus infinity before the first.
    latest: f64,
}

impl Sampler for Decay {
    fn constructor(options: &MethodOptions) -> Option<Constructor<Self>> {
        let (time_field, half_life) = (options.time_field?, options.half_life?);
        Some(Box::new(move |capacity, rng| Self {
            time_field,
            sample: DecayingReservoir::with_rng(capacity, half_life, rng),
            latest: f64::NEG_INFINITY,
        }))
    }

    fn offer(&mut self, line: Line<'_>, context: &DrawContext) -> Result<(), Problem> {
        let time = context.separator.time(line.text(), self.time_field)?;
        self.latest = self.latest.max(time.get());
        Summary::update(&mut self.sample, (context.drawn(line), time));
        Ok(())
    }

    fn iter(&self) -> Iter<'_, Drawn> {
        self.sample.iter()
    }

    fn details(&self) -> String {
        let (field, half_life) = (self.time_field, self.sample.half_life());
        format!(" (field {field}, half-life {half_life})")
    }

    fn merge(&mut self, other: Self) {
        self.sample.merge(other.sample);
        self.latest = self.latest.max(other.latest);
    }

    fn answer(&self, question: &Question<'_>) -> Option<Answer> {
        (question.quantity() == Quantity::Count).then(|| Answer::Total {
            estimate: self.sample.estimate_decayed_count_with_confidence(
                |line| question.holds(line),
                self.latest,
                question.confidence,
            ),
            possible: 0.0..=self.sample.seen() as f64,
        })
    }

    fn is_sound(&self) -> bool {
        let is_new = self.sample.is_empty() && self.latest == f64::NEG_INFINITY;
        is_new || self.latest.is_finite()
    }
}
