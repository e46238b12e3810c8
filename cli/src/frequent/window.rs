//! Summaries of the last spans of time.

use std::collections::VecDeque;

use forebay::Merge;
use serde::{Deserialize, Serialize};

use super::sums::{Sums, merged};
use crate::error::Error;

/// The summaries of the last spans of time (panes), or one summary of all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Window<S> {
    /// Oldest first; at most `length`, and at most one if there is no length.
    panes: VecDeque<S>,
    /// In panes; `None` if the window holds everything.
    length: Option<usize>,
}

impl<S: Merge + Clone> Window<S> {
    pub(crate) const fn new(length: Option<usize>) -> Self {
        Self {
            panes: VecDeque::new(),
            length,
        }
    }

    /// Adds the summary of the latest span; removes the oldest if the window is full.
    pub(crate) fn push(&mut self, pane: S) {
        match (self.length, self.panes.back_mut()) {
            (None, Some(all)) => all.merge(pane),
            _ => self.panes.push_back(pane),
        }
        if self.length.is_some_and(|length| self.panes.len() > length) {
            self.panes.pop_front();
        }
    }

    /// One summary of the whole window; `None` before the first pane.
    ///
    /// # Errors
    ///
    /// If its total is too large.
    pub(crate) fn merged(&self) -> Result<Option<S>, Error>
    where
        S: Sums,
    {
        merged(self.panes.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay::frequent::MisraGries;

    fn total(length: Option<usize>, panes: usize) -> Option<u64> {
        let mut window = Window::new(length);
        for _ in 0..panes {
            let mut pane = MisraGries::new(8);
            pane.extend(["ebb", "flow"]);
            window.push(pane);
        }
        window
            .merged()
            .expect("the total is small")
            .map(|summary: MisraGries<&str>| summary.total_weight())
    }

    #[test]
    fn a_window_holds_the_last_panes_and_without_a_length_everything() {
        assert_eq!(total(None, 0), None);
        assert_eq!(total(None, 5), Some(10));
        assert_eq!(total(Some(3), 2), Some(4));
        assert_eq!(total(Some(3), 5), Some(6));
    }
}
