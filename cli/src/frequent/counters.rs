//! Summaries of frequent items with what they count: merging, saving and printing.

use std::fmt;
use std::io::Write;

use forebay::Merge;
use forebay::datasketches::{ImageError, read_frequent, write_frequent};
use forebay::frequent::MisraGries;
use forebay::hash::route;
use serde::{Deserialize, Serialize};

use super::sums::{Sums, Weights};
use crate::error::Error;
use crate::frequent::ranking::Ranking;
use crate::output::format::Format;
use crate::place::FieldNumber;
use crate::saved::{self, Plan, Savable, SaveFormat, SummaryKind};

/// A summary of counts or of weights.
#[derive(Debug)]
pub(crate) enum AnySums {
    Counts(MisraGries<Vec<u8>>),
    Weights(Weights),
}

impl From<MisraGries<Vec<u8>>> for AnySums {
    fn from(summary: MisraGries<Vec<u8>>) -> Self {
        Self::Counts(summary)
    }
}

impl From<Weights> for AnySums {
    fn from(summary: Weights) -> Self {
        Self::Weights(summary)
    }
}

/// Which part of a line is counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Counted {
    Lines,
    Field(FieldNumber),
    Words,
}

/// What is counted, and how: summaries that differ in this are not merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) counted: Counted,
    /// `None` means white space.
    pub(crate) delimiter: Option<String>,
    /// The field with the number that is added; `None` means 1.
    pub(crate) weight_field: Option<FieldNumber>,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.counted {
            Counted::Lines => f.write_str("whole lines")?,
            Counted::Field(number) => write!(f, "field {number}")?,
            Counted::Words => f.write_str("words")?,
        }
        if let Some(field) = self.weight_field {
            write!(f, " by the weight in field {field}")?;
        }
        match &self.delimiter {
            Some(delimiter) => write!(f, " (delimiter {delimiter:?})"),
            None => Ok(()),
        }
    }
}

/// Whether summaries that do not go together are merged all the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unlike {
    Refuse,
    Insist,
}

/// A summary with what it counts.
#[derive(Debug)]
pub(crate) struct Counters {
    sums: AnySums,
    about: About,
}

/// What is saved with a summary.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct About {
    /// `None` if it is not known, since the summary came from an image, or not one.
    question: Option<Question>,
    /// Whether the caller has insisted on merging counts of unlike things.
    is_mixed: bool,
    /// The runs that counted, each with a random number, or a hash of the image.
    runs: Vec<u64>,
}

impl Counters {
    /// The summary of one run, which `run` identifies.
    pub(crate) fn new(sums: impl Into<AnySums>, question: Question, run: u64) -> Self {
        Self {
            sums: sums.into(),
            about: About {
                question: Some(question),
                is_mixed: false,
                runs: vec![run],
            },
        }
    }

    /// Reads an image of frequent strings.
    ///
    /// # Errors
    ///
    /// If it is damaged, or its items are not text.
    pub(crate) fn from_image(image: &[u8]) -> Result<Self, ImageError> {
        Ok(Self {
            sums: AnySums::Counts(read_frequent(image)?),
            about: About {
                question: None,
                is_mixed: false,
                runs: vec![route(image)],
            },
        })
    }

