//! The arguments of `forebay sample`, and of estimates.

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

/// Print a random sample of lines, unchanged and in input order, or what it says about all lines.
///
/// Every line has the same chance, unless a --method says otherwise. With --by-field, -n lines are
/// drawn for each value of that field. Same seed, same input, same sample.
///
/// --estimate takes one of: count, weight, fraction, sum(FIELD), mean(FIELD), quantile(FIELD, SHARE);
/// and after it, if only some lines are meant: where FIELD=VALUE [and FIELD=VALUE...], with =, !=,
/// <, <=, > or >=. FIELD is the number of a field. Both sides are compared as numbers if both are,
/// else as text; a - in a field is the number 0. Each method answers what it can: uniform all but
/// weight; weighted count, sum and weight, of lines with a weight; varopt the weight; decay the
/// count, in which a line counts half for every half-life it is older than the latest; replacement
/// nothing.
#[derive(ClapArgs, Debug)]
#[command(group = field_options(&["by_field", "weight_field", "time_field", "estimates"]))]
pub(crate) struct SampleArgs {
    /// How many lines to draw
    #[arg(short, value_name = "K", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) n: NonZeroUsize,

    /// How lines are drawn; uniform unless given, or weighted if there is a --weight-field
    #[arg(long, value_parser = method_parser())]
    method: Option<&'static Method>,

    /// Draw lines by the weight in this field (- means none: never drawn)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    weight_field: Option<FieldNumber>,

    /// Draw lines by the time in this field, a number in any unit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    time_field: Option<FieldNumber>,

    /// The age at which a line counts half, in the unit of the times
    #[arg(long, value_name = "D", value_parser = half_life, allow_negative_numbers = true)]
    half_life: Option<f64>,

    /// Draw -n lines for each value of this field
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(conflicts_with_all = ["estimates", "save"])]
    pub(crate) by_field: Option<FieldNumber>,

    #[command(flatten)]
    pub(crate) delimiter: DelimiterArgs,

    /// Where the randomness starts; without it every run draws another sample
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,

    #[command(flatten)]
    pub(crate) estimates: EstimateArgs,

    /// How to print estimates
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

/// Finds a method by its name, and lists all of them in the help.
fn method_parser() -> impl TypedValueParser<Value = &'static Method> {
    let values = METHODS
        .iter()
        .map(|method| PossibleValue::new(method.name).help(method.help()));
    PossibleValuesParser::new(values)
        .try_map(|name| Method::named(&name).ok_or("is no method of this program"))
}

fn half_life(text: &str) -> Result<f64, &'static str> {
    let number = parse_number(text.as_bytes()).filter(|&number| number > 0.0);
    number.ok_or("must be a number above 0")
}
