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
    fn whole(self) -> Result<u64, f64> {
        match self {
            Self::Count(count) => Ok(count),
            Self::Weight(weight)
                if weight.fract() == 0.0 && (0.0..=Self::LARGEST_WHOLE).contains(&weight) =>
            {
                Ok(weight as u64)
            }
            Self::Weight(weight) => Err(weight),
        }
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
            Ok(whole) => serializer.serialize_u64(whole),
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

/// A share for people.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2}%", 100.0 * share)
}

/// Bytes as text; those that are not UTF-8 are replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Text for a table: control characters are escaped, since they could end the line or control the
/// terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        let escape = |c: char| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        };
        Cow::Owned(text.chars().flat_map(escape).collect())
    } else {
        Cow::Borrowed(text)
    }
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
    fn a_share_of_nothing_is_nothing() {
        assert_eq!(Number::from(0u64).share_of(Number::from(0u64)), 0.0);
        assert_eq!(Number::from(1u64).share_of(Number::from(4u64)), 0.25);
    }

    #[test]
    fn control_characters_are_escaped_and_others_kept() {
        assert_eq!(printable("a\tb é \"q\""), "a\\tb é \"q\"");
        assert_eq!(printable("\u{1b}[2J"), "\\u{1b}[2J");
    }
}
