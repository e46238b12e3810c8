//! Fields of a line: which one, and where it ends.

use forebay::sample::{Timestamp, Weight};
use memchr::memmem;

use crate::error::{Kind, Problem};
use crate::place::FieldNumber;

/// What stands between two fields.
#[derive(Clone, Debug)]
pub(crate) enum Separator {
    /// Runs of white space; those before the first and after the last field count for nothing.
    Blanks,
    /// Every occurrence of one text, so that fields may be empty.
    Text(Box<memmem::Finder<'static>>),
}

impl Separator {
    /// Runs of white space, or each `delimiter` if there is one.
    pub(crate) fn new(delimiter: Option<&str>) -> Self {
        delimiter.map_or(Self::Blanks, |text| {
            Self::Text(Box::new(memmem::Finder::new(text.as_bytes()).into_owned()))
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
            Self::Blanks => nth_or_count(blank_separated(line), index),
            Self::Text(finder) => nth_or_count(text_separated(line, finder), index),
        };
        found.ok_or(Problem::NoField {
            wanted: number,
            found: count,
        })
    }

    /// The weight in field `number` of `line`; `-` means none, zero.
    ///
    /// # Errors
    ///
    /// A [`Problem`] if the line has no such field, or no finite number from 0 in it.
    pub(crate) fn weight(&self, line: &[u8], number: FieldNumber) -> Result<Weight, Problem> {
        let weight = |text: &[u8]| Weight::new(parse_amount(text)?).ok();
        self.parsed(line, number, Kind::Weight, weight)
    }

    /// The time in field `number` of `line`.
    ///
    /// # Errors
    ///
    /// A [`Problem`] if the line has no such field, or no finite number in it.
    pub(crate) fn time(&self, line: &[u8], number: FieldNumber) -> Result<Timestamp, Problem> {
        let time = |text: &[u8]| Timestamp::new(parse_number(text)?).ok();
        self.parsed(line, number, Kind::Time, time)
    }

    /// The number in field `number` of `line`; `-` means none, zero.
    ///
    /// # Errors
    ///
    /// A [`Problem`] if the line has no such field, or no finite number in it.
    pub(crate) fn amount(&self, line: &[u8], number: FieldNumber) -> Result<f64, Problem> {
        self.parsed(line, number, Kind::Number, parse_amount)
    }

    fn parsed<T>(
        &self,
        line: &[u8],
        number: FieldNumber,
        kind: Kind,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, Problem> {
        let text = self.field(line, number)?;
        parse(text).ok_or_else(|| Problem::NotA {
            kind,
            field: number,
            text: text.to_vec(),
        })
    }
}

/// Item `index`, and how many there are up to it (all of them, if it is not there).
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

fn blank_separated(line: &[u8]) -> impl Iterator<Item = &[u8]> {
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

fn text_separated<'a>(
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

/// A finite number, or `-` for zero.
pub(crate) fn parse_amount(text: &[u8]) -> Option<f64> {
    match text.trim_ascii() {
        b"-" => Some(0.0),
        text => parse_number(text),
    }
}

/// A finite number, blanks around it passed over.
pub(crate) fn parse_number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let number: f64 = text.parse().ok()?;
    // Zero may have been written -0, which must not show: adding zero makes it plain.
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
    fn blanks_in_runs_separate_and_surround_fields() {
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
    fn weights_are_finite_numbers_from_zero_and_a_dash_is_none() {
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
    fn times_and_amounts_may_be_negative_and_no_time_is_a_dash() {
        let separator = Separator::new(None);
        let time = |text: &str| separator.time(text.as_bytes(), number(1));
        assert_eq!(time("-1.5").map(Timestamp::get), Ok(-1.5));
        assert!(time("-").is_err());
        assert!(time("10:30").is_err());
        assert_eq!(separator.amount(b"-3 x", number(1)), Ok(-3.0));
        assert_eq!(separator.amount(b"- x", number(1)), Ok(0.0));
    }
}
