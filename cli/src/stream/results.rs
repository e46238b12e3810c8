//! What the outputs of the stream have seen so far.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{Batch, BatchTime, BoxError, Data};
use forebay::{Merge, Summary, merge_all};

use crate::stream::record::{PlacedLine, Text};

/// The results up to the last batch.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) batches: u64,
    pub(crate) lines: u64,
    /// Every item with its count.
    pub(crate) counts: Vec<(Text, u64)>,
    /// Every item with a sample of its lines.
    pub(crate) samples: Vec<(Text, SharedSample)>,
    /// Summaries of the batches in the window, oldest first; without a window, one of them all.
    panes: VecDeque<MisraGries<Text>>,
}

impl Found {
    /// Enters the summary of a batch, in a window of so many batches, if there is one.
    pub(crate) fn add_pane(&mut self, pane: MisraGries<Text>, window: Option<usize>) {
        match (window, self.panes.back_mut()) {
            (None, Some(all)) => all.merge(pane),
            _ => self.panes.push_back(pane),
        }
        if window.is_some_and(|batches| self.panes.len() > batches) {
            self.panes.pop_front();
        }
    }

    /// The summary of the window, if there was any batch.
    pub(crate) fn heavy_hitters(&self) -> Option<MisraGries<Text>> {
        merge_all(self.panes.iter().cloned())
    }
}

/// Where the outputs of the stream put what they see.
///
/// The outputs of a batch run one after the other, in the order of their declaration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results(Arc<Mutex<Found>>);

impl Results {
    /// An output that calls `store` with the items of each batch.
    pub(crate) fn output<T: Data>(
        &self,
        mut store: impl FnMut(&mut Found, Vec<T>) + Send + 'static,
    ) -> impl FnMut(Batch<T>, BatchTime) -> Result<(), BoxError> + Send + 'static {
        let results = self.clone();
        move |batch, _time| {
            store(&mut results.lock(), batch.into_vec());
            Ok(())
        }
    }

    /// What was found up to now.
    pub(crate) fn take(&self) -> Found {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sample of lines that is cheap to hand out: it is copied only when it changes while somebody
/// else still holds it.
#[derive(Clone, Debug)]
pub(crate) struct SharedSample(Arc<Reservoir<PlacedLine>>);

impl SharedSample {
    pub(crate) fn new(sample: Reservoir<PlacedLine>) -> Self {
        Self(Arc::new(sample))
    }

    /// The lines in the order of the input.
    pub(crate) fn lines(&self) -> Vec<&Text> {
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_unstable_by_key(|(position, _)| *position);
        lines.into_iter().map(|(_, text)| text).collect()
    }
}

impl Merge for SharedSample {
    fn merge(&mut self, other: Self) {
        Arc::make_mut(&mut self.0).merge(Arc::unwrap_or_clone(other.0));
    }
}

impl Summary for SharedSample {
    type Item = PlacedLine;

    fn update(&mut self, line: PlacedLine) {
        Arc::make_mut(&mut self.0).update(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Position;

    fn pane(items: &[&str]) -> MisraGries<Text> {
        let mut pane = MisraGries::new(8);
        pane.extend(items.iter().map(|item| Text::from(item.as_bytes())));
        pane
    }

    fn total(window: Option<usize>, batches: usize) -> Option<u64> {
        let mut found = Found::default();
        for _ in 0..batches {
            found.add_pane(pane(&["ebb", "flow"]), window);
        }
        found.heavy_hitters().map(|summary| summary.total_weight())
    }

    #[test]
    fn a_window_holds_the_last_batches_and_none_holds_all() {
        assert_eq!(total(None, 0), None);
        assert_eq!(total(None, 5), Some(10));
        assert_eq!(total(Some(3), 2), Some(4));
        assert_eq!(total(Some(3), 5), Some(6));
    }

    #[test]
    fn a_sample_that_was_handed_out_does_not_change() {
        let line = |n| (Position::nth(n), Text::from(n.to_string().as_bytes()));
        let mut sample = SharedSample::new(Reservoir::with_seed(5, 0));
        sample.update(line(2));
        let held = sample.clone();
        sample.update(line(1));
        assert_eq!((held.lines().len(), sample.lines().len()), (1, 2));
        assert_eq!(&**sample.lines()[0], b"1");
    }
}
