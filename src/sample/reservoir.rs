//! `Reservoir`: a uniform sample without replacement.

mod estimates;
mod part_estimates;
#[cfg(feature = "datasketches")]
mod unranked;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use rand::Rng;

use super::api::{bottom_k_api, constructors};
use super::block;
use super::bottom_k::{BottomK, Entry, FEWEST_GATHERED};
use super::pass::{pass_counted, pass_each};
use super::rank::UniformRank;
use super::skip::{geometric, ln_miss};
use crate::random::{DefaultRng, open01};
use crate::{Merge, Summary};

/// A uniform random sample of `capacity` items of a stream, without replacement.
///
/// # Guarantee
///
/// Let k be the capacity. After `n >= k` items, every set of k of them is the sample with the same
/// probability. So each item is in the sample with probability `k/n`, and each pair with probability
/// `k(k-1)/(n(n-1))`. This holds after every update and every tree of merges, whatever the sizes of
/// the parts. The sample holds all items of a shorter stream.
///
/// # Cost
///
/// A full sample draws `O(k log(n/k))` random numbers in all. An [`update`] with an item that is
/// skipped costs one subtraction and one comparison. [`extend_from_slice`], and iterators with a cheap
/// `nth`, do not visit the items skipped. A merge is `O(k)` and draws no random numbers.
///
/// Memory: at most `16 + size_of::<T>()` bytes per item held, rounded up to the alignment, and 112
/// bytes for the rest with the default generator. Memory grows with the items held, not with the
/// capacity.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. The way items are offered
/// ([`update`], `extend` or [`extend_from_slice`]) may change *which* sample is drawn, but not its
/// distribution. A reservoir that was serialised and restored (feature `serde`) continues as if it had
/// not been interrupted.
///
/// # Panics of items
///
/// If an iterator, `Clone` or `Drop` of an item, or the generator panics, the reservoir can be used on. What it
/// has [`seen`](Self::seen) are the items offered before and after, and of the call that panicked those up to
/// the panic or, for some slices, none. It is a sample of these.
///
/// # References
///
/// Ranks and merges: Cohen and Kaplan, *Tighter estimation using bottom-k sketches* (2008). Skips:
/// Li, *Reservoir-sampling algorithms of time complexity O(n(1+log(N/n)))* (1994).
///
/// # Examples
///
/// ```
/// use forebay::{Merge, sample::Reservoir};
///
/// let mut morning = Reservoir::with_seed(100, 1);
/// let mut evening = Reservoir::with_seed(100, 2);
/// morning.extend(0..10_000);
/// evening.extend(10_000..1_000_000);
/// morning.merge(evening);
/// assert_eq!((morning.len(), morning.seen()), (100, 1_000_000));
/// ```
///
/// [`update`]: Reservoir::update
/// [`extend_from_slice`]: Reservoir::extend_from_slice
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "State<T, R>",
        bound(deserialize = "T: serde::Deserialize<'de>, R: serde::Deserialize<'de>")
    )
)]
pub struct Reservoir<T, R = DefaultRng> {
    /// The number of items that `state` already counts as seen but that are still to come. They are
    /// skipped.
    left: u64,
    /// In a box, so that a skip touches no memory whose address is known elsewhere: in a loop of
    /// updates the compiler can then keep `left` in a register.
    state: Box<State<T, R>>,
}

/// The part of a [`Reservoir`] that is used only when an item is accepted.
#[derive(Clone)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize),
    serde(rename = "Reservoir")
)]
struct State<T, R> {
    /// Ranks are uniform on (0, 1).
    core: BottomK<UniformRank, T>,
    /// Items offered so far.
    seen: u64,
    /// The number of the next item to accept, or `u64::MAX` if none will be. `None` if it is not drawn:
    /// without a threshold, or because the threshold has moved.
    next: Option<u64>,
    rng: R,
}

