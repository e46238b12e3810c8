//! A weight that has been checked, and why others are refused.

use core::error::Error;
use core::fmt;

/// A finite weight that is not negative.
///
/// Checked once, on the way in, so that what takes a `Weight` cannot fail.
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
    /// The weight of an item that is offered without one.
    pub const ONE: Self = Self(1.0);

    /// Checks a weight.
    ///
    /// # Errors
    ///
    /// If it is NaN, negative or infinite.
    #[inline]
    pub fn new(weight: f64) -> Result<Self, WeightError> {
        // The wanted comparison, so that NaN fails it.
        if (0.0..=f64::MAX).contains(&weight) {
            Ok(Self(weight))
        } else {
            Err(WeightError::of(weight))
        }
    }

    /// The number.
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

impl From<u32> for Weight {
    fn from(weight: u32) -> Self {
        Self(f64::from(weight))
    }
}

/// Why a weight was refused.
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
