//! Weights, and the arithmetic that keeps the bounds deterministic.

use core::fmt::{Debug, Display};
use core::num::NonZero;

use super::compare::{larger, larger_of_words};
use super::error::UpdateError;
use super::tags::Places;

/// A numeric type for weights: any unsigned integer, `f32` or `f64`.
///
/// Integers are exact. Every addition of floats rounds to nearest, and the bounds hold up to that
/// rounding. Sums of whole numbers below 2^53 (2^24 for `f32`) are exact.
///
/// The trait is sealed: its arithmetic is private to this crate.
pub trait Weight: Copy + Debug + Default + Display + PartialOrd + sealed::Arithmetic {}

pub(super) mod sealed {
    use super::{Places, UpdateError};
    use core::cmp::Ordering;
    use core::fmt::Debug;

    /// The arithmetic behind [`Weight`](super::Weight); all operands are valid weights.
    #[expect(unnameable_types, reason = "this seals `Weight`")]
    pub trait Arithmetic: Sized + Copy + PartialOrd {
        const ZERO: Self;
        const ONE: Self;

        /// A positive weight, in a form whose `Option` has the same size.
        type Positive: Copy + Debug;

        /// This weight in that form; `None` if it is zero.
        fn positive(self) -> Option<Self::Positive>;
        /// The weight of that form.
        fn of(positive: Self::Positive) -> Self;
        /// The saturating sum with another weight.
        fn raise(positive: Self::Positive, by: Self) -> Self::Positive;
        /// Returns an error for NaN, negative and infinite numbers.
        fn validate(self) -> Result<(), UpdateError>;
        /// Whether a floor is too high, so that all heights must be lowered instead. Above half of the
        /// range of an integer, heights might overflow. For floats it is always true, because the sum with
        /// a floor is rounded.
        fn is_high(self) -> bool;
        /// Whether it is a whole number.
        fn is_whole(self) -> bool;
        /// The sum, if it can be represented.
        fn checked_add(self, other: Self) -> Option<Self>;
        /// The sum, at most the largest number.
        fn saturating_add(self, other: Self) -> Self;
        /// The difference; `other` is never the larger.
        fn minus(self, other: Self) -> Self;
        /// The difference, or zero if `other` is larger.
        fn saturating_minus(self, other: Self) -> Self;
        /// The product with a count, at most the largest number.
        fn saturating_times(self, count: usize) -> Self;
        /// The quotient by a count that is not zero, rounded down if `Self` is an integer.
        fn divided_by(self, count: usize) -> Self;
        /// The share `phi`, between 0 and 1, of this weight, rounded down if `Self` is an integer.
        fn share(self, phi: f64) -> Self;
        /// The nearest `f64`.
        fn to_f64(self) -> f64;
        /// Whether `self` is at most `bound`, up to rounding.
        fn at_most_rounded(self, bound: Self) -> bool;
        /// The places of a bucket whose weights are larger.
        fn places_above(self, weight_at: impl Fn(usize) -> Self) -> Places;
        /// A total order that agrees with `<` on weights.
        fn compare(&self, other: &Self) -> Ordering;
    }
}

