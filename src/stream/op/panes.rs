//! The batches of a window.

use std::collections::VecDeque;
use std::mem;
use std::vec::Vec;

use crate::stream::time::BatchTime;

/// What is kept of each batch of a window, oldest first.
///
/// What has changed since the state was saved is noted, so that saving costs what a batch changes,
/// not what the window holds.
#[derive(Clone)]
pub(crate) struct Panes<T> {
    panes: VecDeque<(BatchTime, T)>,
    changes: Changes<T>,
}

#[derive(Clone)]
enum Changes<T> {
    /// Nobody goes back.
    Unnoted,
    Noted {
        /// How many panes have come.
        came: usize,
        /// Those that have gone, oldest first.
        gone: Vec<(BatchTime, T)>,
    },
}

impl<T> Panes<T> {
    pub(crate) const fn new() -> Self {
        Self {
            panes: VecDeque::new(),
            changes: Changes::Unnoted,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.panes.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &(BatchTime, T)> {
        self.panes.iter()
    }

    /// Adds what is kept of the youngest batch.
    pub(crate) fn push(&mut self, time: BatchTime, pane: T) {
        self.panes.push_back((time, pane));
        if let Changes::Noted { came, .. } = &mut self.changes {
            *came += 1;
        }
    }

    /// Removes the batches that are not younger than `oldest` and returns them, oldest first.
    pub(crate) fn leave(&mut self, oldest: BatchTime) -> Vec<T>
    where
        T: Clone,
    {
        let leaving = self.panes.iter().take_while(|(time, _)| *time <= oldest);
        let leaving = leaving.count();
        let mut left = Vec::with_capacity(leaving);
        for (time, pane) in self.panes.drain(..leaving) {
            if let Changes::Noted { gone, .. } = &mut self.changes {
                gone.push((time, pane.clone()));
            }
            left.push(pane);
        }
        left
    }

    /// Keeps everything as it is, for [`roll_back`](Self::roll_back).
    pub(crate) fn save(&mut self) {
        self.changes = Changes::Noted {
            came: 0,
            gone: Vec::new(),
        };
    }

    /// Goes back to what was last saved.
    pub(crate) fn roll_back(&mut self) {
        if let Changes::Noted { came, gone } = mem::replace(&mut self.changes, Changes::Unnoted) {
            self.panes.truncate(self.panes.len() - came);
            for pane in gone.into_iter().rev() {
                self.panes.push_front(pane);
            }
        }
    }
}

impl<T> FromIterator<(BatchTime, T)> for Panes<T> {
    fn from_iter<I: IntoIterator<Item = (BatchTime, T)>>(panes: I) -> Self {
        Self {
            panes: panes.into_iter().collect(),
            changes: Changes::Unnoted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_batch_has_changed_is_taken_back() {
        let at = BatchTime::from_millis;
        let times = |panes: &Panes<u64>| -> Vec<u64> {
            let panes = panes.iter();
            panes
                .inspect(|(time, pane)| assert_eq!(time.as_millis(), *pane))
                .map(|(_, pane)| *pane)
                .collect()
        };
        let mut panes = Panes::new();
        for now in 1..=40u64 {
            let before = times(&panes);
            for attempt in 0..3 {
                panes.save();
                let oldest = (now + attempt).saturating_sub(7);
                let left = panes.leave(at(oldest));
                assert!(left.iter().all(|pane| *pane <= oldest));
                panes.push(at(now), now);
                assert_eq!(times(&panes).len() + left.len(), before.len() + 1);
                panes.roll_back();
                assert_eq!(times(&panes), before);
            }
            panes.save();
            panes.leave(at(now.saturating_sub(7)));
            panes.push(at(now), now);
        }
        assert_eq!(times(&panes), (34..=40).collect::<Vec<_>>());
    }
}
