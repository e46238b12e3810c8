//! How far sums of weights may be from the truth, since they are added as floating-point numbers.

use serde::{Deserialize, Serialize};

use crate::input::field::Amount;

/// What is known of the weights in a sum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rounding {
    grain: Grain,
    /// The additions: one for each weight, and one for each merge.
    additions: u64,
}

/// What all weights are multiples of.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
enum Grain {
    /// They are whole numbers.
    Whole,
    /// They are halves, quarters or eighths.
    Eighth,
    /// They may have been rounded when they were read, as 0.1 is.
    Unknown,
}

impl Default for Rounding {
    fn default() -> Self {
        Self {
            grain: Grain::Whole,
            additions: 0,
        }
    }
}

impl Rounding {
    /// Up to here, every whole number is a floating-point number.
    const WHOLE_BELOW: f64 = (1u64 << 53) as f64;

    /// Notes a weight that is added.
    #[inline]
    pub(crate) fn note(&mut self, weight: Amount) {
        // Far faster than a remainder; what is beyond the integers makes no exact sum anyway.
        let is_whole = |number: f64| number as i64 as f64 == number;
        let grain = if !weight.is_as_written {
            Grain::Unknown
        } else if is_whole(weight.number) {
            Grain::Whole
        } else if is_whole(weight.number * 8.0) {
            Grain::Eighth
        } else {
            Grain::Unknown
        };
        if grain > self.grain {
            self.grain = grain;
        }
        self.additions += 1;
    }

    /// Notes a merge with a sum of other weights.
    pub(crate) fn merge(&mut self, other: Self) {
        if other.grain > self.grain {
            self.grain = other.grain;
        }
        self.additions = self
            .additions
            .saturating_add(other.additions)
            .saturating_add(1);
    }

    /// The largest relative error of a sum; 0 if all sums up to this total are exact.
    ///
    /// A sum of multiples of one number is exact as long as it is less than 2^53 of them; if a sum was
    /// rounded, it has not become less than that. In any other sum, reading, each addition and each
    /// reduction of the counters have a relative error of 2^-53 of what is there, at most the sum.
    /// There are no more reductions than additions, and each subtracts once from a counter and adds
    /// once to the error: four times the number of additions is enough.
    pub(crate) fn relative_error(&self, total: f64) -> f64 {
        let is_exact = match self.grain {
            Grain::Whole => total < Self::WHOLE_BELOW,
            Grain::Eighth => total < Self::WHOLE_BELOW / 8.0,
            Grain::Unknown => total == 0.0,
        };
        if is_exact {
            0.0
        } else {
            4.0 * (self.additions as f64 + 1.0) / Self::WHOLE_BELOW
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounding(weights: &[&str]) -> Rounding {
        let mut rounding = Rounding::default();
        for weight in weights {
            rounding.note(Amount::parse(weight.as_bytes()).expect(weight));
        }
        rounding
    }

    #[test]
    fn sums_of_whole_numbers_and_of_eighths_are_exact_while_they_are_small() {
        for (weights, limit) in [
            (
                &["1", "2.0", "1e3", "-", "9007199254740991"][..],
                2f64.powi(53),
            ),
            (&["0.5", "7", "0.125"], 2f64.powi(50)),
        ] {
            let rounding = rounding(weights);
            assert_eq!(rounding.relative_error(limit - 1.0), 0.0);
            assert!(rounding.relative_error(limit) > 0.0);
        }
        for weight in [
            "0.1",
            "0.0625",
            "9007199254740993",
            "1.00000000000000000001",
            "0.50000000000000000001",
            "4503599627370497.4",
        ] {
            assert!(rounding(&[weight]).relative_error(9e15) > 0.0, "{weight}");
        }
    }

    #[test]
    fn the_error_of_many_decimals_is_within_the_bound() {
        // Cents, so that the truth is a whole number of them.
        let (mut rounding, mut sum, mut cents) = (Rounding::default(), 0.0, 0u64);
        for i in 0..200_000u64 {
            let each = i * 7_919 % 10_007;
            let text = format!("{}.{:02}", each / 100, each % 100);
            let weight = Amount::parse(text.as_bytes()).expect("a number");
            rounding.note(weight);
            sum += weight.number;
            cents += each;
        }
        let truth = cents as f64 / 100.0;
        let slack = rounding.relative_error(sum) * sum;
        assert!(sum != truth, "the test would show nothing");
        assert!((sum - truth).abs() <= slack, "{sum} {truth} {slack}");
        assert!(slack < 1e-9 * sum);
    }

    #[test]
    fn merging_keeps_the_coarsest_knowledge() {
        let mut whole = rounding(&["1"]);
        whole.merge(rounding(&["0.1"]));
        assert_eq!((whole.grain, whole.additions), (Grain::Unknown, 3));
    }
}
