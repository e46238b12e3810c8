//! The gate before a pool of slots: light items go by for an addition and two comparisons.
//!
//! # The pool
//!
//! A pool of weight W has r slots. An item of weight w that joins it takes a slot, drawn uniformly,
//! with probability `r * w / (W + w)`; either way the pool's weight becomes `W + w`. The light items
//! of a VarOpt sample are such a pool, and so are the full items and the partial item of an EB-PPS
//! sample.
//!
//! # The jump
//!
//! Drawing a number for every item would cost more than all the rest. Instead items are first
//! thinned by weight alone: the next *candidate* is the item at which the pool's weight passes
//! `W * (1 - u)^(-1/rate)`. With `x = w / (W + w)` an item is a candidate with probability
//! `1 - (1 - x)^rate`, independently of all others, because the product over a run of items
//! telescopes to `(W / W')^rate`. With `rate = 2 ln(2) r` and `r x <= 1/2` that is at least
//! `1 - 4^(-r x) >= r x`, by convexity. So a candidate that takes its slot with probability `r x`
//! over that of being one takes it with probability `r x` in all. With one slot a rate of 1 gives
//! `r x` exactly, for every x.
//!
//! What stops an item before its turn to be a candidate (it is too heavy, or the pool would pass its
//! bound) depends on weights alone, so the item can be treated by fresh random numbers and the jump
//! be drawn anew.
//!
//! # Units
//!
//! Sums are kept in units of a power of two, chosen so that they neither overflow nor lose bits: in
//! their unit ("scaled") they are near 1 or a little away from it.

use core::f64::consts::LN_2;

use rand::Rng;

use super::lanes::sum_and_most;
use crate::random::{exponential, open01};

/// Lets weights pass until one has to be looked at.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Gate {
    /// What weights are multiplied by: a power of two.
    #[cfg_attr(feature = "serde", serde(with = "super::bits"))]
    unit: f64,
    /// The scaled weight that has passed and is not yet in the pool's.
    #[cfg_attr(feature = "serde", serde(with = "super::bits"))]
    passed: f64,
    /// The weight to pass before the next candidate.
    #[cfg_attr(feature = "serde", serde(with = "super::bits"))]
    jump: f64,
    /// The most weight that may pass, jump or no jump.
    #[cfg_attr(feature = "serde", serde(skip))]
    bound: f64,
    /// The smaller one of jump and bound.
    #[cfg_attr(feature = "serde", serde(skip))]
    stop: f64,
    /// The heaviest item that may pass, below zero if the gate is closed.
    #[cfg_attr(feature = "serde", serde(skip))]
    limit: f64,
}

/// The pool that a gate stands before, in scaled weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    /// Above zero.
    pub(crate) weight: f64,
    /// At least 1.
    pub(crate) slots: f64,
    /// The most weight that may join before something else has to be done.
    pub(crate) bound: f64,
    /// The heaviest item that may join without anything else being done.
    pub(crate) limit: f64,
}

impl Pool {
    fn rate(self) -> f64 {
        if self.slots > 1.0 {
            2.0 * LN_2 * self.slots
        } else {
            1.0
        }
    }

    /// The heaviest item that may be a candidate.
    fn candidate_limit(self) -> f64 {
        if self.slots > 1.0 {
            self.limit.min(self.weight / (2.0 * self.slots))
        } else {
            self.limit
        }
    }

    /// Whether a candidate takes a slot.
    ///
    /// With `y = r x` and `z = rate * x` the probability of being a candidate lies between
    /// `z - z^2/2` and z: most often these settle the matter, and no logarithm is needed.
    pub(crate) fn takes_slot<R: Rng>(self, weight: f64, rng: &mut R) -> bool {
        let share = weight / (self.weight + weight);
        let (u, y, z) = (open01(rng), self.slots * share, self.rate() * share);
        if u * z < y {
            return true;
        }
        if u * (z - z * z / 2.0) >= y {
            return false;
        }
        let candidate = -libm::expm1(self.rate() * libm::log1p(-share));
        u * candidate < y
    }
}

/// Scaled sums stay within this factor of 1, save for what is added at once.
const FAR: f64 = (1u128 << 127) as f64 * (1u128 << 127) as f64;

/// Whether a scaled sum is one that [`Gate::fit`] can have left, with what may have passed since.
#[cfg(any(feature = "serde", feature = "datasketches"))]
pub(crate) fn is_fit(sum: f64) -> bool {
    (1.0 / FAR..=FAR * FAR).contains(&sum)
}

/// A factor for a sum, harmless if there is no sum.
fn factor(sum: f64, factor: f64) -> f64 {
    if sum == 0.0 { 1.0 } else { factor }
}

/// How many weights are looked at at once: at first, and at most.
const PIECE: usize = 32;
const BLOCK: usize = 512;

impl Gate {
    /// A gate that lets nothing pass.
    pub(crate) fn closed() -> Self {
        Self {
            unit: 1.0,
            passed: 0.0,
            jump: 0.0,
            bound: 0.0,
            stop: 0.0,
            limit: -1.0,
        }
    }

