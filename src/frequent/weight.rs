//! What a weight is, and the arithmetic that keeps bounds certain.

use core::fmt::{Debug, Display};
use core::num::NonZero;

use super::compare::{larger, larger_of_words};
use super::error::UpdateError;
use super::tags::Places;

/// A type that items can be weighed in: any unsigned integer, `f32` or `f64`.
///
/// Integers are exact. Floats are rounded to nearest in every addition, and what the summary
/// promises of their sums holds up to that rounding; sums of whole numbers below 2^53 (2^24 for
/// `f32`) are exact.
///
/// The trait is sealed: its arithmetic is private to this crate.
pub trait Weight: Copy + Debug + Default + Display + PartialOrd + sealed::Arithmetic {}

pub(super) mod sealed {
    use super::{Places, UpdateError};
    use core::cmp::Ordering;
    use core::fmt::Debug;

    /// The arithmetic behind [`Weight`](super::Weight); all operands are valid weights.
    #[expect(unnameable_types, reason = "that is what seals `Weight`")]
    pub trait Arithmetic: Sized + Copy + PartialOrd {
        const ZERO: Self;
        const ONE: Self;

        /// A weight that is not zero, kept such that an `Option` of it takes no more memory.
        type Positive: Copy + Debug;

        /// This weight, unless it is zero.
        fn positive(self) -> Option<Self::Positive>;
        /// The weight that was kept.
        fn of(positive: Self::Positive) -> Self;
        /// The sum of a weight that was kept and another, or the largest number if that is smaller.
        fn raise(positive: Self::Positive, by: Self) -> Self::Positive;
        /// Refuses what is not a weight: NaN, negative and infinite numbers.
        fn validate(self) -> Result<(), UpdateError>;
        /// Whether counters are better lowered one by one than measured from so high a floor: above
        /// half of what an integer can be there might be no room left over it, and the sum of a floor and
        /// a float would be rounded otherwise than the float alone.
        fn is_high(self) -> bool;
        /// Whether there is nothing behind the point.
        fn is_whole(self) -> bool;
        /// The sum, if it can be represented.
        fn checked_add(self, other: Self) -> Option<Self>;
        /// The sum, or the largest number if that is smaller.
        fn saturating_add(self, other: Self) -> Self;
        /// The difference; `other` is never the larger.
        fn minus(self, other: Self) -> Self;
        /// The difference, or zero if `other` is larger.
        fn saturating_minus(self, other: Self) -> Self;
        /// The product with a count, or the largest number if that is smaller.
        fn saturating_times(self, count: usize) -> Self;
        /// The quotient by a count that is not zero, rounded down if `Self` is an integer.
        fn divided_by(self, count: usize) -> Self;
        /// The share `phi`, between 0 and 1, of this weight, rounded down if `Self` is an integer.
        fn share(self, phi: f64) -> Self;
        /// The nearest `f64`.
        fn to_f64(self) -> f64;
        /// Whether `self` is at most `bound`, but for what rounding may have added.
        fn at_most_rounded(self, bound: Self) -> bool;
        /// Which of the weights at the places of a bucket are larger.
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

            // All bits are zero in the number zero alone; -0 is no weight that is kept.
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
                // Far above the rounding of any stream that fits a lifetime, far below an error.
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
