//! How numbers, items and results are printed.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use clap::ValueEnum;
use serde::{Serialize, Serializer};

use crate::error::Error;

/// The format in which a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people
    #[default]
    Table,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// A count or a weight; a whole weight is printed like a count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Count(u64),
    Weight(f64),
}

impl Number {
    /// Up to here, every whole number is a floating-point number.
    const LARGEST_WHOLE: f64 = (1u64 << 53) as f64;

    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Count(count) => count as f64,
            Self::Weight(weight) => weight,
        }
    }

    /// This divided by `total`; 0 if the total is 0.
    pub(crate) fn share_of(self, total: Self) -> f64 {
        let total = total.as_f64();
        if total > 0.0 {
            self.as_f64() / total
        } else {
            0.0
        }
    }

    /// The whole number, or the weight if it is not whole.
    fn whole(self) -> Result<i128, f64> {
        match self {
            Self::Count(count) => Ok(count.into()),
            Self::Weight(weight)
                if weight.fract() == 0.0 && weight.abs() <= Self::LARGEST_WHOLE =>
            {
                Ok(weight as i128)
            }
            Self::Weight(weight) => Err(weight),
        }
    }

    /// The bounds that are by this part of themselves further apart.
    pub(crate) fn widened(lower: Self, upper: Self, relative: f64) -> (Self, Self) {
        if relative == 0.0 {
            return (lower, upper);
        }
        let slack = upper.as_f64() * relative;
        let lower = (lower.as_f64() - slack).next_down().max(0.0);
        let upper = (upper.as_f64() + slack).next_up().min(f64::MAX);
        (lower.into(), upper.into())
    }
}

