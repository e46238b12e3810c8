//! The two traits that every summary implements, and their laws.

/// A summary that can absorb another summary of a *disjoint* stream.
///
/// # Laws
///
/// Every implementation in this crate is tested for these laws, and the driver relies on them:
///
/// 1. **Identity.** `new.merge(x)` and `x.merge(new)` answer every query as `x` does, for a `new`
///    summary to which nothing was ever offered.
/// 2. **Guarantee.** A merged summary has the guarantee of one summary that saw both streams,
///    whatever the order, grouping and sizes of the merges.
/// 3. **Totality.** Merging never fails, also for summaries with different capacities. The result
///    has the smallest capacity of the sides that matter, which keeps the merge associative and
///    commutative. A side matters if it was offered anything of positive weight; items without a
///    weight have weight one.
///
/// One type breaks the third law: a [`DecayingReservoir`](crate::sample::DecayingReservoir) panics if
/// both sides hold items and their half-lives differ, because then no sample has the guarantee of both.
///
/// A merge may also panic because code of the caller does: `Hash`, `Eq` or `Drop` of an item, or the
/// generator. The docs of each type say what holds afterwards.
///
/// A merge draws no random numbers unless the type says so. If it does, they come from the generator
/// of `self`, so the same merges in the same order give the same result.
///
/// Samplers with the *same seed* have correlated samples, and so have a sampler and its clone. Give
/// each partition its own generator (see [`random::JobSeed`](crate::random::JobSeed)).
///
/// # Examples
///
/// ```
/// use forebay::{Merge, frequent::MisraGries};
///
/// let mut left: MisraGries<&str> = MisraGries::new(8);
/// let mut right = MisraGries::new(8);
/// left.update("ebb");
/// right.update("ebb");
/// left.merge(right);
/// assert_eq!(left.estimate("ebb").lower, 2);
/// ```
pub trait Merge: Sized {
    /// Merges `other` into this summary.
    fn merge(&mut self, other: Self);

    /// Merges many summaries at once. Returns `None` if there are none.
    ///
    /// The default folds from the left. A type with a cheaper many-way merge overrides it; the laws
    /// hold for the override too.
    fn merge_all<I: IntoIterator<Item = Self>>(summaries: I) -> Option<Self> {
        summaries.into_iter().reduce(|mut merged, next| {
            merged.merge(next);
            merged
        })
    }
}

/// A structure of bounded size that is updated one item at a time and answers questions about all of
/// them.
///
/// The driver uses summaries only through this trait and [`Merge`]. Implement both for your own type,
/// and `summarize`, `summarize_by_key` and windows work with it.
///
/// # Examples
///
/// ```
/// use forebay::{Merge, Summary};
///
/// /// The largest item so far.
/// #[derive(Default)]
/// struct Max(Option<u64>);
///
/// impl Merge for Max {
///     fn merge(&mut self, other: Self) {
///         self.0 = self.0.max(other.0);
///     }
/// }
///
/// impl Summary for Max {
///     type Item = u64;
///     fn update(&mut self, item: u64) {
///         self.0 = self.0.max(Some(item));
///     }
/// }
///
/// let mut max = Max::default();
/// max.update(3);
/// max.merge(Max(Some(7)));
/// assert_eq!(max.0, Some(7));
/// ```
pub trait Summary: Merge {
    /// The type of the items.
    type Item;

    /// Offers one item.
    fn update(&mut self, item: Self::Item);
}

/// Merges many summaries into one. Returns `None` if there are none.
///
/// # Examples
///
/// ```
/// use forebay::{frequent::MisraGries, merge_all};
///
/// let parts = ["ab", "a", "ca"].map(|text| {
///     let mut part = MisraGries::<char>::new(4);
///     part.extend(text.chars());
///     part
/// });
/// let all = merge_all(parts).expect("three parts");
/// assert_eq!(all.estimate(&'a').lower, 3);
/// ```
pub fn merge_all<S: Merge>(summaries: impl IntoIterator<Item = S>) -> Option<S> {
    S::merge_all(summaries)
}
