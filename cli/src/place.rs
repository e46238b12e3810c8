//! Places in the input: a line, and a field in it.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The position of a line in the whole input; ordered as the lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The number of its source, from 0.
    source: usize,
    /// Its number in the source, from 1.
    line: u64,
}

impl Position {
    /// The first line of a source.
    pub(crate) const fn first_of(source: usize) -> Self {
        Self { source, line: 1 }
    }

    /// Line number `line` of the first source, from 1.
    pub(crate) const fn nth(line: u64) -> Self {
        Self { source: 0, line }
    }

    /// The position `lines` lines further on in the same source.
    #[must_use]
    pub(crate) const fn after(self, lines: usize) -> Self {
        Self {
            source: self.source,
            line: self.line + lines as u64,
        }
    }

    /// The number of its source, from 0.
    pub(crate) const fn source(self) -> usize {
        self.source
    }

    /// Its number in the source, from 1.
    pub(crate) const fn line(self) -> u64 {
        self.line
    }
}

/// The number of a field, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FieldNumber(NonZeroUsize);

impl FromStr for FieldNumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: usize = text
            .parse()
            .map_err(|_| "a field number must be a whole number, 1 or more")?;
        NonZeroUsize::new(number)
            .map(Self)
            .ok_or("the first field is 1")
    }
}

impl FieldNumber {
    /// The same, counted from 0.
    pub(crate) const fn index(self) -> usize {
        self.0.get() - 1
    }
}

impl fmt::Display for FieldNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_numbers_start_at_one() {
        assert_eq!("0".parse::<FieldNumber>(), Err("the first field is 1"));
        for text in ["-1", "x", "", "1.5"] {
            assert!(text.parse::<FieldNumber>().is_err(), "{text}");
        }
    }
}
