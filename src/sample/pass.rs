//! Passing over the items of a source that a sampler does not want to look at.
//!
//! `pass(wait)` passes over `wait` items and gives the one after them, or how many there were if
//! that is too few.

use core::ops::ControlFlow;

/// Passes over the items of an iterator that knows its length with [`Iterator::nth`]; what it
/// yields is made into an item only when it is asked for.
pub(crate) fn pass_counted<I: Iterator, T>(
    mut items: I,
    make: impl Fn(I::Item) -> T,
) -> impl FnMut(u64) -> Result<T, u64> {
    move |wait| {
        let left = items.size_hint().0;
        let skip = usize::try_from(wait).unwrap_or(usize::MAX).min(left);
        items.nth(skip).map(&make).ok_or(skip as u64)
    }
}

/// Passes over the items of any iterator one by one, counting them.
pub(crate) fn pass_each<T>(
    mut items: impl Iterator<Item = T>,
) -> impl FnMut(u64) -> Result<T, u64> {
    move |wait| {
        let mut left = wait;
        let found = items.try_for_each(|item| {
            if left == 0 {
                return ControlFlow::Break(item);
            }
            left -= 1;
            ControlFlow::Continue(())
        });
        match found {
            ControlFlow::Break(item) => Ok(item),
            ControlFlow::Continue(()) => Err(wait - left),
        }
    }
}
