//! The error of an update.

use core::fmt;

/// The reason why a weighted update is invalid. The summary is unchanged.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateError {
    /// The weight is not a number.
    NotANumber,
    /// The weight is below zero.
    Negative,
    /// The weight is infinite.
    Infinite,
    /// The total weight would overflow its type.
    Overflow,
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "weight is not a number",
            Self::Negative => "weight is negative",
            Self::Infinite => "weight is infinite",
            Self::Overflow => "total weight overflows its type",
        })
    }
}

impl core::error::Error for UpdateError {}
