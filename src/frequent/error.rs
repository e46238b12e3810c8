//! Why an update was refused.

use core::fmt;

/// Why a weighted update was refused; the summary is as it was before.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateError {
    /// The weight is not a number.
    NotANumber,
    /// The weight is below zero.
    Negative,
    /// The weight is infinite.
    Infinite,
    /// The total weight would be too large for its type.
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
