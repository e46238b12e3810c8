//! The fields of a line, as text and as numbers.

use forebay::sample::{Timestamp, Weight};
use memchr::memmem;

use crate::error::{FieldType, Problem};
use crate::place::FieldNumber;

/// What separates two fields.
#[derive(Clone, Debug)]
pub(crate) enum Separator {
    /// Runs of white space; white space at the start and the end of a line is ignored.
    WhiteSpace,
    /// Every occurrence of one text, so fields may be empty.
    Delimiter(Box<memmem::Finder<'static>>),
}

impl Separator {
    /// Runs of white space, or each `delimiter` if there is one.
    pub(crate) fn new(delimiter: Option<&str>) -> Self {
        delimiter.map_or(Self::WhiteSpace, |text| {
            Self::Delimiter(Box::new(memmem::Finder::new(text.as_bytes()).into_owned()))
        })
    }

    /// Field `number` of `line`.
    ///
    /// # Errors
    ///
    /// [`Problem::NoField`] if the line has fewer fields.
    pub(crate) fn field<'a>(
        &self,
        line: &'a [u8],
        number: FieldNumber,
    ) -> Result<&'a [u8], Problem> {
        let index = number.index();
        let (found, count) = match self {
            Self::WhiteSpace => nth_or_count(white_space_separated(line), index),
            Self::Delimiter(finder) => nth_or_count(delimiter_separated(line, finder), index),
        };
        found.ok_or(Problem::NoField {
            wanted: number,
            found: count,
        })
    }

    /// The weight in field `number` of `line`; `-` means 0.
    ///
    /// # Errors
    ///
    /// A [`Problem`] if the line has no such field, or the field is not a finite number, 0 or more.
    pub(crate) fn weight(&self, line: &[u8], number: FieldNumber) -> Result<Weight, Problem> {
        let weight = |text: &[u8]| Weight::new(parse_amount(text)?).ok();
        self.parsed(line, number, FieldType::Weight, weight)
    }

    /// The weight in field `number` of `line`, as an amount to be added to a sum; `-` means 0.
    ///
    /// # Errors
    ///
    /// Those of [`weight`](Self::weight).
    pub(crate) fn summand(&self, line: &[u8], number: FieldNumber) -> Result<Amount, Problem> {
        let amount = |text: &[u8]| Amount::parse(text).filter(|amount| amount.number >= 0.0);
        self.parsed(line, number, FieldType::Weight, amount)
    }

    /// The time in field `number` of `line`.
    ///
    /// # Errors
    ///
    /// A [`Problem`] if the line has no such field, or the field is not a finite number.
    pub(crate) fn time(&self, line: &[u8], number: FieldNumber) -> Result<Timestamp, Problem> {
        let time = |text: &[u8]| Timestamp::new(parse_number(text)?).ok();
        self.parsed(line, number, FieldType::Time, time)
    }

    /// The number in field `number` of `line`; `-` means 0.
    ///
    /// # Errors
    ///
    /// A [`Problem`] if the line has no such field, or the field is not a finite number.
    pub(crate) fn amount(&self, line: &[u8], number: FieldNumber) -> Result<f64, Problem> {
        self.parsed(line, number, FieldType::Number, parse_amount)
    }

    fn parsed<T>(
        &self,
        line: &[u8],
        number: FieldNumber,
        field_type: FieldType,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, Problem> {
        let text = self.field(line, number)?;
        parse(text).ok_or_else(|| Problem::NotA {
            field_type,
            field: number,
            text: text.to_vec(),
        })
    }
}

/// Item `index`, and the number of items up to it (of all items, if there is no such item).
fn nth_or_count<'a>(
    mut fields: impl Iterator<Item = &'a [u8]>,
    index: usize,
) -> (Option<&'a [u8]>, usize) {
    for passed in 0..index {
        if fields.next().is_none() {
            return (None, passed);
        }
    }
    let found = fields.next();
    (found, index + usize::from(found.is_some()))
}

fn white_space_separated(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line.trim_ascii_start();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after.trim_ascii_start();
        Some(field)
    })
}

fn delimiter_separated<'a>(
    line: &'a [u8],
    finder: &memmem::Finder<'_>,
) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = finder.find(text) else {
            return rest.take();
        };
        rest = Some(&text[end + finder.needle().len()..]);
        Some(&text[..end])
    })
}

