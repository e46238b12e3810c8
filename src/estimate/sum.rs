//! Sums of numbers that are right to the last bit or nearly, and do not overflow on their way.

/// A sum with the rounding errors of its additions (Neumaier 1974). Whole numbers up to 2^53 are summed exactly,
/// and a sum of other numbers hardly depends on their order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    rounded: f64,
    error: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, number: f64) {
        let sum = self.rounded + number;
        let (large, small) = if libm::fabs(self.rounded) >= libm::fabs(number) {
            (self.rounded, number)
        } else {
            (number, self.rounded)
        };
        self.error += (large - sum) + small;
        self.rounded = sum;
    }

    pub(crate) fn get(self) -> f64 {
        // The error of an infinite sum is not a number.
        if self.rounded.is_finite() {
            self.rounded + self.error
        } else {
            self.rounded
        }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        numbers.into_iter().for_each(|number| sum.add(number));
        sum
    }
}

/// A power of two near the largest of some numbers: dividing by it loses no precision. Sums of such quotients, of
/// their squares and of their cubes do not overflow.
pub(super) fn unit_of(numbers: impl Iterator<Item = f64>) -> f64 {
    let largest = numbers.map(libm::fabs).fold(0.0, f64::max);
    if largest.is_normal() {
        libm::scalbn(1.0, libm::ilogb(largest))
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_additions_lose_is_kept() {
        let sum = |numbers: &[f64]| numbers.iter().copied().collect::<Sum>().get();
        assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(sum(&[]), 0.0);
    }
}
