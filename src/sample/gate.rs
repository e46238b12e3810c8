//! The gate of a pool of slots: skips light items for an addition and two comparisons each.
//!
//! # The pool
//!
//! A pool of weight W has r slots. An item of weight w that joins it takes a slot, drawn uniformly,
//! with probability `r * w / (W + w)`. In either case the pool's weight becomes `W + w`. The light items
//! of a VarOpt sample are such a pool, and so are the full items of an EB-PPS sample, and its partial
//! item.
//!
//! # The jump
//!
//! A random number per item would cost more than everything else. Instead, items are first thinned by
//! weight alone: the next *candidate* is the item at which the pool's weight passes
//! `W * (1 - u)^(-1/rate)`. With `x = w / (W + w)`, an item is a candidate with probability
//! `1 - (1 - x)^rate`, independently of all others, because the product over a run of items
//! telescopes to `(W / W')^rate`.
//!
//! With `rate = 2 ln(2) r` and `r x <= 1/2`, that probability is at least `1 - 4^(-r x) >= r x`, by
//! convexity. A candidate takes a slot with probability `r x` divided by the probability of being a
//! candidate, so an item takes a slot with probability `r x`. With one slot, a rate of 1 gives `r x`
//! exactly, for every x.
//!
//! An item may also be stopped before the jump ends, because it is too heavy or the pool would exceed its
//! bound. That depends on weights alone, so the item is decided with new random numbers, and a new jump
//! is drawn after it.
//!
//! # Units
//!
//! Sums are *scaled*: multiplied by a power of two that keeps them far from overflow and underflow.

use core::f64::consts::LN_2;

use rand::Rng;

use super::lanes::sum_and_most;
use crate::random::{exponential, open01};

/// Lets items pass until one must be examined.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Gate {
    /// The scale: a power of two.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    unit: f64,
    /// The scaled weight that has passed and is not yet added to the pool.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    passed: f64,
    /// The scaled weight before the next candidate; `None` if the gate is closed.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::optional_bits"))]
    jump: Option<f64>,
    /// The most weight that may pass, whatever the jump.
    #[cfg_attr(feature = "serde", serde(skip))]
    bound: f64,
    /// The minimum of jump and bound. Like the bound, of no effect while the gate is closed.
    #[cfg_attr(feature = "serde", serde(skip))]
    stop: f64,
    /// The largest weight of an item that may pass; negative if the gate is closed.
    #[cfg_attr(feature = "serde", serde(skip))]
    limit: f64,
}

/// The pool of a gate, in scaled weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    /// Above zero.
    pub(crate) weight: f64,
    /// At least 1.
    pub(crate) slots: f64,
    /// The most weight that may join the pool before it changes.
    pub(crate) bound: f64,
    /// The largest weight of an item that may join the pool without a change.
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

    /// The largest weight of a candidate.
    fn candidate_limit(self) -> f64 {
        if self.slots > 1.0 {
            self.limit.min(self.weight / (2.0 * self.slots))
        } else {
            self.limit
        }
    }

    /// Decides at random whether a candidate takes a slot.
    ///
    /// With `y = r x` and `z = rate * x`, the probability of being a candidate is between `z - z^2/2` and
    /// z. These bounds usually decide, and no logarithm is needed.
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

/// Scaled sums stay within this factor of 1, except for the weight of one addition.
const FAR: f64 = (1u128 << 127) as f64 * (1u128 << 127) as f64;

/// Whether [`Gate::fit`] can have produced a scaled sum, including the weight that passed since.
#[cfg(any(feature = "serde", feature = "datasketches"))]
pub(crate) fn is_fit(sum: f64) -> bool {
    (1.0 / FAR..=FAR * FAR).contains(&sum)
}

/// The factor, or 1 for an empty sum, whose factor may be infinite.
fn factor(sum: f64, factor: f64) -> f64 {
    if sum == 0.0 { 1.0 } else { factor }
}

