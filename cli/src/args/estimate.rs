//! The options that ask a sample for estimates.

use clap::Args as ClapArgs;

use crate::input::field::parse_number;
use crate::sample::{Query, Questions};

/// Questions to a sample about all lines.
#[derive(ClapArgs, Debug)]
pub(crate) struct EstimateArgs {
    /// Print an estimate for all lines instead of the sample, for example "sum(10) where 9=200"; may be repeated
    #[arg(long = "estimate", id = "estimates", value_name = "EXPR")]
    pub(crate) queries: Vec<Query>,

    /// Confidence level of the intervals
    #[arg(long, value_name = "C", default_value = "0.95", value_parser = confidence)]
    #[arg(requires = "estimates", allow_negative_numbers = true)]
    confidence: f64,
}

impl EstimateArgs {
    /// The questions; there may be none.
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
