//! Summaries of frequent items, counted or weighted: merged, saved and printed.

use std::io::Write;

use forebay::Merge;
use forebay::datasketches::write_frequent;
use forebay::frequent::MisraGries;

use crate::args::{RankingArgs, SaveFormat};
use crate::error::Error;
use crate::frequent::ranking::Ranking;
use crate::saved::{self, Kind, Savable};

/// The result of counting or of adding up weights.
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
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Counts(_) => Kind::Counts,
            Self::Weights(_) => Kind::Weights,
        }
    }

    /// Takes in those of other input.
    ///
    /// # Errors
    ///
    /// If one holds counts and the other weights, whose sums would mean nothing.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        let (own, theirs) = (self.kind(), other.kind());
        match (self, other) {
            (Self::Counts(all), Self::Counts(more)) => all.merge(more),
            (Self::Weights(all), Self::Weights(more)) => all.merge(more),
            _ => return Err(own.mismatch(theirs)),
        }
        Ok(())
    }

    /// Saves the summary if a file is named for it, and prints its ranking.
    ///
    /// # Errors
    ///
    /// If the file or the output cannot be written.
    pub(crate) fn hand_out(&self, args: &RankingArgs, out: &mut impl Write) -> Result<(), Error> {
        saved::save(&args.save, self)?;
        let n = args.n.get();
        let ranking = match self {
            Self::Counts(summary) => Ranking::new(summary, n),
            Self::Weights(summary) => Ranking::new(summary, n),
        };
        ranking.write(args.format, out)
    }
}

impl Savable for Counters {
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String> {
        match (format, self) {
            (SaveFormat::Forebay, Self::Counts(summary)) => {
                Ok(saved::encode(Kind::Counts, summary))
            }
            (SaveFormat::Forebay, Self::Weights(summary)) => {
                Ok(saved::encode(Kind::Weights, summary))
            }
            (SaveFormat::Datasketches, Self::Counts(summary)) => {
                write_frequent(summary).map_err(|error| error.to_string())
            }
            (SaveFormat::Datasketches, Self::Weights(_)) => {
                Err("there are images of counts, not of weights from a field".to_owned())
            }
        }
    }
}