impl<T, R> Reservoir<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self::of(State {
            core: BottomK::new(capacity),
            seen: 0,
            next: None,
            rng,
        })
    }

    fn of(state: State<T, R>) -> Self {
        let mut sample = Self {
            left: 0,
            state: Box::new(state),
        };
        sample.left = sample.state.pass_ahead();
        sample
    }

    /// Runs `act` with the true number of items seen. It may panic.
    fn with_state<A>(&mut self, act: impl FnOnce(&mut State<T, R>) -> A) -> A {
        struct Uncounted<'a, T, R>(&'a mut Reservoir<T, R>);
        impl<T, R> Drop for Uncounted<'_, T, R> {
            fn drop(&mut self) {
                self.0.left = self.0.state.pass_ahead();
            }
        }
        self.state.seen -= mem::take(&mut self.left);
        let sample = Uncounted(self);
        act(&mut sample.0.state)
    }

    /// Returns the number of items offered, at most `u64::MAX`; the items after that are not sampled.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.state.seen - self.left
    }

    /// Returns the probability that an item seen so far is in the sample: `min(1, k/n)`, and 1 if no
    /// item was seen.
    #[must_use]
    pub fn inclusion_probability(&self) -> f64 {
        if self.is_saturated() {
            self.len() as f64 / self.seen() as f64
        } else {
            1.0
        }
    }

    /// Lowers the capacity, if it is above `capacity`.
    pub(crate) fn limit(&mut self, capacity: usize) {
        if capacity < self.capacity() {
            self.with_state(|state| {
                state.next = None;
                state.core.limit(capacity);
            });
        }
    }

    /// Converts every item with `make`; the sample stays the same otherwise. O(k), draws no random
    /// numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::Reservoir;
    ///
    /// let mut lines = Reservoir::with_seed(3, 1);
    /// lines.extend(["ebb", "flow", "neap", "spring"]);
    /// let lengths: Reservoir<usize> = lines.map(str::len);
    /// assert_eq!((lengths.len(), lengths.seen()), (3, 4));
    /// ```
    #[must_use]
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Reservoir<U, R> {
        let state = *self.state;
        Reservoir {
            left: self.left,
            state: Box::new(State {
                core: state.core.map(make),
                seen: state.seen,
                next: state.next,
                rng: state.rng,
            }),
        }
    }

    /// Removes every item. The capacity and the state of the generator stay.
    pub fn clear(&mut self) {
        self.with_state(|state| {
            state.seen = 0;
            state.next = None;
            state.core.clear();
        });
    }
}

impl<T, R> State<T, R> {
    /// The number of items to skip before the next accepted one.
    fn wait(&self) -> u64 {
        match self.next {
            None => 0,
            Some(u64::MAX) => u64::MAX,
            Some(next) => next.saturating_sub(self.seen.saturating_add(1)),
        }
    }

    /// Counts the items to skip as seen, and returns their number.
    fn pass_ahead(&mut self) -> u64 {
        let wait = self.wait().min(u64::MAX - self.seen);
        self.seen += wait;
        wait
    }
}

impl<T, R: Rng> State<T, R> {
    /// Offers an item that is not skipped. Returns the number of items to skip after it.
    #[cold]
    #[inline(never)]
    fn update(&mut self, item: T) -> u64 {
        self.consider(|| item);
        self.pass_ahead()
    }

    /// Offers one item. If the next acceptance is still to be drawn and falls on a later item, this one is
    /// skipped.
    fn consider(&mut self, item: impl FnOnce() -> T) {
        let number = self.seen.saturating_add(1);
        if self.next.is_none() {
            // The threshold has moved. Ranks are independent, so a new skip is drawn.
            self.draw_next(number);
        }
        if self
            .next
            .is_some_and(|next| number < next || next == u64::MAX)
        {
            self.seen = number;
            return;
        }
        // The caller's code may panic before the next skip is drawn.
        self.next = None;
        let item = item();
        let bound = self.core.threshold().map_or(1.0, |UniformRank(rank)| rank);
        let rank = UniformRank(bound * open01(&mut self.rng));
        self.seen = number;
        let left_out = self.core.offer(rank, item);
        self.draw_next(number.saturating_add(1));
        drop(left_out);
    }

    /// Draws the number of the next item to accept, at least `earliest`, if there is a threshold.
    fn draw_next(&mut self, earliest: u64) {
        if let Some(UniformRank(threshold)) = self.core.threshold() {
            let skip = geometric(&mut self.rng, ln_miss(threshold));
            self.next = Some(earliest.saturating_add(skip));
        }
    }

    fn extend_from_slice(&mut self, items: &[T])
    where
        T: Clone,
    {
        if block::pays(&self.core, items.len()) {
            let sample = block::sample(items, &self.core, &mut self.rng);
            self.seen = self.seen.saturating_add(items.len() as u64);
            self.next = None;
            self.core.merge(sample);
        } else {
            self.extend_by(pass_counted(items.iter()), Clone::clone);
        }
    }

    /// Offers the items of a source; for `pass` see the module of that name.
    ///
    /// Accepted items are gathered, and the threshold is lowered only when there are as many of them
    /// as the sample holds. That accepts 1/ln 2 times as many items, each in O(1) instead of O(log k).
    fn extend_by<I>(
        &mut self,
        mut pass: impl FnMut(u64, &mut u64) -> Option<I>,
        make: impl Fn(I) -> T,
    ) {
        let mut gathered = Gathered {
            state: self,
            accepted: Vec::new(),
            ln_miss: 0.0,
        };
        while let Some(item) = pass(gathered.state.wait(), &mut gathered.state.seen) {
            gathered.accept(|| make(item));
        }
    }
}

/// Accepted items that are not in the sample yet. They come in when this is dropped, also if the source of
/// items has panicked.
struct Gathered<'a, T, R> {
    state: &'a mut State<T, R>,
    accepted: Vec<Entry<UniformRank, T>>,
    /// [`ln_miss`] of the threshold, if items have been accepted.
    ln_miss: f64,
}

