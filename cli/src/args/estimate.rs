//! The options that ask a sample for estimates.

use clap::Args as ClapArgs;

use crate::input::field::parse_number;
use crate::sample::{Query, Questions};

/// What a sample is asked about all lines.
#[derive(ClapArgs, Debug)]
pub(crate) struct EstimateArgs {
    /// Print an estimate for all lines, not the sample, as in "sum(10) where 9=200"; may be repeated
    #[arg(long = "estimate", id = "estimates", value_name = "EXPR")]
    pub(crate) queries: Vec<Query>,

    /// How sure the intervals of estimates are to be
    #[arg(long, value_name = "C", default_value = "0.95", value_parser = confidence)]
    #[arg(requires = "estimates", allow_negative_numbers = true)]
    confidence: f64,
}

impl EstimateArgs {
    /// The questions to answer; may be none.
    pub(crate) fn questions(&self) -> Questions<'_> {
        Questions {
            queries: &self.queries,
            confidence: self.confidence,
        }
    }
}

fn confidence(text: &str) -> Result<f64, &'static str> {
    let number = parse_number(text.as_bytes()).filter(|&number| 0.0 < number && number < 1.0);
    number.ok_or("must be a number between 0 and 1")
}
