//! The ranks of the samplers without replacement.

use core::cmp::Ordering;

use super::exponent::Exponent;

/// A random rank, with a total order.
pub(crate) trait Rank: Copy {
    fn order(&self, other: &Self) -> Ordering;

    /// Whether a sampler could have drawn this rank.
    #[cfg(feature = "serde")]
    fn is_valid(&self) -> bool;
}

/// A rank with the uniform distribution on (0, 1).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct UniformRank(
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))] pub(crate) f64,
);

impl Rank for UniformRank {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }

    #[cfg(feature = "serde")]
    fn is_valid(&self) -> bool {
        (0.0..1.0).contains(&self.0)
    }
}

/// The logarithm of an exponential rank, and the weight that is its rate.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct WeightedRank {
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    pub(crate) ln_rank: f64,
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    pub(crate) weight: f64,
}

impl Rank for WeightedRank {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.ln_rank.total_cmp(&other.ln_rank)
    }

    #[cfg(feature = "serde")]
    fn is_valid(&self) -> bool {
        self.ln_rank.is_finite() && self.weight > 0.0 && self.weight.is_finite()
    }
}

/// The logarithm to base 2 of an exponential rank, and the timestamp whose weight is its rate.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct DecayingRank {
    pub(crate) log2_rank: Exponent,
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    pub(crate) time: f64,
}

impl Rank for DecayingRank {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.log2_rank, &other.log2_rank);
        a.high.total_cmp(&b.high).then(a.low.total_cmp(&b.low))
    }

    #[cfg(feature = "serde")]
    fn is_valid(&self) -> bool {
        self.log2_rank.is_finite() && self.time.is_finite()
    }
}
