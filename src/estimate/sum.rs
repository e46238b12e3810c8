//! Sums that are rounded once.

use alloc::vec::Vec;

/// The sum of some numbers, rounded to the nearest `f64`, in any order (Shewchuk 1997). Numbers below 2^-1000 of
/// the largest may be lost.
pub(crate) fn sum_of(numbers: &[f64]) -> f64 {
    if numbers.iter().all(|number| number.is_finite()) {
        let unit = unit_of(numbers);
        sum_within_range(numbers.iter().map(|number| number / unit)) * unit
    } else {
        numbers.iter().sum()
    }
}

/// A power of two near the largest of some numbers: dividing by it loses no precision. Sums of such quotients, of
/// their squares and of their cubes do not overflow.
pub(super) fn unit_of(numbers: &[f64]) -> f64 {
    let largest = numbers.iter().copied().map(libm::fabs).fold(0.0, f64::max);
    if largest.is_normal() {
        libm::scalbn(1.0, libm::ilogb(largest))
    } else {
        1.0
    }
}

/// The sum of numbers whose sums do not overflow.
pub(super) fn sum_within_range(numbers: impl Iterator<Item = f64>) -> f64 {
    // Their sum is exact. No two overlap, and the largest is the last.
    let mut parts: Vec<f64> = Vec::new();
    for mut sum in numbers {
        let mut left = 0;
        for at in 0..parts.len() {
            let (rounded, error) = two_sum(sum, parts[at]);
            if error != 0.0 {
                parts[left] = error;
                left += 1;
            }
            sum = rounded;
        }
        parts.truncate(left);
        parts.push(sum);
    }
    let (mut sum, mut error) = (parts.pop().unwrap_or(0.0), 0.0);
    while error == 0.0
        && let Some(part) = parts.pop()
    {
        (sum, error) = two_sum(sum, part);
    }
    // If the error is half of the last place, the parts below it decide which way to round.
    let twice = 2.0 * error;
    let is_half = (sum + twice) - sum == twice;
    match parts.last() {
        Some(below) if is_half && (error > 0.0) == (*below > 0.0) => sum + twice,
        _ => sum,
    }
}

/// The rounded sum of two numbers, and what rounding took from it (Knuth 1969).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn sums_are_rounded_once() {
        assert_eq!(sum_of(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum_of(&[0.1; 10]), 1.0);
        assert_eq!(sum_of(&[1e16, 1.0, 1e-16]), 1e16 + 2.0);
        assert_eq!(sum_of(&[1e16, 1.0, -1e-16]), 1e16);
        assert_eq!(sum_of(&[f64::MAX, f64::MAX, -f64::MAX]), f64::MAX);
        assert_eq!(sum_of(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(sum_of(&[]), 0.0);
    }

    #[test]
    fn the_order_does_not_matter() {
        let mut numbers = vec![0.0; 200];
        for (i, number) in numbers.iter_mut().enumerate() {
            let i = i as u64;
            let sign = if i.is_multiple_of(3) { -1.0 } else { 1.0 };
            *number = sign * libm::exp2((i * 37 % 90) as f64) / (i + 1) as f64;
        }
        let sum = sum_of(&numbers);
        for _ in 0..20 {
            numbers.rotate_left(7);
            numbers[..90].reverse();
            assert_eq!(sum_of(&numbers), sum);
        }
    }
}
