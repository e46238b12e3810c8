//! `ReplacementReservoir`: k independent draws with replacement.

mod estimates;

use alloc::vec::Vec;

use rand::Rng;

use super::api::rankless_api;
use super::pass::{pass_counted, pass_each};
use super::skip::{geometric, ln_miss};
use super::stored::stored;
use crate::Summary;
use crate::random::{DefaultRng, exponential, open01};

/// A uniform random sample *with* replacement: `capacity` independent draws from a stream.
///
/// # Guarantee
///
/// Let k be the capacity. After `n >= 1` items, each slot holds each item with probability exactly
/// `1/n`, independently of all other slots. So an item is in the sample with probability `1 - (1 -
/// 1/n)^k`, perhaps more than once. This holds after every update and every tree of merges.
///
/// Use it for a bootstrap, or with formulas for independent draws. Otherwise a
/// [`Reservoir`](super::Reservoir) of the same size gives narrower intervals.
///
/// # Cost
///
/// `O(k log n)` random numbers and clones in all. An [`update`](Self::update) with an item that is
/// skipped costs one addition and one comparison. [`extend_from_slice`](Self::extend_from_slice), and
/// iterators with a cheap `nth`, do not visit the items skipped. A merge draws one random number per
/// slot.
///
/// Memory: `size_of::<T>()` bytes per slot. All slots are allocated at the first item, so check
/// [`capacity`](Self::capacity) before you offer an item to a sampler read from untrusted bytes.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. A merge draws from the
/// generator of `self`: the same merges in the same order give the same sample. Another order gives
/// another sample with the same distribution.
///
/// # References
///
/// Each slot is a reservoir of one item. The next change of any slot is drawn as one skip: Park,
/// Ostrouchov and Samatova, *Sampling streaming data with replacement* (2007).
///
/// # Examples
///
/// ```
/// use forebay::{Merge, sample::ReplacementReservoir};
///
/// let mut sample = ReplacementReservoir::with_seed(50, 1);
/// sample.extend(0..10);
/// assert_eq!((sample.len(), sample.seen()), (50, 10));
///
/// let mut other = ReplacementReservoir::with_seed(50, 2);
/// other.extend(10..1_000_000);
/// sample.merge(other);
/// assert_eq!((sample.len(), sample.seen()), (50, 1_000_000));
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ReplacementReservoir<T, R = DefaultRng> {
    /// At least 1.
    capacity: usize,
    /// The draws: none before the first item, `capacity` from then on.
    slots: Vec<T>,
    /// Items offered so far.
    seen: u64,
    /// The number of the next item that some slot takes: above `seen`, or `u64::MAX`.
    next: u64,
    rng: R,
}

impl<T, R> ReplacementReservoir<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self {
            capacity,
            slots: Vec::new(),
            seen: 0,
            next: 1,
            rng,
        }
    }

    /// Returns the number of items held, with repeats: the capacity, or 0 if no item was offered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns the probability that an item seen so far is in the sample at least once:
    /// `1 - (1 - 1/n)^k`, and 1 if no item was seen.
    #[must_use]
    pub fn inclusion_probability(&self) -> f64 {
        match self.seen {
            0 => 1.0,
            seen => -libm::expm1(self.capacity as f64 * ln_miss(1.0 / seen as f64)),
        }
    }

    /// Iterates over the draws in the order of their slots. Any subset of the positions is a sample with
    /// replacement too.
    pub fn iter(&self) -> super::Iter<'_, T> {
        super::Iter::new(self.slots.iter().chain(None))
    }

    /// Returns the draws in the order of their slots.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.slots
    }

    /// Whether no item is held, so none was offered.
    fn holds_none(&self) -> bool {
        self.slots.is_empty()
    }

    /// Removes every item. The capacity and the state of the generator stay.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.seen = 0;
        self.next = 1;
    }
}

impl<T: Clone, R: Rng> ReplacementReservoir<T, R> {
    /// Offers one item. Amortised O(1). The item is cloned once for every slot but one that takes it.
    #[inline]
    pub fn update(&mut self, item: T) {
        self.seen = self.seen.saturating_add(1);
        if self.seen >= self.next {
            self.take(item);
        }
    }

    /// Offers all items of a slice. Clones only the items kept. O(1 + items kept), whatever the length
    /// of the slice.
    pub fn extend_from_slice(&mut self, items: &[T]) {
        self.extend_by(pass_counted(items.iter(), Clone::clone));
    }

    fn extend_by(&mut self, mut pass: impl FnMut(u64) -> Result<T, u64>) {
        loop {
            let wait = self.next.saturating_sub(self.seen.saturating_add(1));
            match pass(wait) {
                Ok(item) => {
                    self.seen = self.seen.saturating_add(wait);
                    self.update(item);
                }
                Err(passed) => {
                    self.seen = self.seen.saturating_add(passed);
                    return;
                }
            }
        }
    }

