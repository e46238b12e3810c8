//! Exponents of powers of two with twice the precision of an `f64`.

/// A number of half-lives as the unevaluated sum `high + low`, with about 106 bits. `high` is the sum
/// rounded to an `f64`, so equal sums have equal parts.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Exponent {
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    pub(super) high: f64,
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    pub(super) low: f64,
}

impl Exponent {
    /// `time / half_life` with a relative error of about 2^-106, at most `f64::MAX` in magnitude.
    pub(super) fn quotient(time: f64, half_life: f64) -> Self {
        let high = time / half_life;
        if high.is_infinite() {
            let high = high.clamp(-f64::MAX, f64::MAX);
            return Self { high, low: 0.0 };
        }
        let rest = libm::fma(-high, half_life, time);
        Self {
            high,
            low: rest / half_life,
        }
    }

    pub(super) fn negated(self) -> Self {
        Self {
            high: -self.high,
            low: -self.low,
        }
    }

    /// `self + number`, renormalised (Knuth's two-sum).
    pub(super) fn add(self, number: f64) -> Self {
        let (a, b) = (self.high, self.low + number);
        let high = a + b;
        let b_part = high - a;
        Self {
            high,
            low: (a - (high - b_part)) + (b - b_part),
        }
    }

    /// `self + other` as one number, accurate also if the two nearly cancel.
    pub(super) fn plus(self, other: Self) -> f64 {
        (self.high + other.high) + (self.low + other.low)
    }

    #[cfg(feature = "serde")]
    pub(super) fn is_finite(self) -> bool {
        self.high.is_finite() && self.low.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_of_opposite_sign_cancel_to_the_last_bits() {
        for (a, b) in [
            (1e15 + 1.0, 1e15),
            (1e18, 1e18 - 384.0),
            (-7e14, -7e14 - 0.5),
        ] {
            for half_life in [3.0, 7.1, 0.3] {
                let (a_over, b_over) = (
                    Exponent::quotient(a, half_life),
                    Exponent::quotient(b, half_life),
                );
                let expected = (a - b) / half_life;
                for difference in [
                    a_over.plus(b_over.negated()),
                    -b_over.plus(a_over.negated()),
                ] {
                    let error = (difference - expected).abs();
                    // Each quotient is right to some 2^-100 of itself.
                    assert!(error < 1e-9, "({a} - {b}) / {half_life}: {difference}");
                }
            }
        }
    }

    #[test]
    fn a_quotient_carries_the_rest_of_the_division() {
        let third = Exponent::quotient(1.0, 3.0);
        // 3 * (high + low) = 1 to twice the precision.
        let error = libm::fma(3.0, third.high, -1.0) + 3.0 * third.low;
        assert!(error.abs() < 1e-32, "{error}");
    }
}
