//! Summaries of frequent items by count or by weight: merging, saving and printing.

use std::io::Write;

use forebay::Merge;
use forebay::datasketches::{ImageError, read_frequent, write_frequent};
use forebay::frequent::MisraGries;

use crate::error::Error;
use crate::frequent::ranking::Ranking;
use crate::output::format::Format;
use crate::saved::{self, Destination, Savable, SaveFormat, SummaryKind};

/// A summary of counts or of weights.
#[derive(Debug)]
pub(crate) enum Counters {
    Counts(MisraGries<Vec<u8>>),
    Weights(MisraGries<Vec<u8>, f64>),
}

impl From<MisraGries<Vec<u8>>> for Counters {
    fn from(summary: MisraGries<Vec<u8>>) -> Self {
        Self::Counts(summary)
    }
}

impl From<MisraGries<Vec<u8>, f64>> for Counters {
    fn from(summary: MisraGries<Vec<u8>, f64>) -> Self {
        Self::Weights(summary)
    }
}

impl Counters {
    /// Reads an image of frequent strings.
    ///
    /// # Errors
    ///
    /// If it is damaged, or its items are not text.
    pub(crate) fn from_image(image: &[u8]) -> Result<Self, ImageError> {
        read_frequent(image).map(Self::Counts)
    }

    pub(crate) const fn kind(&self) -> SummaryKind {
        match self {
            Self::Counts(_) => SummaryKind::Counts,
            Self::Weights(_) => SummaryKind::Weights,
        }
    }

    /// Merges the summary of other input into this one.
    ///
    /// # Errors
    ///
    /// If one holds counts and the other weights.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        let (own, theirs) = (self.kind(), other.kind());
        match (self, other) {
            (Self::Counts(all), Self::Counts(more)) => all.merge(more),
            (Self::Weights(all), Self::Weights(more)) => all.merge(more),
            _ => return Err(own.mismatch(theirs)),
        }
        Ok(())
    }

    /// Saves the summary if there is a destination, and prints the ranking of its `n` heaviest items.
    ///
    /// # Errors
    ///
    /// If the file or the output cannot be written.
    pub(crate) fn save_and_print(
        &self,
        destination: Option<Destination<'_>>,
        n: usize,
        format: Format,
        out: &mut impl Write,
    ) -> Result<(), Error> {
        saved::save(destination, self)?;
        let ranking = match self {
            Self::Counts(summary) => Ranking::new(summary, n),
            Self::Weights(summary) => Ranking::new(summary, n),
        };
        ranking.write(format, out)
    }
}

impl Savable for Counters {
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String> {
        match (format, self) {
            (SaveFormat::Forebay, Self::Counts(summary)) => {
                Ok(saved::encode(SummaryKind::Counts, summary))
            }
            (SaveFormat::Forebay, Self::Weights(summary)) => {
                Ok(saved::encode(SummaryKind::Weights, summary))
            }
            (SaveFormat::Datasketches, Self::Counts(summary)) => {
                write_frequent(summary).map_err(|error| error.to_string())
            }
            (SaveFormat::Datasketches, Self::Weights(_)) => {
                Err("images hold counts, not weights from a field".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_weights_do_not_mix() {
        let counts = || Counters::Counts(MisraGries::new(2));
        let weights = || Counters::Weights(MisraGries::with_weights(2));
        let refused = weights().merge(counts()).expect_err("they differ");
        assert_eq!(
            refused,
            "holds counts, but the files before it hold weights"
        );
        assert!(counts().merge(weights()).is_err());
        assert!(counts().merge(counts()).is_ok());
    }
}
