//! `ReplacementReservoir`: k independent draws with replacement.

mod estimates;

use alloc::vec::Vec;
use core::mem;

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
/// # Panics of items
///
/// If an iterator, `Clone` or `Drop` of an item, or the generator panics, the sampler can be used on. The item
/// with which that happened may be in fewer slots than the guarantee says; it holds for all others.
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
    /// The number of the next item to examine: above `seen`, or `u64::MAX`, which is never reached; 0 if that
    /// is still to be drawn.
    next: u64,
    /// Whether `next` is drawn, so that some slot takes that item.
    drawn: bool,
    rng: R,
}

impl<T, R> ReplacementReservoir<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self {
            capacity,
            slots: Vec::new(),
            seen: 0,
            next: 1,
            drawn: true,
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
        self.seen = 0;
        self.next = 1;
        self.drawn = true;
        self.slots.clear();
    }
}

impl<T: Clone, R: Rng> ReplacementReservoir<T, R> {
    /// Offers one item. Amortised O(1). The item is cloned once for every slot but one that takes it.
    #[inline]
    pub fn update(&mut self, item: T) {
        self.offer(|| item);
    }

    #[inline]
    fn offer(&mut self, item: impl FnOnce() -> T) {
        self.seen = self.seen.saturating_add(1);
        if self.seen >= self.next {
            self.take(item);
        }
    }

    /// Offers all items of a slice. Clones only the items kept. O(1 + items kept), whatever the length
    /// of the slice.
    pub fn extend_from_slice(&mut self, items: &[T]) {
        self.extend_by(pass_counted(items.iter()), Clone::clone);
    }

    fn extend_by<I>(
        &mut self,
        mut pass: impl FnMut(u64, &mut u64) -> Option<I>,
        make: impl Fn(I) -> T,
    ) {
        while let Some(item) = pass(self.wait(), &mut self.seen) {
            self.offer(|| make(item));
        }
    }

    /// The number of items to skip before the next one to examine.
    fn wait(&self) -> u64 {
        match self.next {
            u64::MAX => u64::MAX,
            next => next.saturating_sub(self.seen.saturating_add(1)),
        }
    }

    /// Puts the item numbered `seen` into at least one slot. If `next` is still to be drawn, that may be
    /// a later item.
    #[cold]
    #[inline(never)]
    fn take(&mut self, item: impl FnOnce() -> T) {
        let number = self.seen;
        // The item is counted again once it is made: that may panic.
        self.seen = number - 1;
        if self.slots.is_empty() {
            let mut slots = Vec::new();
            slots.resize(self.capacity, item());
            self.slots = slots;
            self.seen = number;
            self.forget_next();
        } else {
            if !self.drawn {
                self.draw_next(number - 1);
            }
            if number < self.next || self.next == u64::MAX {
                self.seen = number;
                return;
            }
            self.forget_next();
            let item = item();
            self.seen = number;
            self.scatter(item);
        }
        self.draw_next(number);
    }

    /// Discards the number of the next item: the caller's code may panic before another is drawn.
    fn forget_next(&mut self) {
        self.next = 0;
        self.drawn = false;
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
        self.drawn = true;
    }
}

impl<T: Clone, R: Rng> Extend<T> for ReplacementReservoir<T, R> {
    /// Offers all items of an iterator. An iterator with an exact `size_hint` is advanced with
    /// [`Iterator::nth`], which is cheap for many iterators.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let items = items.into_iter();
        let (least, most) = items.size_hint();
        if most == Some(least) {
            self.extend_by(pass_counted(items), |item| item);
        } else {
            self.extend_by(pass_each(items), |item| item);
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
    fn merge_held(&mut self, mut other: Self, seen: u64) {
        let capacity = self.capacity.min(other.capacity);
        let total = u128::from(self.seen) + u128::from(other.seen);
        let draws = (0..capacity).map(|_| {
            // 63 random bits scaled to the total, which may need 65.
            let number = (u128::from(self.rng.next_u64() >> 1) * total) >> 63;
            number >= u128::from(self.seen)
        });
        let theirs: Vec<bool> = draws.collect();
        self.seen = seen;
        self.forget_next();
        self.capacity = capacity;
        let left_out = self.slots.split_off(capacity);
        for ((slot, other), theirs) in self.slots.iter_mut().zip(&mut other.slots).zip(theirs) {
            if theirs {
                mem::swap(slot, other);
            }
        }
        self.draw_next(seen);
        drop((left_out, other));
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
        let next_fits = match (self.drawn, self.seen) {
            (true, 0) => self.next == 1,
            (true, seen) => self.next > seen || self.next == u64::MAX,
            (false, seen) => self.next == 0 && seen > 0,
        };
        if self.capacity == 0 {
            Err("the capacity of a sample is 0")
        } else if self.slots.len() != filled {
            Err("the slots of a sample with replacement are not filled")
        } else if !next_fits {
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
    drawn: bool,
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
