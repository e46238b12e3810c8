//! The summary of a window. Summaries can be merged but not taken apart, so a window keeps partial
//! merges in two stacks.

use std::sync::Arc;
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::op::stack::Stack;
use crate::stream::state::codec::{Codec, time as time_codec};
use crate::stream::time::BatchTime;
use crate::summary::Merge;

/// A queue of summaries that returns the merge of all of them.
///
/// The older half is a stack of running merges, each of one summary and all that are younger than
/// it in that half, the oldest on top; the younger half is kept as it came, with its merge beside
/// it. The oldest leaves by a pop; when the older half is used up, the younger becomes the older
/// one, at one merge for each. So each summary is merged at most twice, and an answer costs one
/// merge more (Tangwongsan, Hirzel and Schneider 2015, two-stacks).
///
/// A copy shares all summaries: it costs the same whatever the window. While there is one, a change
/// copies the merge of the younger half, and a summary when it is merged into the older half.
#[derive(Clone)]
pub(crate) struct TwoStacks<S> {
    /// Merges of a suffix of the older half; the one that spans all of it is on top.
    older: Stack<(BatchTime, S)>,
    /// The younger half, the youngest on top.
    younger: Stack<(BatchTime, S)>,
    /// The merge of the younger half; `None` if that is empty.
    merged: Option<Arc<S>>,
}

impl<S: Merge + Clone> TwoStacks<S> {
    pub(crate) fn new() -> Self {
        Self {
            older: Stack::new(),
            younger: Stack::new(),
            merged: None,
        }
    }

    pub(crate) fn push(&mut self, time: BatchTime, summary: S) {
        match &mut self.merged {
            Some(merged) => Arc::make_mut(merged).merge(summary.clone()),
            none => *none = Some(Arc::new(summary.clone())),
        }
        self.younger.push((time, summary));
    }

    /// Drops what is not younger than `oldest`.
    pub(crate) fn evict(&mut self, oldest: BatchTime) {
        loop {
            if self.older.is_empty() {
                self.flip();
            }
            match self.older.peek() {
                Some((time, _)) if *time <= oldest => self.older.remove(),
                _ => return,
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.older.is_empty() && self.younger.is_empty()
    }

    fn flip(&mut self) {
        self.merged = None;
        while let Some((time, mut summary)) = self.younger.pop() {
            if let Some((_, younger)) = self.older.peek() {
                summary.merge(younger.clone());
            }
            self.older.push((time, summary));
        }
    }

    /// The merge of all, the older first.
    pub(crate) fn query(&self) -> Option<S> {
        let older = self.older.peek().map(|(_, summary)| summary);
        S::merge_all(older.into_iter().chain(self.merged.as_deref()).cloned())
    }
}

impl<S: Data> TwoStacks<S> {
    /// Both stacks as they are: what was merged is not merged again.
    pub(crate) fn codec(summary: &Codec<S>) -> Codec<Self> {
        let (one, other) = (summary.clone(), summary.clone());
        let (put_row, take_row) = (time_codec().and(summary), time_codec().and(summary));
        Codec::new(
            std::format!("window of {}", summary.name()),
            move |stacks: &Self, out| {
                for stack in [&stacks.older, &stacks.younger] {
                    let rows = Vec::from_iter(stack.iter());
                    put_row.put_all(rows.into_iter().rev(), out)?;
                }
                one.put_all(Vec::from_iter(stacks.merged.as_deref()).into_iter(), out)
            },
            move |bytes| {
                Ok(Self {
                    older: take_row.take_all(bytes)?.into_iter().collect(),
                    younger: take_row.take_all(bytes)?.into_iter().collect(),
                    merged: other.take_all(bytes)?.pop().map(Arc::new),
                })
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::vec;

    use super::*;

    std::thread_local! {
        static MERGES: Cell<usize> = const { Cell::new(0) };
        static COPIES: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Debug, PartialEq)]
    struct Items(Vec<u64>);

    impl Clone for Items {
        fn clone(&self) -> Self {
            COPIES.set(COPIES.get() + 1);
            Self(self.0.clone())
        }
    }

    impl Merge for Items {
        fn merge(&mut self, other: Self) {
            MERGES.set(MERGES.get() + 1);
            self.0.extend(other.0);
        }
    }

    #[test]
    fn the_merge_is_that_of_the_window_in_order_at_three_merges_a_step() {
        for window in [1, 2, 7, 60] {
            MERGES.set(0);
            let mut stacks = TwoStacks::new();
            let steps = 1_000;
            for now in 1..=steps {
                stacks.push(BatchTime::from_millis(now), Items(vec![now]));
                stacks.evict(BatchTime::from_millis(now.saturating_sub(window)));
                let first = now.saturating_sub(window) + 1;
                assert_eq!(stacks.query(), Some(Items((first..=now).collect())));
            }
            assert!(MERGES.get() as u64 <= 3 * steps, "{}", MERGES.get());
        }
    }

    #[test]
    fn gaps_longer_than_the_window_empty_it() {
        let mut stacks = TwoStacks::new();
        stacks.push(BatchTime::from_millis(1), Items(vec![1]));
        stacks.push(BatchTime::from_millis(2), Items(vec![2]));
        stacks.evict(BatchTime::from_millis(5));
        assert_eq!(stacks.query(), None);
    }

    #[test]
    fn a_copy_stays_what_it_was_and_costs_no_copy_of_a_window() {
        for window in [1, 7, 60, 600] {
            let steps = 4 * window;
            let of = |now: u64| Items((now.saturating_sub(window) + 1..=now).collect());
            let copies = |saves: bool| {
                COPIES.set(0);
                let (mut stacks, mut saved) = (TwoStacks::new(), None);
                for now in 1..=steps {
                    if saves {
                        saved = Some((now - 1, stacks.clone()));
                    }
                    stacks.push(BatchTime::from_millis(now), Items(vec![now]));
                    stacks.evict(BatchTime::from_millis(now.saturating_sub(window)));
                    if let Some((before, saved)) = &saved
                        && before % 5 == 4
                    {
                        let copies = COPIES.get();
                        assert_eq!(saved.query(), Some(of(*before)));
                        COPIES.set(copies);
                    }
                }
                COPIES.get() as u64
            };
            let (without, with) = (copies(false), copies(true));
            assert!(with <= without + 2 * steps, "{window}: {without}, {with}");
        }
    }
}
