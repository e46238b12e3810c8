//! The arguments of `forebay sample`.

use std::num::NonZeroUsize;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::estimate::EstimateArgs;
use super::shared::{DelimiterArgs, InputArgs, SaveArgs, field_options};
use super::value::at_least_one;
use crate::input::field::parse_number;
use crate::output::format::Format;
use crate::place::FieldNumber;
use crate::sample::{METHODS, Method, MethodOptions};

/// Print a random sample of lines, or estimates for all lines.
///
/// The sampled lines are printed unchanged and in input order. All lines have the same chance unless
/// --method says otherwise. With --by-field, -n lines are drawn for each value of that field. The
/// same seed and the same input give the same sample. Memory: the lines drawn, and a few MiB of
/// input; a line is held whole.
///
/// An EXPR of --estimate is one of count, weight, fraction, sum(FIELD), mean(FIELD) and
/// quantile(FIELD, SHARE). To restrict it to some of the lines, add: where FIELD=VALUE [and
/// FIELD=VALUE...], with =, !=, <, <=, > or >=. FIELD is the number of a field. If the field and
/// VALUE are both numbers, they are compared as numbers, otherwise as text. A - in a field is the
/// number 0. Each method has estimates of some of these; see --method.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["by_field", "weight_field", "time_field", "estimates"]))]
pub(crate) struct SampleArgs {
    /// Number of lines to draw
    #[arg(short, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) n: NonZeroUsize,

    /// Sampling method [default: weighted if there is a --weight-field, otherwise uniform]
    #[arg(long, value_parser = method_parser())]
    method: Option<&'static Method>,

    /// Field with the weight of a line (- means 0: never drawn)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    weight_field: Option<FieldNumber>,

    /// Field with the time of a line, a number in any unit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    time_field: Option<FieldNumber>,

    /// Age at which a line counts half, in the unit of the times
    #[arg(long, value_name = "D", value_parser = half_life, allow_negative_numbers = true)]
    half_life: Option<f64>,

    /// Draw -n lines for each value of this field
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(conflicts_with_all = ["estimates", "save"])]
    pub(crate) by_field: Option<FieldNumber>,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    /// Seed of the random numbers [default: a new one for every run]
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,

    #[command(flatten)]
    pub(crate) estimates: EstimateArgs,

    /// Output format of estimates
    #[arg(long, value_enum, default_value_t, requires = "estimates")]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) save: SaveArgs,

    #[command(flatten)]
    pub(crate) input: InputArgs,
}

impl SampleArgs {
    /// The method that draws the lines.
    pub(crate) fn method(&self) -> &'static Method {
        let default = || Method::default_with(&self.method_options());
        self.method.unwrap_or_else(default)
    }

    pub(crate) const fn method_options(&self) -> MethodOptions {
        MethodOptions {
            weight_field: self.weight_field,
            time_field: self.time_field,
            half_life: self.half_life,
        }
    }
}

/// Finds a method by its name; the help lists all of them.
fn method_parser() -> impl TypedValueParser<Value = &'static Method> {
    let values = METHODS
        .iter()
        .map(|method| PossibleValue::new(method.name).help(method.help()));
    PossibleValuesParser::new(values).try_map(|name| Method::named(&name).ok_or("is not a method"))
}

fn half_life(text: &str) -> Result<f64, &'static str> {
    let number = parse_number(text.as_bytes()).filter(|&number| number > 0.0);
    number.ok_or("must be a number above 0")
}
