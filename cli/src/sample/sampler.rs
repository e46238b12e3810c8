//! What every method of sampling does.

use std::fmt;
use std::ops::RangeInclusive;

use forebay::Estimate;
use forebay::datasketches::ImageError;
use forebay::random::DefaultRng;
use forebay::sample::Iter;

use super::drawn::{DrawContext, Drawn};
use super::query::{Quantity, Query};
use crate::error::{Error, Problem};
use crate::input::block::{Block, Line};
use crate::input::field::Separator;
use crate::input::skip::Skipper;
use crate::place::FieldNumber;

/// Makes an empty sample from its capacity and its generator.
pub(crate) type Constructor<S> = Box<dyn Fn(usize, DefaultRng) -> S>;

/// Reads a sample from an image, with its generator and with what makes a line of a text.
pub(crate) type ImageReader<S> =
    fn(&[u8], DefaultRng, &mut dyn FnMut(Vec<u8>) -> Drawn) -> Result<S, ImageError>;

/// A sample of lines drawn by one method.
pub(crate) trait Sampler: fmt::Debug {
    /// What makes empty samples; `None` if an option is missing that the method takes.
    fn constructor(options: &MethodOptions) -> Option<Constructor<Self>>
    where
        Self: Sized;

    /// Offers a line.
    ///
    /// # Errors
    ///
    /// If it lacks the weight or the time that the method needs.
    fn offer(&mut self, line: Line<'_>, context: &DrawContext) -> Result<(), Problem>;

    /// Offers all lines of a block.
    ///
    /// # Errors
    ///
    /// The first line that cannot be offered, unless `skipper` skips it.
    fn offer_block(
        &mut self,
        block: &Block<'_>,
        context: &DrawContext,
        skipper: &mut Skipper,
    ) -> Result<(), Error> {
        block.try_lines(skipper, |line| self.offer(line, context))
    }

    /// The lines held, in no meaningful order.
    fn iter(&self) -> Iter<'_, Drawn>;

    /// The options it was drawn with, as text that follows the name of the method.
    fn details(&self) -> String {
        String::new()
    }

    /// Whether the two can be merged: they were drawn with the same options.
    fn agrees(&self, other: &Self) -> bool
    where
        Self: Sized,
    {
        self.details() == other.details()
    }

    /// Merges the sample of other input into this one; the two agree.
    fn merge(&mut self, other: Self)
    where
        Self: Sized;

    /// The answer to a question about one of the quantities that the table of methods lists.
    fn answer(&self, _question: &Question<'_>) -> Option<Answer> {
        None
    }

    /// Whether a run can have produced it; for what was read from a file.
    fn is_sound(&self) -> bool {
        true
    }

    /// The lines without their ends as an image of DataSketches.
    ///
    /// # Errors
    ///
    /// If the method has no images, there are none of this size, or a line is not UTF-8.
    fn image(&self) -> Result<Vec<u8>, ImageError> {
        Err(ImageError::WrongKind)
    }

    /// Reads an image of one of the kinds that the table of methods lists.
    ///
    /// # Errors
    ///
    /// If it is damaged, or its items are not text.
    fn from_image(
        _image: &[u8],
        _rng: DefaultRng,
        _drawn: &mut dyn FnMut(Vec<u8>) -> Drawn,
    ) -> Result<Self, ImageError>
    where
        Self: Sized,
    {
        Err(ImageError::WrongKind)
    }
}

/// The options that only some methods take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MethodOptions {
    pub(crate) weight_field: Option<FieldNumber>,
    pub(crate) time_field: Option<FieldNumber>,
    pub(crate) half_life: Option<f64>,
}

impl MethodOptions {
    /// The names of all of them.
    pub(crate) const NAMES: [&'static str; 3] = ["--weight-field", "--time-field", "--half-life"];

    /// The names of those that were given, in the order of [`NAMES`](Self::NAMES).
    pub(crate) fn given(&self) -> Vec<&'static str> {
        let present = [
            self.weight_field.is_some(),
            self.time_field.is_some(),
            self.half_life.is_some(),
        ];
        let named = Self::NAMES.into_iter().zip(present);
        named
            .filter_map(|(name, is_present)| is_present.then_some(name))
            .collect()
    }
}

/// A query, with the separator of the fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) query: &'a Query,
    pub(crate) separator: &'a Separator,
    pub(crate) confidence: f64,
}

impl Question<'_> {
    pub(crate) const fn quantity(&self) -> Quantity {
        self.query.quantity
    }

    /// The number asked for, of a line that meets the conditions.
    pub(crate) fn value(&self, line: &Drawn) -> Option<f64> {
        self.query.value(self.separator, line.text())
    }

    /// Whether a line meets the conditions.
    pub(crate) fn holds(&self, line: &Drawn) -> bool {
        self.value(line).is_some()
    }

    /// What a line adds to a sum.
    pub(crate) fn term(&self, line: &Drawn) -> f64 {
        self.value(line).unwrap_or(0.0)
    }

    /// The answer for a quantity whose total over all lines is known: exact if no condition
    /// restricts it, else estimated, and between 0 and the total.
    pub(crate) fn part_of(&self, total: f64, estimate: impl FnOnce() -> Estimate) -> Answer {
        let exact = self.query.is_unconditional();
        Answer::Total {
            estimate: if exact {
                Estimate::exact(total)
            } else {
                estimate()
            },
            possible: 0.0..=total,
        }
    }

    /// The same for a total that was added up weight by weight, and rounded each time: while nothing is
    /// left out, the sample's own sum is rounded once.
    pub(crate) fn part_of_sum(&self, total: f64, estimate: impl FnOnce() -> Estimate) -> Answer {
        let estimate = estimate();
        match estimate.confidence == 1.0 {
            true => Answer::Total {
                possible: 0.0..=total.max(estimate.upper),
                estimate,
            },
            false => self.part_of(total, || estimate),
        }
    }
}

/// What a sample says about all lines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// An estimate of a total, and the values that are possible whatever the sample says.
    Total {
        estimate: Estimate,
        possible: RangeInclusive<f64>,
    },
    /// An estimate of a mean or a quantile; `None` if no line meets the conditions.
    OfLines(Option<Estimate>),
}

impl Answer {
    /// The answer for a sum, which may have any value.
    pub(crate) const fn sum(estimate: Estimate) -> Self {
        Self::Total {
            estimate,
            possible: f64::NEG_INFINITY..=f64::INFINITY,
        }
    }
}