    /// Puts the item numbered `seen` into at least one slot.
    #[cold]
    #[inline(never)]
    fn take(&mut self, item: T) {
        if self.slots.is_empty() {
            self.slots.resize(self.capacity, item);
        } else {
            self.scatter(item);
        }
        self.draw_next(self.seen);
    }

    /// Puts an item into every slot with probability `1/seen`, given that at least one slot takes it.
    ///
    /// The first slot is geometric, truncated to the number of slots. The slots after it are independent
    /// again, so the next ones are found by geometric skips.
    fn scatter(&mut self, item: T) {
        let len = self.slots.len();
        let ln_miss = ln_miss(1.0 / self.seen as f64);
        let some = -libm::expm1(len as f64 * ln_miss);
        let first = libm::log1p(-some * open01(&mut self.rng)) / ln_miss;
        // Rounding may give `len`.
        let mut slot = (first as usize).min(len - 1);
        loop {
            let skip = usize::try_from(geometric(&mut self.rng, ln_miss)).unwrap_or(usize::MAX);
            let following = slot.saturating_add(1).saturating_add(skip);
            if following >= len {
                self.slots[slot] = item;
                return;
            }
            self.slots[slot] = item.clone();
            slot = following;
        }
    }

    /// Draws the number of the next item that some slot takes, after `seen` items.
    ///
    /// No slot takes any of the items n+1 to m with probability `(n/m)^k`, because the product over
    /// the items telescopes. So the next one is number `1 + floor(n * u^(-1/k))`.
    fn draw_next(&mut self, seen: u64) {
        let growth = libm::expm1(exponential(&mut self.rng) / self.capacity as f64);
        let skip = (seen as f64 * growth) as u64;
        self.next = seen.saturating_add(1).saturating_add(skip);
    }
}

impl<T: Clone, R: Rng> Extend<T> for ReplacementReservoir<T, R> {
    /// Offers all items of an iterator. An iterator with an exact `size_hint` is advanced with
    /// [`Iterator::nth`], which is cheap for many iterators.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let items = items.into_iter();
        let (least, most) = items.size_hint();
        if most == Some(least) {
            self.extend_by(pass_counted(items, |item| item));
        } else {
            self.extend_by(pass_each(items));
        }
    }
}

impl<'a, T: Copy + 'a, R: Rng> Extend<&'a T> for ReplacementReservoir<T, R> {
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, items: I) {
        self.extend(items.into_iter().copied());
    }
}

impl<T: Clone, R: Rng> ReplacementReservoir<T, R> {
    /// Merges two sides that both hold items.
    fn merge_held(&mut self, other: Self) {
        self.capacity = self.capacity.min(other.capacity);
        self.slots.truncate(self.capacity);
        let total = u128::from(self.seen) + u128::from(other.seen);
        for (slot, theirs) in self.slots.iter_mut().zip(other.slots) {
            // 63 random bits scaled to the total, which may need 65.
            let number = (u128::from(self.rng.next_u64() >> 1) * total) >> 63;
            if number >= u128::from(self.seen) {
                *slot = theirs;
            }
        }
        self.draw_next(self.seen.saturating_add(other.seen));
    }
}

impl<T: Clone, R: Rng> Summary for ReplacementReservoir<T, R> {
    type Item = T;

    fn update(&mut self, item: T) {
        Self::update(self, item);
    }
}

#[cfg(feature = "serde")]
impl<T, R> ReplacementReservoir<T, R> {
    /// Checks a sample that was read back.
    fn restore(&mut self) -> Result<(), &'static str> {
        let filled = if self.seen == 0 { 0 } else { self.capacity };
        if self.capacity == 0 {
            Err("the capacity of a sample is 0")
        } else if self.slots.len() != filled {
            Err("the slots of a sample with replacement are not filled")
        } else if self.next <= self.seen && self.next != u64::MAX
            || self.seen == 0 && self.next != 1
        {
            Err("the next item to take does not fit the items seen")
        } else {
            Ok(())
        }
    }
}

stored!(ReplacementReservoir<T, R> {
    capacity: usize,
    slots: Vec<T>,
    seen: u64,
    next: u64,
    rng: R,
});
rankless_api!(
    ReplacementReservoir,
    /// Lets every slot choose a side with the probability of that side's share of the items seen,
    /// which keeps the guarantee exactly. O(k). Draws one number per slot from the generator of
    /// `self`, none if a side is empty.
    ///
    /// The new capacity is the smallest capacity of the sides that were offered items.
    merge where T: Clone
);
