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

/// A uniform random sample *with* replacement: `capacity` independent draws from a stream of any
/// length.
///
/// # Guarantee
///
/// After `n >= 1` items every slot holds each of them with probability exactly `1/n`, independently
/// of every other slot; so an item is somewhere in the sample with probability `1 - (1 - 1/n)^k`,
/// and may be in it more than once. This holds after every update and every tree of merges. It is
/// the sample to take for a bootstrap, or where formulas for independent draws are to be used; where
/// repeats are no help, [`Reservoir`](super::Reservoir) says more with as many items.
///
/// # Cost
///
/// `O(k log n)` random numbers and clones in all. An [`update`](Self::update) that is passed over
/// costs one addition and one comparison, [`extend_from_slice`](Self::extend_from_slice) and
/// iterators with a cheap `nth` do not even look at the items passed over. A merge draws one number
/// for each slot. Memory: `size_of::<T>()` for each slot, all of them from the first item on; so look at
/// [`capacity`](Self::capacity) before offering anything to an empty sampler that a stranger stored.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. A merge draws from the
/// generator of `self`: the same merges in the same order give the same sample, another order
/// gives another one of the same law.
///
/// # References
///
/// Each slot is a reservoir of one item; that the next change of any of them can be drawn at once is
/// the skip of Park, Ostrouchov and Samatova, *Sampling streaming data with replacement* (2007).
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
    /// The number of the next item that some slot takes: above `seen`, or stuck at `u64::MAX`.
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

    /// The number of items held, repeats counted: the capacity, or 0 if nothing was offered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The probability with which each item seen so far is in the sample at least once:
    /// `1 - (1 - 1/n)^k`, and 1 if nothing was seen.
    #[must_use]
    pub fn inclusion_probability(&self) -> f64 {
        match self.seen {
            0 => 1.0,
            seen => -libm::expm1(self.capacity as f64 * ln_miss(1.0 / seen as f64)),
        }
    }

    /// The draws, in the order of their slots: any part of them chosen by position is a sample with
    /// replacement too.
    pub fn iter(&self) -> super::Iter<'_, T> {
        super::Iter::new(self.slots.iter().chain(None))
    }

    /// The draws, in the order of their slots.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.slots
    }

    /// Whether no item is held, so none was offered.
    fn holds_none(&self) -> bool {
        self.slots.is_empty()
    }

    /// Forgets every item; capacity and generator stay.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.seen = 0;
        self.next = 1;
    }
}

impl<T: Clone, R: Rng> ReplacementReservoir<T, R> {
    /// Offers one item. Amortised O(1); it is cloned for every slot that takes it but one.
    #[inline]
    pub fn update(&mut self, item: T) {
        self.seen = self.seen.saturating_add(1);
        if self.seen >= self.next {
            self.take(item);
        }
    }

    /// Offers all items of a slice, cloning only those that are kept. O(1 + items taken), whatever
    /// the length of the slice.
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

    /// Puts an item into every slot with probability `1/seen`, given that some slot takes it.
    ///
    /// The first slot is geometric, cut to the number of slots; from there on the slots are
    /// independent again, and those that take the item are a geometric skip apart.
    fn scatter(&mut self, item: T) {
        let len = self.slots.len();
        let ln_miss = ln_miss(1.0 / self.seen as f64);
        let some = -libm::expm1(len as f64 * ln_miss);
        let first = libm::log1p(-some * open01(&mut self.rng)) / ln_miss;
        // Rounding may reach the end.
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
    /// Offers all items of an iterator. One whose `size_hint` is exact is advanced with
    /// [`Iterator::nth`], which many iterators make cheap.
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
            Err("a sample with replacement does not fill its slots")
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
