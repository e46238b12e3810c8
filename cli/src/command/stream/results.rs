//! The results of the stream so far.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{Batch, BatchTime, BoxError, Data};
use forebay::{Merge, Summary};
use forebay_serve::Drawn;
use serde::{Deserialize, Serialize};

use crate::command::stream::record::{PlacedLine, Text};
use crate::frequent::window::Window;
use crate::output::format::text;

/// The results up to the last batch.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) batches: u64,
    pub(crate) lines: u64,
    /// The number of different items.
    pub(crate) items: u64,
    /// The heavy hitters of each batch.
    pub(crate) window: Window<MisraGries<Text>>,
}

impl Found {
    /// No results yet; `window` is the number of batches that the heavy hitters are of, if limited.
    pub(crate) const fn new(window: Option<usize>) -> Self {
        Self {
            batches: 0,
            lines: 0,
            items: 0,
            window: Window::new(window),
        }
    }
}

/// The results, shared by the outputs of the stream.
///
/// The outputs of a batch run one after the other, in the order of their declaration.
#[derive(Clone, Debug)]
pub(crate) struct Results(Arc<Mutex<Found>>);

impl Results {
    pub(crate) fn new(nothing: Found) -> Self {
        Self(Arc::new(Mutex::new(nothing)))
    }

    /// An output that calls `store` with the elements of each batch.
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

    /// Takes the results out.
    pub(crate) fn take(&self) -> Found {
        mem::replace(&mut self.lock(), Found::new(None))
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sample of lines that is cheap to clone: it is copied only when it changes while a clone exists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SharedSample(Arc<Reservoir<PlacedLine>>);

impl SharedSample {
    pub(crate) fn new(sample: Reservoir<PlacedLine>) -> Self {
        Self(Arc::new(sample))
    }

    /// The lines in input order.
    pub(crate) fn lines(&self) -> Vec<&Text> {
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_unstable_by_key(|(position, _)| *position);
        lines.into_iter().map(|(_, text)| text).collect()
    }

    /// The lines as text, and how many lines were offered.
    pub(crate) fn drawn(&self) -> Drawn<String> {
        Drawn {
            seen: self.0.seen(),
            items: self.lines().into_iter().map(|line| text(line)).collect(),
        }
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
    use crate::place::Position;

    #[test]
    fn a_clone_of_a_sample_does_not_change() {
        let line = |n| (Position::nth(n), Text::from(n.to_string().as_bytes()));
        let mut sample = SharedSample::new(Reservoir::with_seed(5, 0));
        sample.update(line(2));
        let held = sample.clone();
        sample.update(line(1));
        assert_eq!((held.lines().len(), sample.lines().len()), (1, 2));
        assert_eq!(&**sample.lines()[0], b"1");
    }
}
