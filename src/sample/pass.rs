//! Skipping the items of a source that a sampler does not need.
//!
//! `pass(wait, seen)` skips `wait` items, adds their number to `seen` and returns the next item; `None` if the
//! source ended before it. If the source panics, the items before that are counted: how far it came depends on
//! the source alone, and not on what the sampler waited for.

use core::ops::ControlFlow;

/// Skips with [`Iterator::nth`] on an iterator with an exact length.
pub(crate) fn pass_counted<I: Iterator>(
    mut items: I,
) -> impl FnMut(u64, &mut u64) -> Option<I::Item> {
    move |wait, seen| {
        let left = items.size_hint().0;
        let skip = usize::try_from(wait).unwrap_or(usize::MAX).min(left);
        let mut jump = Jump {
            items: &mut items,
            left,
            seen,
            passed: None,
        };
        let item = jump.items.nth(skip);
        jump.passed = Some(skip);
        item
    }
}

/// A call of `nth`, whose skipped items are counted when it is dropped.
struct Jump<'a, I: Iterator> {
    items: &'a mut I,
    /// The length before the call.
    left: usize,
    seen: &'a mut u64,
    /// The number of items skipped; `None` if the call panicked.
    passed: Option<usize>,
}

impl<I: Iterator> Drop for Jump<'_, I> {
    fn drop(&mut self) {
        // The last item that a panicking iterator took did not come out.
        let taken = || self.left.saturating_sub(self.items.size_hint().0);
        let passed = self.passed.unwrap_or_else(|| taken().saturating_sub(1));
        *self.seen = self.seen.saturating_add(passed as u64);
    }
}

/// Skips items of any iterator one by one and counts them.
pub(crate) fn pass_each<T>(
    mut items: impl Iterator<Item = T>,
) -> impl FnMut(u64, &mut u64) -> Option<T> {
    move |wait, seen| {
        let mut walk = Walk {
            wait,
            left: wait,
            seen,
        };
        let found = items.try_for_each(|item| {
            if walk.left == 0 {
                return ControlFlow::Break(item);
            }
            walk.left -= 1;
            ControlFlow::Continue(())
        });
        match found {
            ControlFlow::Break(item) => Some(item),
            ControlFlow::Continue(()) => None,
        }
    }
}

/// Skips one by one, counted when this is dropped.
struct Walk<'a> {
    wait: u64,
    left: u64,
    seen: &'a mut u64,
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        *self.seen = self.seen.saturating_add(self.wait - self.left);
    }
}
