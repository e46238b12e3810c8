//! What became of the items that were sent.

use std::collections::VecDeque;
use std::ops::Range;

/// How many ranges of items left out are kept apart.
const MOST: usize = 1 << 10;

/// What became of items, which are numbered in the order of sending and settled in that order.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// It is known of so many items.
    items: u64,
    /// Those among them whose batch was left out; in order, with gaps between. Beyond [`MOST`] the
    /// two oldest become one with all that is between them: an item is never called safe by that.
    left_out: VecDeque<Range<u64>>,
}

impl Settled {
    /// The items before `end` are safe, unless it is known what became of them.
    pub(super) fn secure(&mut self, end: u64) {
        self.items = self.items.max(end);
    }

    /// The batch of the items before `end` was left out, unless it is known what became of them.
    pub(super) fn leave_out(&mut self, end: u64) {
        if end <= self.items {
            return;
        }
        match self.left_out.back_mut() {
            Some(last) if last.end == self.items => last.end = end,
            _ => self.left_out.push_back(self.items..end),
        }
        self.items = end;
        if self.left_out.len() > MOST
            && let Some(oldest) = self.left_out.pop_front()
        {
            self.left_out[0].start = oldest.start;
        }
    }

    /// Whether it is known of all items before `end`.
    pub(super) fn is_known(&self, end: u64) -> bool {
        self.items >= end
    }

    /// Whether an item of the range was left out.
    pub(super) fn has_left_out(&self, items: &Range<u64>) -> bool {
        let later = self.left_out.iter().rev();
        let mut later = later.take_while(|left_out| left_out.end > items.start);
        !items.is_empty() && later.any(|left_out| left_out.start < items.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_with_items_left_out_say_so() {
        let mut settled = Settled::default();
        settled.secure(3);
        settled.leave_out(5);
        settled.leave_out(7);
        settled.secure(9);
        // What was safe before its batch ran stays so.
        settled.leave_out(9);
        assert!(settled.is_known(9) && !settled.is_known(10));
        assert_eq!(settled.left_out.len(), 1);
        assert_eq!(settled.left_out[0], 3..7);
        for (items, left_out) in [
            (0..3, false),
            (2..4, true),
            (6..9, true),
            (7..9, false),
            (4..4, false),
        ] {
            assert_eq!(settled.has_left_out(&items), left_out, "{items:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_nothing_left_out_is_forgotten() {
        let mut settled = Settled::default();
        let end = 10 * MOST as u64;
        for item in 0..end {
            match item % 2 {
                0 => settled.secure(item + 1),
                _ => settled.leave_out(item + 1),
            }
        }
        assert_eq!(settled.left_out.len(), MOST);
        assert!(
            (1..end)
                .step_by(2)
                .all(|item| settled.has_left_out(&(item..item + 1)))
        );
        assert!(!settled.has_left_out(&(end - 2..end - 1)));
    }
}
