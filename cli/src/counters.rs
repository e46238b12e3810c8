//! Summaries of frequent items, counted or weighted: merged, saved and printed.

use std::io::Write;

use forebay::Merge;
use forebay::frequent::MisraGries;

use crate::args::RankingArgs;
use crate::error::Error;
use crate::ranking::Ranking;
use crate::saved::{self, Kind};

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
        if let Some(path) = &args.save {
            match self {
                Self::Counts(summary) => saved::write(path, Kind::Counts, summary)?,
                Self::Weights(summary) => saved::write(path, Kind::Weights, summary)?,
            }
        }
        let n = args.n.get();
        let ranking = match self {
            Self::Counts(summary) => Ranking::new(summary, n),
            Self::Weights(summary) => Ranking::new(summary, n),
        };
        ranking.write(args.format, out)
    }
}
