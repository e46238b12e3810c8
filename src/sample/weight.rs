//! Checked weights, and the error for invalid ones.

use core::error::Error;
use core::fmt;

/// A finite weight that is not negative.
///
/// The value is checked on construction, so a method that takes a `Weight` cannot fail.
///
/// # Examples
///
/// ```
/// use forebay::sample::{Weight, WeightError};
///
/// assert_eq!(Weight::new(2.5)?.get(), 2.5);
/// assert_eq!(Weight::new(f64::INFINITY), Err(WeightError::Infinite));
/// # Ok::<(), WeightError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Weight(f64);

impl Weight {
    /// The weight 1, that of an item offered without a weight.
    pub const ONE: Self = Self(1.0);

    /// Creates a weight.
    ///
    /// # Errors
    ///
    /// Returns an error if the number is NaN, negative or infinite.
    #[inline]
    pub fn new(weight: f64) -> Result<Self, WeightError> {
        // NaN fails this comparison.
        if (0.0..=f64::MAX).contains(&weight) {
            Ok(Self(weight))
        } else {
            Err(WeightError::of(weight))
        }
    }

    /// Returns the number.
    #[inline]
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Weight {
    type Error = WeightError;

    fn try_from(weight: f64) -> Result<Self, WeightError> {
        Self::new(weight)
    }
}

/// Every unsigned integer that an `f64` can hold.
macro_rules! from_unsigned {
    ($($Number:ty),+) => {$(
        impl From<$Number> for Weight {
            fn from(weight: $Number) -> Self {
                Self(weight.into())
            }
        }
    )+};
}
from_unsigned!(u8, u16, u32);

/// The reason why a weight is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightError {
    /// The weight is not a number.
    Nan,
    /// The weight is below zero.
    Negative,
    /// The weight is infinite.
    Infinite,
}

impl WeightError {
    #[cold]
    fn of(weight: f64) -> Self {
        if weight.is_nan() {
            Self::Nan
        } else if weight < 0.0 {
            Self::Negative
        } else {
            Self::Infinite
        }
    }
}

impl fmt::Display for WeightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nan => "the weight is not a number",
            Self::Negative => "the weight is negative",
            Self::Infinite => "the weight is infinite",
        })
    }
}

impl Error for WeightError {}