/// The number of weights examined at once: the initial and the largest number.
const PIECE: usize = 32;
const BLOCK: usize = 512;

impl Gate {
    /// A closed gate: no item passes.
    pub(crate) fn closed() -> Self {
        Self {
            unit: 1.0,
            passed: 0.0,
            jump: None,
            bound: 0.0,
            stop: 0.0,
            limit: -1.0,
        }
    }

    /// Lets an item pass if it may. Returns whether it did; if not, nothing changes.
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

    /// Lets items pass up to the first that may not, or has an invalid weight. Returns their number.
    ///
    /// Whole blocks are tried first; their length doubles with each success.
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

    /// Lets a whole block of items pass if it may. Returns whether it did; if not, nothing changes, and a
    /// weight may be invalid.
    fn pass_all(&mut self, weights: &[f64]) -> bool {
        let (sum, most) = sum_and_most(weights);
        let passed = self.passed + sum * self.unit;
        let passes = most * self.unit <= self.limit && passed <= self.stop;
        if passes {
            self.passed = passed;
        }
        passes
    }

    /// Like `pass_first`, one by one.
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

    /// Whether an item that did not pass was stopped by the jump alone, so that it is a candidate.
    pub(crate) fn stopped_by_jump(&self, weight: f64) -> bool {
        let weight = weight * self.unit;
        weight <= self.limit && self.passed + weight <= self.bound
    }

    /// The factor that scales weights.
    pub(crate) fn unit(&self) -> f64 {
        self.unit
    }

    /// The scaled weight that has passed since it was last taken.
    pub(crate) fn passed(&self) -> f64 {
        self.passed
    }

    /// Takes the weight that has passed, to be added to the pool.
    pub(crate) fn take_passed(&mut self) -> f64 {
        core::mem::take(&mut self.passed)
    }

    /// Closes the gate. The weight that has passed must have been taken.
    ///
    /// A closed gate is right for every sample: each item is then decided with new random numbers. So it is
    /// closed before code of the caller may panic.
    pub(crate) fn close(&mut self) {
        self.jump = None;
        self.limit = -1.0;
    }

    /// Opens the gate of a pool with a new jump.
    pub(crate) fn open<R: Rng>(&mut self, pool: Pool, rng: &mut R) {
        let jump = pool.weight * libm::expm1(exponential(rng) / pool.rate());
        self.passed = 0.0;
        self.set_limits(pool, jump);
    }

    fn set_limits(&mut self, pool: Pool, jump: f64) {
        self.jump = Some(jump);
        self.bound = pool.bound;
        self.stop = jump.min(pool.bound);
        self.limit = pool.candidate_limit();
    }

    /// Chooses a unit in which `weight` can be added to a scaled sum. Returns the factor that converts
    /// this sum, and smaller ones, to the unit.
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

    /// Chooses one unit for a scaled sum and one scaled by another gate. Returns the factors that convert
    /// them, and smaller ones, to it.
    pub(crate) fn align(&mut self, ours: f64, other: &Self, theirs: f64) -> (f64, f64) {
        // In the larger unit the other sum could overflow. A sum of zero fits any unit.
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

    /// Opens a gate that was read back, or returns what does not fit.
    #[cfg(feature = "serde")]
    pub(crate) fn restore(&mut self, pool: Option<Pool>) -> Result<(), &'static str> {
        // A normal power of two has no mantissa bits.
        let power_of_two = self.unit.is_normal() && self.unit.to_bits() << 12 == 0;
        let fits = |most: f64| {
            power_of_two && self.unit > 0.0 && 0.0 <= self.passed && self.passed <= most
        };
        match (self.jump, pool) {
            (None, _) if fits(0.0) => self.close(),
            (Some(jump), Some(pool))
                if jump < f64::INFINITY && fits(jump.min(pool.bound.max(0.0))) =>
            {
                self.set_limits(pool, jump);
            }
            _ => return Err("the jump does not fit the sample"),
        }
        Ok(())
    }
}
