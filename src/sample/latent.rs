//! A sample of fractional size: full items, and a partial one.
//!
//! The operations are those on *latent samples* of Hentschel, Haas and Tian (2018). They multiply the
//! inclusion probability of every item by the same number, or add items with given probabilities.

use alloc::vec::Vec;
use core::mem;

use rand::Rng;

use super::aggregate::settle;
use crate::random::{open01, position};

/// A latent sample: it stands for a sample of all full items, and of the partial one with probability
/// `fraction`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Latent<T> {
    full: Vec<T>,
    /// `None` if and only if the fraction is 0.
    partial: Option<T>,
    /// At least 0 and below 1.
    #[cfg_attr(feature = "serde", serde(with = "super::stored::bits"))]
    fraction: f64,
}

impl<T> Latent<T> {
    pub(crate) fn new() -> Self {
        Self {
            full: Vec::new(),
            partial: None,
            fraction: 0.0,
        }
    }

    pub(crate) fn full(&self) -> &[T] {
        &self.full
    }

    pub(crate) fn partial(&self) -> Option<&T> {
        self.partial.as_ref()
    }

    pub(crate) fn fraction(&self) -> f64 {
        self.fraction
    }

    /// The expected number of items.
    pub(crate) fn size(&self) -> f64 {
        self.full.len() as f64 + self.fraction
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.partial.is_none()
    }

    /// The full items, and the partial one if `whole`.
    pub(crate) fn into_items(self, whole: bool) -> Vec<T> {
        let mut items = self.full;
        items.extend(self.partial.filter(|_| whole));
        items
    }

    /// Replaces a full item, which is returned.
    pub(crate) fn replace_full(&mut self, position: usize, item: T) -> T {
        mem::replace(&mut self.full[position], item)
    }

    /// Replaces the partial item, which is returned.
    pub(crate) fn replace_partial(&mut self, item: T) -> Option<T> {
        self.partial.replace(item)
    }

    /// Increases the fraction of the partial item, if there is one.
    pub(crate) fn grow(&mut self, fraction: f64) {
        self.set_fraction(self.fraction + fraction);
    }

    /// Sets the fraction. At 0 the partial item is dropped, at 1 it becomes full.
    fn set_fraction(&mut self, fraction: f64) {
        self.fraction = fraction;
        if fraction <= 0.0 {
            self.partial = None;
        } else if fraction >= 1.0 {
            self.full.extend(self.partial.take());
        }
        if self.partial.is_none() {
            self.fraction = 0.0;
        }
    }

    /// Removes a rounding error from the number of items: the partial item becomes full if fewer than
    /// `size` items are, and is dropped otherwise.
    pub(crate) fn round(&mut self, size: usize) {
        let missing = self.full.len() < size;
        self.set_fraction(if missing { 1.0 } else { 0.0 });
    }

    /// Multiplies the probability of every item by `t = size / self.size()`. Does nothing if that is not
    /// below 1.
    ///
    /// In the comments, f is the fraction before and g the fraction after.
    pub(crate) fn shrink<R: Rng + ?Sized>(&mut self, size: f64, rng: &mut R) {
        let before = self.size();
        if size >= before {
            return;
        }
        let (whole, t) = (size as usize, size / before);
        let (kept, left) = (t * self.fraction, size - whole as f64);
        if whole == self.full.len() {
            // The partial item stays partial with the probability s for which s*g + (1-s) = t*f.
            if open01(rng) * (1.0 - left) > 1.0 - kept {
                self.swap_partial(rng);
            }
        } else if whole == 0 {
            // One item stays, as the partial one, each in proportion to its probability.
            if open01(rng) * before > self.fraction {
                self.swap_partial(rng);
            }
            self.full.clear();
        } else if open01(rng) < kept {
            // The partial item becomes full, and one of the full items kept becomes partial.
            self.keep_full(whole, rng);
            self.swap_partial(rng);
        } else {
            self.keep_full(whole + 1, rng);
            let chosen = position(rng, whole + 1);
            self.partial = Some(self.full.swap_remove(chosen));
        }
        self.set_fraction(left);
    }

    /// Swaps the partial item with a random full one. Without a partial item, a full one becomes partial.
    fn swap_partial<R: Rng + ?Sized>(&mut self, rng: &mut R) {
        if self.full.is_empty() {
            return;
        }
        let chosen = position(rng, self.full.len());
        let swapped = self.full.swap_remove(chosen);
        self.full.extend(self.partial.replace(swapped));
    }

    /// Keeps a uniform sample of `len` full items.
    fn keep_full<R: Rng + ?Sized>(&mut self, len: usize, rng: &mut R) {
        while self.full.len() > len {
            let dropped = position(rng, self.full.len());
            self.full.swap_remove(dropped);
        }
    }

    /// Adds an item with the given probability.
    pub(crate) fn add<R: Rng + ?Sized>(&mut self, item: T, probability: f64, rng: &mut R) {
        if probability >= 1.0 {
            self.full.push(item);
            return;
        }
        let (chosen, (fraction, partial)) = match self.partial.take() {
            None => (None, (probability, item)),
            Some(partial) => settle((probability, item), (self.fraction, partial), rng),
        };
        self.full.extend(chosen);
        self.partial = Some(partial);
        self.set_fraction(fraction);
    }

    /// Adds all items of another latent sample, each with its probability.
    pub(crate) fn merge<R: Rng + ?Sized>(&mut self, mut other: Self, rng: &mut R) {
        self.full.append(&mut other.full);
        if let Some(item) = other.partial {
            self.add(item, other.fraction, rng);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.fraction = 0.0;
        let partial = self.partial.take();
        self.full.clear();
        drop(partial);
    }

    /// Whether the fraction fits the partial item.
    #[cfg(feature = "serde")]
    pub(crate) fn is_valid(&self) -> bool {
        match self.partial {
            Some(_) => 0.0 < self.fraction && self.fraction < 1.0,
            None => self.fraction == 0.0,
        }
    }
}