    /// Whether an item passes. If not, nothing has changed.
    #[inline]
    pub(crate) fn pass(&mut self, weight: f64) -> bool {
        let weight = weight * self.unit;
        let passed = self.passed + weight;
        let passes = weight <= self.limit && passed <= self.stop;
        if passes {
            self.passed = passed;
        }
        passes
    }

    /// Lets the first of some items pass, and gives their number. The one after them does not pass,
    /// or is not a valid weight.
    ///
    /// Whole blocks are tried first, the longer the better that went.
    pub(crate) fn pass_first(&mut self, weights: &[f64]) -> usize {
        let mut rest = weights;
        let mut len = PIECE;
        while !rest.is_empty() {
            let (block, behind) = rest.split_at(len.min(rest.len()));
            if self.pass_all(block) {
                rest = behind;
                len = (2 * len).min(BLOCK);
            } else if len > PIECE {
                len = PIECE;
            } else {
                rest = &rest[self.pass_each(block)..];
                break;
            }
        }
        weights.len() - rest.len()
    }

    /// Whether a whole block of items passes. If not, nothing has changed, and they may be invalid.
    fn pass_all(&mut self, weights: &[f64]) -> bool {
        let (sum, most) = sum_and_most(weights);
        let passed = self.passed + sum * self.unit;
        let passes = most * self.unit <= self.limit && passed <= self.stop;
        if passes {
            self.passed = passed;
        }
        passes
    }

    /// As `pass_first`, one by one.
    fn pass_each(&mut self, weights: &[f64]) -> usize {
        let mut passed = self.passed;
        let stops = |weight: &f64| {
            let after = passed + weight * self.unit;
            let passes = *weight >= 0.0 && weight * self.unit <= self.limit && after <= self.stop;
            if passes {
                passed = after;
            }
            !passes
        };
        let first = weights.iter().position(stops);
        self.passed = passed;
        first.unwrap_or(weights.len())
    }

    /// Whether an item that did not pass was stopped by the jump alone.
    pub(crate) fn stopped_by_jump(&self, weight: f64) -> bool {
        let weight = weight * self.unit;
        weight <= self.limit && self.passed + weight <= self.bound
    }

    /// What weights are multiplied by.
    pub(crate) fn unit(&self) -> f64 {
        self.unit
    }

    /// The scaled weight that has passed since it was last taken.
    pub(crate) fn passed(&self) -> f64 {
        self.passed
    }

    /// Takes the weight that has passed, to be added to the pool's.
    pub(crate) fn take_passed(&mut self) -> f64 {
        core::mem::take(&mut self.passed)
    }

    /// Lets nothing pass; what has passed must have been taken.
    pub(crate) fn close(&mut self) {
        *self = Self {
            unit: self.unit,
            ..Self::closed()
        };
    }

    /// Stands before a pool, with a new jump.
    pub(crate) fn open<R: Rng>(&mut self, pool: Pool, rng: &mut R) {
        self.jump = pool.weight * libm::expm1(exponential(rng) / pool.rate());
        self.passed = 0.0;
        self.stand_before(pool);
    }

    fn stand_before(&mut self, pool: Pool) {
        self.bound = pool.bound;
        self.stop = self.jump.min(pool.bound);
        self.limit = pool.candidate_limit();
    }

    /// Chooses the unit in which `weight` can be added to a scaled sum, and gives the factor that
    /// brings this sum, and smaller ones, to it.
    pub(crate) fn fit(&mut self, sum: f64, weight: f64) -> f64 {
        let total = sum + weight * self.unit;
        if (1.0 / FAR..=FAR).contains(&total) {
            return 1.0;
        }
        let largest = (sum / self.unit).min(f64::MAX).max(weight);
        let exponent = libm::ilogb(largest).clamp(-1022, 1022);
        let before = core::mem::replace(&mut self.unit, libm::scalbn(1.0, -exponent));
        factor(sum, self.unit / before)
    }

    /// Brings a scaled sum, and one that is scaled by another gate, to one unit: gives the factors
    /// for them and for smaller ones.
    pub(crate) fn align(&mut self, ours: f64, other: &Self, theirs: f64) -> (f64, f64) {
        // In the larger unit the other sum could overflow; but a sum of zero does not care.
        let unit = if ours == 0.0 {
            other.unit
        } else if theirs == 0.0 {
            self.unit
        } else {
            self.unit.min(other.unit)
        };
        let before = core::mem::replace(&mut self.unit, unit);
        (
            factor(ours, unit / before),
            factor(theirs, unit / other.unit),
        )
    }

    /// Stands before a pool again after being read back, or says what does not fit.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(&mut self, pool: Option<Pool>) -> Result<(), &'static str> {
        // A power of two that is a normal number has no bits set but those of its exponent.
        let power_of_two = self.unit.is_normal() && self.unit.to_bits() << 12 == 0;
        let fits = |most: f64| {
            power_of_two && self.unit > 0.0 && 0.0 <= self.passed && self.passed <= most
        };
        match pool {
            None if fits(0.0) && self.jump == 0.0 => self.close(),
            Some(pool) if self.jump < f64::INFINITY && fits(self.jump.min(pool.bound.max(0.0))) => {
                self.stand_before(pool);
            }
            _ => return Err("a jump does not fit its sample"),
        }
        Ok(())
    }
}
