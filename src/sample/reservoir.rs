//! `Reservoir`: a uniform sample without replacement.

mod estimates;
mod part_estimates;
#[cfg(feature = "datasketches")]
mod unranked;

use alloc::boxed::Box;
use alloc::vec::Vec;

use rand::Rng;

use super::api::{bottom_k_api, constructors};
use super::block;
use super::bottom_k::{BottomK, Entry, FEWEST_GATHERED};
use super::pass::{pass_counted, pass_each};
use super::rank::UniformRank;
use super::skip::{geometric, ln_miss};
use crate::random::{DefaultRng, open01};
use crate::{Merge, Summary};

/// A uniform random sample of `capacity` items of a stream of any length, without replacement.
///
/// # Guarantee
///
/// After `n` items every one of them is in the sample with probability exactly `min(1, k/n)`, and
/// every set of k of them is equally likely to be the sample; so a pair is with probability
/// `k(k-1)/(n(n-1))`. This holds after every update and after every tree of merges, whatever the
/// sizes of the parts. A stream of at most k items is kept whole.
///
/// With `n` items seen, the next one is number `n+1` and enters with probability `k/(n+1)`.
///
/// # Cost
///
/// Once the sample is full it draws `O(k log(n/k))` random numbers in all; an [`update`] that is
/// passed over costs one addition and one comparison, and [`extend_from_slice`] and iterators with a
/// cheap `nth` do not even look at the items passed over. A merge is `O(k)` and draws nothing.
/// Memory: `16 + size_of::<T>()` rounded up to alignment at most for each item held, 112 bytes for
/// the rest (with the default generator); memory grows with the items held, not with the capacity.
///
/// # Determinism
///
/// The same seed and the same calls give the same sample on every platform. Which way items are
/// offered ([`update`], `extend` or [`extend_from_slice`]) may change *which* sample is drawn, not
/// its law. Serialised and restored (feature `serde`), a reservoir goes on as if it had not been
/// interrupted.
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
    /// How many of the items that `state` counts as seen have yet to come: they will be passed over.
    left: u64,
    /// In a box, so that passing over an item touches nothing whose address is known elsewhere: in
    /// a loop of updates the compiler can then keep `left` in a register.
    state: Box<State<T, R>>,
}

/// What a [`Reservoir`] looks at only when an item's turn has come.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
struct State<T, R> {
    /// Ranks are uniform on (0, 1).
    core: BottomK<UniformRank, T>,
    /// Items offered so far.
    seen: u64,
    /// While there is a threshold: the number of the item that is accepted next, or 0 if that has
    /// yet to be drawn (a merge moved the threshold). Without a threshold: 0.
    next: u64,
    rng: R,
}

impl<T, R> Reservoir<T, R> {
    fn empty(capacity: usize, rng: R) -> Self {
        Self::of(State {
            core: BottomK::new(capacity),
            seen: 0,
            next: 0,
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

    /// Does what has to be done with a true count of the items seen.
    fn with_state<A>(&mut self, act: impl FnOnce(&mut State<T, R>) -> A) -> A {
        self.state.seen -= core::mem::take(&mut self.left);
        let answer = act(&mut self.state);
        self.left = self.state.pass_ahead();
        answer
    }

    /// Whether nothing was ever offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen() == 0
    }

    /// The number of items offered.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.state.seen - self.left
    }

    /// The probability with which each item seen so far is in the sample: `min(1, k/n)`, and 1 if
    /// nothing was seen.
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
                state.core.limit(capacity);
                state.next = 0;
            });
        }
    }

    /// The same sample with every item replaced by what `make` makes of it. O(k); draws nothing.
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

    /// Forgets every item; capacity and generator stay.
    pub fn clear(&mut self) {
        self.with_state(|state| {
            state.core.clear();
            state.seen = 0;
            state.next = 0;
        });
    }
}

impl<T, R> State<T, R> {
    /// How many items will be passed over before one is looked at.
    fn wait(&self) -> u64 {
        self.next.saturating_sub(self.seen.saturating_add(1))
    }

    /// Counts the items that will be passed over as seen, and says how many that are.
    fn pass_ahead(&mut self) -> u64 {
        let wait = self.wait();
        self.seen += wait;
        wait
    }
}

impl<T, R: Rng> State<T, R> {
    /// Offers an item that is not to be passed over; how many after it are.
    #[cold]
    #[inline(never)]
    fn update(&mut self, item: T) -> u64 {
        self.seen = self.seen.saturating_add(1);
        self.consider(item);
        self.pass_ahead()
    }