impl From<u64> for Number {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Number {
    fn from(weight: f64) -> Self {
        Self::Weight(weight)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole() {
            Ok(whole) => whole.fmt(f),
            // `Debug` writes very large numbers with an exponent.
            Err(weight) => write!(f, "{weight:?}"),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.whole() {
            Ok(whole) => match u64::try_from(whole) {
                Ok(whole) => serializer.serialize_u64(whole),
                Err(_) => serializer.serialize_i64(whole as i64),
            },
            Err(weight) => serializer.serialize_f64(weight),
        }
    }
}

/// A number for people: whole numbers in full, others to six digits.
pub(crate) fn rounded(number: f64) -> String {
    const DIGITS: f64 = 6.0;
    let size = number.abs();
    if !(1e-9..=Number::LARGEST_WHOLE).contains(&size) || number.fract() == 0.0 {
        return Number::from(number).to_string();
    }
    let decimals = (DIGITS - 1.0 - size.log10().floor()).max(0.0) as usize;
    format!("{number:.decimals$}")
}

/// Two bounds for people. Where they are hardly apart: the digits on which both agree. Otherwise six
/// digits of each, the lower one rounded down and the upper one up.
pub(crate) fn bounds(lower: f64, upper: f64) -> [String; 2] {
    const HARDLY: f64 = 1e-6;
    const MOST_DECIMALS: usize = 9;
    let agreed = (0..=MOST_DECIMALS).rev().find_map(|decimals| {
        let shown = format!("{lower:.decimals$}");
        let is_close = upper - lower <= HARDLY * lower;
        (is_close && shown == format!("{upper:.decimals$}")).then_some(shown)
    });
    match agreed.as_deref().map(without_zeros) {
        Some(shown) if shown != "0" && shown.len() <= 17 => [shown.to_owned(), shown.to_owned()],
        _ => [outward(lower, f64::floor), outward(upper, f64::ceil)],
    }
}

/// A number for people that is not less than `number`.
pub(crate) fn at_least(number: f64) -> String {
    outward(number, f64::ceil)
}

/// Six digits of a number, and all of its whole digits, rounded in one direction.
fn outward(number: f64, round: fn(f64) -> f64) -> String {
    const DIGITS: f64 = 6.0;
    if number == 0.0 || number.fract() == 0.0 || number > Number::LARGEST_WHOLE {
        return Number::from(number).to_string();
    }
    let exponent = number.abs().log10().floor();
    if exponent < -4.0 {
        let digits = round(number / 10f64.powf(exponent) * 100.0) / 100.0;
        return format!("{digits}e{exponent}");
    }
    let decimals = (DIGITS - 1.0 - exponent).max(0.0) as usize;
    let scale = 10f64.powi(decimals as i32);
    let rounded = format!("{:.decimals$}", round(number * scale) / scale);
    without_zeros(&rounded).to_owned()
}

/// A decimal number without zeros at its end.
fn without_zeros(number: &str) -> &str {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

/// A share for people. Only what is all or nothing is shown as that.
pub(crate) fn percent(share: f64) -> String {
    let shown = format!("{:.2}%", 100.0 * share);
    match shown.as_str() {
        "100.00%" if share < 1.0 => ">99.99%".to_owned(),
        "0.00%" if share > 0.0 => "<0.01%".to_owned(),
        _ => shown,
    }
}

/// Bytes as text; those that are not UTF-8 are replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Text for a table or a message: characters are escaped that could end the line, control the
/// terminal or turn the line round.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_steering) {
        let escape = |c: char| {
            let escaped = is_steering(c).then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        };
        Cow::Owned(text.chars().flat_map(escape).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a character changes how others are shown: controls, ends of lines and paragraphs, and
/// all that Unicode lists as `Bidi_Control`.
pub(crate) fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes a JSON value as a line.
pub(crate) fn write_json(value: &impl Serialize, out: &mut impl Write) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(writeln!(out)?)
}

/// Writes comma-separated values, with a header even if there are no rows.
pub(crate) fn write_csv(
    header: &[&str],
    rows: impl IntoIterator<Item = Result<impl Serialize, Error>>,
    out: &mut impl Write,
) -> Result<(), Error> {
    let mut csv = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(out);
    csv.write_record(header)?;
    for row in rows {
        csv.serialize(row?)?;
    }
    Ok(csv.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(number: Number) -> String {
        serde_json::to_string(&number).expect("a number can be written")
    }

    #[test]
    fn whole_weights_are_printed_as_counts() {
        let whole = Number::from(2_747_282_740.0);
        assert_eq!(whole.to_string(), "2747282740");
        assert_eq!(json(whole), "2747282740");
        assert_eq!(json(Number::from(7u64)), "7");
        assert_eq!(json(Number::from(0.0)), "0");
        assert_eq!(Number::from(-5.0).to_string(), "-5");
        assert_eq!(json(Number::from(-5.0)), "-5");
        assert_eq!(json(Number::from(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn other_weights_keep_their_fraction_or_exponent() {
        assert_eq!(Number::from(0.5).to_string(), "0.5");
        assert_eq!(json(Number::from(0.5)), "0.5");
        assert_eq!(Number::from(1e300).to_string(), "1e300");
    }

    #[test]
    fn rounded_numbers_have_six_digits_unless_they_are_whole() {
        for (number, text) in [
            (1_234.567_89, "1234.57"),
            (-0.012_345_678, "-0.0123457"),
            (9_876_543.21, "9876543"),
            (20_000_000.0, "20000000"),
            (f64::INFINITY, "inf"),
            (0.0, "0"),
            (1e300, "1e300"),
        ] {
            assert_eq!(rounded(number), text);
        }
    }

    #[test]
    fn bounds_show_the_digits_on_which_they_agree_or_are_rounded_outward() {
        for (lower, upper, shown) in [
            (0.999_999_999_999_997, 1.000_000_000_000_002, ["1", "1"]),
            (
                25_000.119_999_999_8,
                25_000.120_000_000_2,
                ["25000.12", "25000.12"],
            ),
            (0.25, 0.5, ["0.25", "0.5"]),
            (1.2, 1.4, ["1.2", "1.4"]),
            (1_234.567_89, 2_000.123_41, ["1234.56", "2000.13"]),
            (1e-12, 2e-12, ["1e-12", "2e-12"]),
            (0.0, 1e300, ["0", "1e300"]),
        ] {
            assert_eq!(bounds(lower, upper), shown);
        }
        assert_eq!(at_least(0.1), "0.1");
        assert_eq!(at_least(123_456.701), "123457");
    }

    #[test]
    fn only_all_and_nothing_look_like_it() {
        for (share, text) in [
            (1.0, "100.00%"),
            (0.999_99, ">99.99%"),
            (0.999_9, "99.99%"),
            (0.5, "50.00%"),
            (0.000_01, "<0.01%"),
            (0.0, "0.00%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        assert_eq!(Number::from(0u64).share_of(Number::from(0u64)), 0.0);
        assert_eq!(Number::from(1u64).share_of(Number::from(4u64)), 0.25);
    }

    #[test]
    fn control_characters_are_escaped_and_others_kept() {
        assert_eq!(printable("a\tb é \"q\""), "a\\tb é \"q\"");
        assert_eq!(printable("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(printable("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        // Marks that belong to a letter, and joiners within words, stay.
        assert_eq!(printable("e\u{301}\u{200d}"), "e\u{301}\u{200d}");
    }
}
