//! Skipping the items of a source that a sampler does not need.
//!
//! `pass(wait)` skips `wait` items and returns the next one, or the number of items skipped if the
//! source ended before it.

use core::ops::ControlFlow;

/// Skips with [`Iterator::nth`] on an iterator with an exact length. `make` is called only for the
/// items returned.
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

/// Skips items of any iterator one by one and counts them.
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