    /// Offers the item numbered `seen`, unless its turn turns out to be later.
    fn consider(&mut self, item: T) {
        if self.next == 0 && self.core.threshold().is_some() {
            // A merge moved the threshold. Ranks are independent, so the wait starts afresh.
            self.draw_next(self.seen);
            if self.seen < self.next {
                return;
            }
        }
        let bound = self.core.threshold().map_or(1.0, |UniformRank(rank)| rank);
        let rank = UniformRank(bound * open01(&mut self.rng));
        self.core.offer(rank, item);
        self.draw_next(self.seen.saturating_add(1));
    }

    /// Draws the number of the next item to accept, `earliest` being the first that can be.
    fn draw_next(&mut self, earliest: u64) {
        if let Some(UniformRank(threshold)) = self.core.threshold() {
            let skip = geometric(&mut self.rng, ln_miss(threshold));
            self.next = earliest.saturating_add(skip);
        }
    }

    fn extend_from_slice(&mut self, items: &[T])
    where
        T: Clone,
    {
        if block::pays(&self.core, items.len()) {
            let sample = block::sample(items, &self.core, &mut self.rng);
            self.core.merge(sample);
            self.seen = self.seen.saturating_add(items.len() as u64);
            self.next = 0;
        } else {
            self.extend_by(pass_counted(items.iter(), Clone::clone));
        }
    }

    /// Offers the items of a source. `pass(wait)` passes over `wait` items and gives the one after
    /// them, or how many there were if that is too few.
    ///
    /// Items accepted are gathered under a threshold that is lowered only once there are as many
    /// of them as the sample holds. That accepts 1/ln 2 times as many items, each for O(1) instead of
    /// O(log k).
    fn extend_by(&mut self, mut pass: impl FnMut(u64) -> Result<T, u64>) {
        let mut accepted = Vec::new();
        let mut miss = f64::NAN;
        loop {
            let wait = self.wait();
            let item = match pass(wait) {
                Ok(item) => item,
                Err(passed) => {
                    self.seen = self.seen.saturating_add(passed);
                    break;
                }
            };
            self.seen = self.seen.saturating_add(wait);
            let Some(UniformRank(threshold)) = self.core.threshold().filter(|_| self.next != 0)
            else {
                self.seen = self.seen.saturating_add(1);
                self.consider(item);
                continue;
            };
            self.seen = self.seen.saturating_add(1);
            if accepted.is_empty() {
                miss = ln_miss(threshold);
            }
            let rank = UniformRank(threshold * open01(&mut self.rng));
            accepted.push(Entry { rank, item });
            if accepted.len() < self.core.capacity().max(FEWEST_GATHERED) {
                self.next = self
                    .seen
                    .saturating_add(1)
                    .saturating_add(geometric(&mut self.rng, miss));
            } else {
                self.core.absorb(&mut accepted);
                self.draw_next(self.seen.saturating_add(1));
            }
        }
        if !accepted.is_empty() {
            self.core.absorb(&mut accepted);
            self.next = 0;
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

    /// Offers all items of a slice, cloning only those that are kept.
    ///
    /// O(1 + items accepted), whatever the length of the slice: about k random numbers where the
    /// slice is long against what was seen before, by a method of its own (see *Slices* in
    /// DESIGN.md). Needs temporary memory for another k items.
    pub fn extend_from_slice(&mut self, items: &[T])
    where
        T: Clone,
    {
        self.with_state(|state| state.extend_from_slice(items));
    }
}

impl<T, R: Rng> Extend<T> for Reservoir<T, R> {
    /// Offers all items of an iterator. One whose `size_hint` is exact is advanced with
    /// [`Iterator::nth`], which many iterators make cheap.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        let items = items.into_iter();
        let (least, most) = items.size_hint();
        if most == Some(least) {
            self.with_state(|state| state.extend_by(pass_counted(items, |item| item)));
        } else {
            self.with_state(|state| state.extend_by(pass_each(items)));
        }
    }
}

impl<'a, T: Copy + 'a, R: Rng> Extend<&'a T> for Reservoir<T, R> {
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, items: I) {
        self.extend(items.into_iter().copied());
    }
}

impl<T, R> Merge for Reservoir<T, R> {
    /// Keeps the items of smallest rank of both sides, exactly: any tree of merges over the same
    /// parts gives the same items. O(k); draws nothing.
    ///
    /// The capacity becomes the smaller one of the sides that were offered anything. `self` keeps
    /// its own generator for the items to come.
    fn merge(&mut self, other: Self) {
        let seen = other.seen();
        self.with_state(|state| {
            state.core.merge(other.state.core);
            state.seen = state.seen.saturating_add(seen);
            state.next = 0;
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
            if next != 0 && next <= seen {
                return Err("the next item to accept has passed");
            }
        } else if seen != held || next != 0 {
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