/// A finite number with what is known of its rounding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Amount {
    pub(crate) number: f64,
    /// Whether the text, if it is a multiple of an eighth, was not rounded to it.
    pub(crate) is_as_written: bool,
}

impl Amount {
    /// The number that a text means; `-` means 0. One that is not 0, but too small to be told from its
    /// neighbours, is none, as one that is too large is none.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        /// So many decimal digits and fewer are never rounded to another number of as few digits.
        const SURE_DIGITS: usize = 15;
        let number = parse_amount(text)?;
        let text = text.trim_ascii();
        let mut mantissa = text.iter().take_while(|byte| !b"eE".contains(byte));
        if number.abs() < f64::MIN_POSITIVE && mantissa.any(|byte| (b'1'..=b'9').contains(byte)) {
            return None;
        }
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        let is_short = digits <= SURE_DIGITS;
        Some(Self {
            number,
            is_as_written: is_short || (digits == text.len() && number < 9_007_199_254_740_992.0),
        })
    }
}

/// A finite number; `-` means 0.
pub(crate) fn parse_amount(text: &[u8]) -> Option<f64> {
    match text.trim_ascii() {
        b"-" => Some(0.0),
        text => parse_number(text),
    }
}

/// A finite number; white space around it is ignored.
pub(crate) fn parse_number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let number: f64 = text.parse().ok()?;
    // Adding 0 turns -0, which must not be printed, into 0.
    number.is_finite().then_some(number + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: usize) -> FieldNumber {
        number.to_string().parse().expect("a field number")
    }

    fn fields(line: &[u8], delimiter: Option<&str>) -> Vec<String> {
        let separator = Separator::new(delimiter);
        (1..)
            .map_while(|n| separator.field(line, number(n)).ok())
            .map(|field| String::from_utf8_lossy(field).into_owned())
            .collect()
    }

    #[test]
    fn runs_of_white_space_separate_and_surround_fields() {
        assert_eq!(fields(b"  a\t b  c \r", None), ["a", "b", "c"]);
        assert!(fields(b" \t", None).is_empty());
        assert!(fields(b"", None).is_empty());
    }

    #[test]
    fn each_delimiter_separates_so_fields_may_be_empty() {
        assert_eq!(fields(b",a,,b,", Some(",")), ["", "a", "", "b", ""]);
        assert_eq!(fields(b"", Some(",")), [""]);
        assert_eq!(fields(b"a::b:c", Some("::")), ["a", "b:c"]);
        assert_eq!(fields("aéb".as_bytes(), Some("é")), ["a", "b"]);
    }

    #[test]
    fn a_missing_field_says_how_many_there_are() {
        for (line, delimiter, found) in [("a b", None, 2), ("", None, 0), ("a,b,c", Some(","), 3)] {
            assert_eq!(
                Separator::new(delimiter).field(line.as_bytes(), number(9)),
                Err(Problem::NoField {
                    wanted: number(9),
                    found
                })
            );
        }
    }

    #[test]
    fn weights_are_finite_numbers_of_at_least_zero_and_a_dash_is_zero() {
        let parse = |text: &str| {
            let line = format!("{text},");
            Separator::new(Some(",")).weight(line.as_bytes(), number(1))
        };
        for (text, weight) in [
            ("12", 12.0),
            ("0.5", 0.5),
            (" - ", 0.0),
            ("-0", 0.0),
            ("1e3", 1e3),
        ] {
            let parsed = parse(text).expect(text);
            assert_eq!(parsed.get().to_bits(), f64::to_bits(weight), "{text}");
        }
        for text in ["", "x", "-1", "NaN", "inf", "-inf", "1e999", "1;5", "--"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse_amount(b"\xff"), None);
    }

    #[test]
    fn times_and_amounts_may_be_negative_and_a_dash_is_not_a_time() {
        let separator = Separator::new(None);
        let time = |text: &str| separator.time(text.as_bytes(), number(1));
        assert_eq!(time("-1.5").map(Timestamp::get), Ok(-1.5));
        assert!(time("-").is_err());
        assert!(time("10:30").is_err());
        assert_eq!(separator.amount(b"-3 x", number(1)), Ok(-3.0));
        assert_eq!(separator.amount(b"- x", number(1)), Ok(0.0));
    }
}