    /// Reads what was saved in the format of this program.
    ///
    /// # Errors
    ///
    /// If it does not hold a summary of this kind.
    pub(crate) fn decode(encoded: &saved::Encoded<'_>) -> Result<Self, &'static str> {
        let (sums, about) = match encoded.kind {
            SummaryKind::Counts => {
                let (about, sums) = encoded.decode()?;
                (AnySums::Counts(sums), about)
            }
            _ => {
                let (about, sums) = encoded.decode()?;
                (AnySums::Weights(sums), about)
            }
        };
        Ok(Self { sums, about })
    }

    pub(crate) const fn kind(&self) -> SummaryKind {
        match &self.sums {
            AnySums::Counts(_) => SummaryKind::Counts,
            AnySums::Weights(_) => SummaryKind::Weights,
        }
    }

    /// Merges the summary of other input into this one.
    ///
    /// # Errors
    ///
    /// If one holds counts and the other weights, or the total is too large. Unless the caller
    /// insists: if they count other things, or have a run in common, whose input would count twice.
    pub(crate) fn merge(&mut self, other: Self, unlike: Unlike) -> Result<(), String> {
        let (own, theirs) = (self.kind(), other.kind());
        if own != theirs {
            return Err(own.mismatch(theirs));
        }
        self.about.merge(other.about, unlike)?;
        let total = match (&mut self.sums, other.sums) {
            (AnySums::Counts(all), AnySums::Counts(more)) => {
                all.merge(more);
                all.check_total()
            }
            (AnySums::Weights(all), AnySums::Weights(more)) => {
                all.merge(more);
                all.check_total()
            }
            _ => return Err(own.mismatch(theirs)),
        };
        total.map_err(|error| format!("cannot be merged with the files before it: {error}"))
    }

    /// Prints the ranking of the `n` heaviest items, and saves the summary if that is planned.
    ///
    /// # Errors
    ///
    /// If the output or the file cannot be written.
    pub(crate) fn print_and_save(
        &self,
        plan: Option<&Plan>,
        n: usize,
        format: Format,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        let ranking = match &self.sums {
            AnySums::Counts(summary) => Ranking::new(summary, n),
            AnySums::Weights(summary) => Ranking::new(summary, n),
        };
        let printed = ranking.write(format, out);
        let printed = printed.and_then(|()| Ok(out.flush()?));
        saved::save_after(printed, plan, self)
    }
}

impl About {
    fn merge(&mut self, other: Self, unlike: Unlike) -> Result<(), String> {
        if unlike == Unlike::Refuse {
            if self.is_mixed || other.is_mixed {
                return Err(
                    "cannot be merged: it, or a file before it, counts unlike things (--insist \
                     merges them all the same)"
                        .to_owned(),
                );
            }
            if let (Some(own), Some(theirs)) = (&self.question, &other.question)
                && own != theirs
            {
                return Err(format!(
                    "counts {theirs}, but the files before it count {own} (--insist merges them \
                     all the same)"
                ));
            }
            if other.runs.iter().any(|run| self.runs.contains(run)) {
                return Err(
                    "holds the same run as a file before it, whose input would count twice \
                     (--insist counts it twice)"
                        .to_owned(),
                );
            }
            self.question = self.question.take().or(other.question);
        } else {
            let unlike = |own: &Question| other.question.as_ref().is_some_and(|it| it != own);
            self.is_mixed |= other.is_mixed || self.question.as_ref().is_some_and(unlike);
            let known = self.question.take().or(other.question);
            self.question = known.filter(|_| !self.is_mixed);
        }
        let new = other.runs.into_iter();
        let new: Vec<u64> = new.filter(|run| !self.runs.contains(run)).collect();
        self.runs.extend(new);
        Ok(())
    }
}

impl Savable for Counters {
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String> {
        match (format, &self.sums) {
            (SaveFormat::Forebay, AnySums::Counts(summary)) => {
                Ok(saved::encode(SummaryKind::Counts, &(&self.about, summary)))
            }
            (SaveFormat::Forebay, AnySums::Weights(summary)) => {
                Ok(saved::encode(SummaryKind::Weights, &(&self.about, summary)))
            }
            (SaveFormat::Datasketches, AnySums::Counts(summary)) => {
                write_frequent(summary).map_err(|error| error.to_string())
            }
            (SaveFormat::Datasketches, AnySums::Weights(_)) => {
                Err("images hold counts, not weights from a field".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(sums: impl Into<AnySums>, counted: Counted, run: u64) -> Counters {
        let question = Question {
            counted,
            delimiter: None,
            weight_field: None,
        };
        Counters::new(sums, question, run)
    }

    fn counts(counted: Counted, run: u64) -> Counters {
        counters(MisraGries::new(2), counted, run)
    }

    #[test]
    fn counts_and_weights_do_not_mix_even_if_one_insists() {
        let weights = || counters(Weights::new(2), Counted::Lines, 2);
        for unlike in [Unlike::Refuse, Unlike::Insist] {
            let refused = weights().merge(counts(Counted::Lines, 1), unlike);
            assert_eq!(
                refused.expect_err("they differ"),
                "holds counts, but the files before it hold weights"
            );
            assert!(counts(Counted::Lines, 1).merge(weights(), unlike).is_err());
        }
    }

    #[test]
    fn what_counts_other_things_or_the_same_run_is_merged_only_if_one_insists() {
        let own = || counts(Counted::Lines, 1);
        for (other, reason) in [
            (counts(Counted::Words, 2), "counts words, but the files"),
            (counts(Counted::Lines, 1), "holds the same run"),
        ] {
            let refused = own().merge(other, Unlike::Refuse).expect_err("unlike");
            assert!(refused.starts_with(reason), "{refused}");
        }
        let mut all = own();
        all.merge(counts(Counted::Lines, 2), Unlike::Refuse)
            .expect("they are alike");
        // What was merged before counts twice, too.
        assert!(
            all.merge(counts(Counted::Lines, 2), Unlike::Refuse)
                .is_err()
        );
        all.merge(counts(Counted::Words, 2), Unlike::Insist)
            .expect("one insists");
        assert_eq!((all.about.question, all.about.runs), (None, vec![1, 2]));
    }
}
