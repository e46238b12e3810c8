//! Estimates with intervals, as they are printed.

use std::io::Write;
use std::ops::RangeInclusive;

use forebay::Estimate;
use serde::Serialize;

use super::method::Sample;
use super::query::Query;
use super::sampler::{Answer, Question};
use crate::error::Error;
use crate::input::field::Separator;
use crate::output::format::{Format, Number, percent, printable, rounded, write_csv, write_json};
use crate::output::table::{Align, Table};

/// The questions to a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Questions<'a> {
    pub(crate) queries: &'a [Query],
    /// The confidence of the intervals.
    pub(crate) confidence: f64,
}

/// The answers in the form that scripts rely on.
#[derive(Debug, Serialize)]
pub(crate) struct Answers {
    estimates: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    estimate: String,
    /// `None` if there is no line to answer from, for example the mean of no lines.
    value: Option<Number>,
    lower: Option<Number>,
    upper: Option<Number>,
    confidence: Option<f64>,
}

impl Answers {
    /// Answers all questions.
    ///
    /// # Errors
    ///
    /// The first question that the method of the sample cannot answer, or whose answer is beyond the
    /// largest number.
    pub(crate) fn new(
        sample: &Sample,
        separator: &Separator,
        questions: Questions<'_>,
    ) -> Result<Self, Error> {
        let answer = |query| {
            let question = Question {
                query,
                separator,
                confidence: questions.confidence,
            };
            let bounds = bounds(sample, &question)?;
            // Sums stop at the largest number.
            if bounds.is_some_and(|bounds| bounds.value.abs() >= f64::MAX) {
                return Err(Error::TotalTooLarge);
            }
            Ok(Row {
                estimate: query.to_string(),
                value: bounds.map(|bounds| bounds.value.into()),
                lower: bounds.map(|bounds| bounds.lower.into()),
                upper: bounds.map(|bounds| bounds.upper.into()),
                confidence: bounds.map(|bounds| bounds.confidence),
            })
        };
        let estimates = questions.queries.iter().map(answer);
        estimates
            .collect::<Result<_, _>>()
            .map(|estimates| Self { estimates })
    }

    pub(crate) fn write(&self, format: Format, out: &mut impl Write) -> Result<(), Error> {
        match format {
            Format::Table => self.write_table(out),
            Format::Json => write_json(self, out),
            Format::Csv => write_csv(
                &["estimate", "value", "lower", "upper", "confidence"],
                self.estimates.iter().map(Ok),
                out,
            ),
        }
    }

    fn write_table(&self, out: &mut impl Write) -> Result<(), Error> {
        let mut table = Table::new(&[
            ("value", Align::Right),
            ("lower", Align::Right),
            ("upper", Align::Right),
            ("confidence", Align::Right),
            ("estimate", Align::Left),
        ]);
        let cell = |number: Option<Number>| {
            number.map_or("-".to_owned(), |number| rounded(number.as_f64()))
        };
        for answer in &self.estimates {
            table.push([
                cell(answer.value),
                cell(answer.lower),
                cell(answer.upper),
                answer.confidence.map_or("-".to_owned(), percent),
                printable(&answer.estimate).into_owned(),
            ]);
        }
        Ok(table.write(out)?)
    }
}

/// The answer to print; `None` if there is no line to answer from.
fn bounds(sample: &Sample, question: &Question<'_>) -> Result<Option<Bounds>, Error> {
    Ok(match sample.answer(question)? {
        Answer::OfLines(estimate) => estimate.map(Bounds::from),
        Answer::Total { estimate, possible } => {
            let known = sample.iter().any(|line| question.holds(line));
            Some(Bounds::within(estimate, known, &possible))
        }
    })
}

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bounds {
    value: f64,
    lower: f64,
    upper: f64,
    confidence: f64,
}

impl From<Estimate> for Bounds {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            lower: estimate.lower,
            upper: estimate.upper,
            confidence: estimate.confidence,
        }
    }
}

impl Bounds {
    /// An estimate limited to what is possible. If no sampled line meets the conditions (`known` is
    /// false), an interval of width 0 would be wrong, since lines that were not sampled may meet
    /// them: then the interval is everything that is possible.
    fn within(estimate: Estimate, known: bool, possible: &RangeInclusive<f64>) -> Self {
        let bounds = Self::from(estimate);
        if estimate.confidence == 1.0 {
            return bounds;
        }
        let (least, most) = (*possible.start(), *possible.end());
        if !known && estimate.width() == 0.0 {
            return Self {
                lower: least,
                upper: most,
                ..bounds
            };
        }
        Self {
            lower: bounds.lower.max(least.min(bounds.value)),
            upper: bounds.upper.min(most.max(bounds.value)),
            ..bounds
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay::sample::WeightedReservoir;

    #[test]
    fn an_estimate_from_no_line_is_not_certain() {
        let mut sample = WeightedReservoir::with_seed(2, 1);
        (0..9).for_each(|item| sample.update(item));
        let none = sample.estimate_count_with_confidence(|_| false, 0.9);
        let bounds = Bounds::within(none, false, &(0.0..=9.0));
        assert_eq!((bounds.value, bounds.lower, bounds.upper), (0.0, 0.0, 9.0));
        let all = sample.estimate_count_with_confidence(|_| true, 0.9);
        assert!(Bounds::within(all, true, &(0.0..=9.0)).upper <= all.value.max(9.0));
        let exact = Bounds::within(Estimate::exact(0.0), false, &(0.0..=9.0));
        assert_eq!(exact.upper, 0.0);
    }
}