impl<T, R: Rng> Gathered<'_, T, R> {
    /// Takes the item for which the sample waits, or offers it if there was nothing to wait for.
    fn accept(&mut self, item: impl FnOnce() -> T) {
        let state = &mut *self.state;
        let Some(UniformRank(threshold)) = state.core.threshold().filter(|_| state.next.is_some())
        else {
            return state.consider(item);
        };
        state.next = None;
        let item = item();
        let rank = UniformRank(threshold * open01(&mut state.rng));
        state.seen = state.seen.saturating_add(1);
        if self.accepted.is_empty() {
            self.ln_miss = ln_miss(threshold);
        }
        self.accepted.push(Entry { rank, item });
        if self.accepted.len() < state.core.capacity().max(FEWEST_GATHERED) {
            let skip = geometric(&mut state.rng, self.ln_miss);
            state.next = Some(state.seen.saturating_add(1).saturating_add(skip));
        } else {
            state.core.absorb(&mut self.accepted);
            state.draw_next(state.seen.saturating_add(1));
        }
    }
}

impl<T, R> Drop for Gathered<'_, T, R> {
    fn drop(&mut self) {
        if !self.accepted.is_empty() {
            self.state.next = None;
            self.state.core.absorb(&mut self.accepted);
        }
    }
}

impl<T, R: Rng> Reservoir<T, R> {
    /// Offers one item. Amortised O(1); O(log k) when it is accepted.
    #[inline]
    pub fn update(&mut self, item: T) {
        if self.left > 0 {
            self.left -= 1;
        } else {
            self.left = self.state.update(item);
        }
    }

    /// Offers all items of a slice. Clones only the items kept.
    ///
    /// O(1 + items accepted), whatever the length of the slice. A slice much longer than the stream
    /// before it takes about k random numbers, by a separate method (see *Slices* in DESIGN.md). Needs
    /// temporary memory for another k items.
    pub fn extend_from_slice(&mut self, items: &[T])
    where
        T: Clone,
    {
        self.with_state(|state| state.extend_from_slice(items));
    }
}

impl<T, R: Rng> Extend<T> for Reservoir<T, R> {
    /// Offers all items of an iterator. An iterator with an exact `size_hint` is advanced with
    /// [`Iterator::nth`], which is cheap for many iterators.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let items = items.into_iter();
        let (least, most) = items.size_hint();
        if most == Some(least) {
            self.with_state(|state| state.extend_by(pass_counted(items), |item| item));
        } else {
            self.with_state(|state| state.extend_by(pass_each(items), |item| item));
        }
    }
}

impl<'a, T: Copy + 'a, R: Rng> Extend<&'a T> for Reservoir<T, R> {
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, items: I) {
        self.extend(items.into_iter().copied());
    }
}

impl<T, R> Merge for Reservoir<T, R> {
    /// Keeps the items of smallest rank of both sides, so any tree of merges over the same parts gives
    /// the same items. O(k), draws no random numbers.
    ///
    /// The new capacity is the smallest capacity of the sides that were offered items. `self` keeps its
    /// generator.
    fn merge(&mut self, other: Self) {
        let seen = other.seen();
        self.with_state(|state| {
            state.seen = state.seen.saturating_add(seen);
            state.next = None;
            state.core.merge(other.state.core);
        });
    }
}

impl<T, R: Rng> Summary for Reservoir<T, R> {
    type Item = T;

    fn update(&mut self, item: T) {
        Self::update(self, item);
    }
}

#[cfg(feature = "serde")]
impl<T, R> TryFrom<State<T, R>> for Reservoir<T, R> {
    type Error = &'static str;

    fn try_from(state: State<T, R>) -> Result<Self, Self::Error> {
        let (seen, next, held) = (state.seen, state.next, state.core.len() as u64);
        if state.core.threshold().is_some() {
            if seen <= held {
                return Err("a saturated reservoir has not seen more than it holds");
            }
            if next.is_some_and(|next| next <= seen && next != u64::MAX) {
                return Err("the next item to accept was already seen");
            }
        } else if seen != held || next.is_some() {
            return Err("a reservoir without a threshold does not hold all it has seen");
        }
        Ok(Self::of(state))
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize, R: serde::Serialize> serde::Serialize for Reservoir<T, R> {
    /// Stores the fields of `State`, with the true count of the items seen.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let state = &self.state;
        let mut fields = to.serialize_struct("Reservoir", 4)?;
        fields.serialize_field("core", &state.core)?;
        fields.serialize_field("seen", &self.seen())?;
        fields.serialize_field("next", &state.next)?;
        fields.serialize_field("rng", &state.rng)?;
        fields.end()
    }
}

constructors!(Reservoir);
bottom_k_api!(Reservoir, state.core);