macro_rules! integer_weight {
    ($($int:ty),*) => {$(
        impl Weight for $int {}

        impl sealed::Arithmetic for $int {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            type Positive = NonZero<$int>;

            #[inline]
            fn positive(self) -> Option<NonZero<$int>> {
                NonZero::new(self)
            }
            #[inline]
            fn of(positive: NonZero<$int>) -> Self {
                positive.get()
            }
            #[inline]
            fn raise(positive: NonZero<$int>, by: Self) -> NonZero<$int> {
                positive.saturating_add(by)
            }
            #[inline]
            fn validate(self) -> Result<(), UpdateError> {
                Ok(())
            }
            fn is_high(self) -> bool {
                self > <$int>::MAX / 2
            }
            fn is_whole(self) -> bool {
                true
            }
            #[inline]
            fn checked_add(self, other: Self) -> Option<Self> {
                <$int>::checked_add(self, other)
            }
            #[inline]
            fn saturating_add(self, other: Self) -> Self {
                <$int>::saturating_add(self, other)
            }
            #[inline]
            fn minus(self, other: Self) -> Self {
                self - other
            }
            #[inline]
            fn saturating_minus(self, other: Self) -> Self {
                self.saturating_sub(other)
            }
            fn saturating_times(self, count: usize) -> Self {
                match <$int>::try_from(count) {
                    Ok(count) => self.saturating_mul(count),
                    Err(_) if self == 0 => 0,
                    Err(_) => <$int>::MAX,
                }
            }
            fn divided_by(self, count: usize) -> Self {
                <$int>::try_from(count).map_or(0, |count| self / count)
            }
            fn share(self, phi: f64) -> Self {
                // A cast from float to integer rounds towards zero and saturates.
                ((self.to_f64() * phi) as $int).min(self)
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn at_most_rounded(self, bound: Self) -> bool {
                self <= bound
            }
            #[inline(always)]
            fn places_above(self, weight_at: impl Fn(usize) -> Self) -> Places {
                if size_of::<Self>() == size_of::<u64>() && self <= <$int>::MAX / 2 {
                    larger_of_words(self as u64, |place| weight_at(place) as u64)
                } else {
                    larger(self, weight_at)
                }
            }
            #[inline]
            fn compare(&self, other: &Self) -> core::cmp::Ordering {
                self.cmp(other)
            }
        }
    )*};
}

macro_rules! float_weight {
    ($($float:ty, $bits:ty);*) => {$(
        impl Weight for $float {}

        impl sealed::Arithmetic for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            type Positive = NonZero<$bits>;

            // Only zero has no bits set; -0 is not positive either.
            #[inline]
            fn positive(self) -> Option<NonZero<$bits>> {
                NonZero::new(self.to_bits()).filter(|_| self > 0.0)
            }
            #[inline]
            fn of(positive: NonZero<$bits>) -> Self {
                <$float>::from_bits(positive.get())
            }
            #[inline]
            fn raise(positive: NonZero<$bits>, by: Self) -> NonZero<$bits> {
                let sum = Self::of(positive).saturating_add(by);
                sum.positive().unwrap_or(positive)
            }
            #[inline]
            fn validate(self) -> Result<(), UpdateError> {
                if self.is_nan() {
                    Err(UpdateError::NotANumber)
                } else if self < 0.0 {
                    Err(UpdateError::Negative)
                } else if self.is_infinite() {
                    Err(UpdateError::Infinite)
                } else {
                    Ok(())
                }
            }
            fn is_high(self) -> bool {
                true
            }
            fn is_whole(self) -> bool {
                self % 1.0 == 0.0
            }
            #[inline]
            fn checked_add(self, other: Self) -> Option<Self> {
                let sum = self + other;
                sum.is_finite().then_some(sum)
            }
            #[inline]
            fn saturating_add(self, other: Self) -> Self {
                (self + other).min(<$float>::MAX)
            }
            #[inline]
            fn minus(self, other: Self) -> Self {
                self - other
            }
            #[inline]
            fn saturating_minus(self, other: Self) -> Self {
                (self - other).max(0.0)
            }
            fn saturating_times(self, count: usize) -> Self {
                (self * count as $float).min(<$float>::MAX)
            }
            fn divided_by(self, count: usize) -> Self {
                self / count as $float
            }
            fn share(self, phi: f64) -> Self {
                (self.to_f64() * phi) as $float
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn at_most_rounded(self, bound: Self) -> bool {
                // Far above the rounding errors of any real stream, far below a real inconsistency.
                self <= (bound * 1.001).min(<$float>::MAX)
            }
            #[inline(always)]
            fn places_above(self, weight_at: impl Fn(usize) -> Self) -> Places {
                larger(self, weight_at)
            }
            #[inline]
            fn compare(&self, other: &Self) -> core::cmp::Ordering {
                self.total_cmp(other)
            }
        }
    )*};
}

integer_weight!(u8, u16, u32, u64, u128, usize);
float_weight!(f32, u32; f64, u64);
