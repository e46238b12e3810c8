//! The stored batch of a stream, until its consumers have read it.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::vec::Vec;

use crate::stream::threads::lock::lock;

/// The partitions of one batch; cloning them copies no element.
pub(crate) type Partitions<T> = Vec<Arc<Vec<T>>>;

/// Partitions that have just been made, ready to be shared.
pub(crate) fn to_partitions<T>(partitions: Vec<Vec<T>>) -> Partitions<T> {
    partitions.into_iter().map(Arc::new).collect()
}

/// The batch of one stream between the operator that produced it and those that read it.
///
/// Each consumer reads each partition once; the last one takes it, the others share it.
pub(crate) struct Slot<T> {
    /// How many operators read this stream; fixed when the context starts.
    consumers: AtomicUsize,
    /// The current batch; `None` between batches and while the stream is computed by its only
    /// consumer.
    cells: RwLock<Option<Vec<Cell<T>>>>,
}

struct Cell<T> {
    len: usize,
    content: Mutex<Content<T>>,
}

/// A partition of the current batch.
enum Content<T> {
    /// So many consumers, at least one, have yet to read it.
    Unread(usize, Arc<Vec<T>>),
    /// All consumers have read it.
    ReadOut,
}

impl<T> Content<T> {
    fn new(consumers: usize, partition: Arc<Vec<T>>) -> Self {
        match consumers {
            0 => Self::ReadOut,
            _ => Self::Unread(consumers, partition),
        }
    }

    /// One consumer's reading. An operator that reads a parent more often than it has declared gets
    /// nothing, and fails in tests.
    fn read(&mut self) -> Arc<Vec<T>> {
        match mem::replace(self, Self::ReadOut) {
            Self::Unread(1, items) => items,
            Self::Unread(consumers, items) => {
                *self = Self::Unread(consumers - 1, Arc::clone(&items));
                items
            }
            Self::ReadOut => {
                debug_assert!(false, "a partition was read by more than its consumers");
                Arc::default()
            }
        }
    }
}

/// A partition read from a slot.
pub(crate) enum Read<T> {
    /// Nobody else needs it.
    Owned(Vec<T>),
    /// Others read it too.
    Shared(Arc<Vec<T>>),
}

impl<T: Clone> Read<T> {
    pub(crate) fn new(partition: Arc<Vec<T>>) -> Self {
        Arc::try_unwrap(partition).map_or_else(Self::Shared, Self::Owned)
    }

    #[inline]
    pub(crate) fn for_each(self, mut sink: impl FnMut(T)) {
        match self {
            Self::Owned(items) => items.into_iter().for_each(sink),
            Self::Shared(items) => items.iter().for_each(|item| sink(item.clone())),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            Self::Owned(items) => items,
            Self::Shared(items) => items.to_vec(),
        }
    }
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            consumers: AtomicUsize::new(0),
            cells: RwLock::new(None),
        })
    }

    pub(crate) fn consumers(&self) -> usize {
        self.consumers.load(Ordering::Relaxed)
    }

    pub(crate) fn connect(&self, consumers: usize) {
        self.consumers.store(consumers, Ordering::Relaxed);
    }

    pub(crate) fn fill(&self, partitions: Partitions<T>) {
        let consumers = self.consumers();
        let cells = partitions
            .into_iter()
            .map(|partition| Cell {
                len: partition.len(),
                content: Mutex::new(Content::new(consumers, partition)),
            })
            .collect();
        *self.cells.write().unwrap_or_else(PoisonError::into_inner) = Some(cells);
    }

    pub(crate) fn clear(&self) {
        *self.cells.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Applies `read` to the batch, if there is one.
    fn with<R>(&self, read: impl FnOnce(&[Cell<T>]) -> R) -> Option<R> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.as_deref().map(read)
    }

    pub(crate) fn partitions(&self) -> Option<usize> {
        self.with(<[_]>::len)
    }

    pub(crate) fn len(&self, partition: usize) -> Option<usize> {
        self.with(|cells| cells[partition].len)
    }

    /// How many items the batch has, if there is one.
    pub(crate) fn items(&self) -> Option<usize> {
        self.with(|cells| cells.iter().map(|cell| cell.len).sum())
    }

    /// One consumer's reading of one partition; the last one gets it whole. `None` if the batch is
    /// not here.
    pub(crate) fn take(&self, partition: usize) -> Option<Arc<Vec<T>>> {
        self.with(|cells| lock(&cells[partition].content).read())
    }
}

impl<T: Clone> Slot<T> {
    pub(crate) fn read(&self, partition: usize) -> Option<Read<T>> {
        self.take(partition).map(Read::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(consumers: usize) -> Arc<Slot<u32>> {
        let slot = Slot::new();
        slot.connect(consumers);
        slot.fill(to_partitions(std::vec![std::vec![1, 2], std::vec![]]));
        slot
    }

    #[test]
    fn every_consumer_reads_each_partition_and_the_last_one_takes_it() {
        let slot = slot(3);
        for consumer in 1..=3 {
            let read = slot.read(0).expect("the batch is here");
            assert_eq!(matches!(read, Read::Owned(_)), consumer == 3);
            assert_eq!(read.into_vec(), [1, 2]);
        }
        assert_eq!((slot.len(0), slot.items()), (Some(2), Some(2)));
        slot.clear();
        assert!(slot.take(0).is_none());
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a partition was read by more than its consumers")]
    fn a_reading_too_many_does_not_pass_for_an_empty_batch() {
        let slot = slot(1);
        assert_eq!(slot.take(0).map(|items| items.len()), Some(2));
        let _ = slot.take(0);
    }
}
