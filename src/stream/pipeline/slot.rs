//! The stored batch of a stream, until its consumers have read it.

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
    /// The current batch, with the number of reads outstanding per partition; `None` between
    /// batches and while the stream is computed by its only consumer.
    cells: RwLock<Option<Vec<Cell<T>>>>,
}

struct Cell<T> {
    len: usize,
    content: Mutex<(usize, Option<Arc<Vec<T>>>)>,
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
                content: Mutex::new((consumers, Some(partition))),
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

    /// One consumer's reading of one partition; the last one gets it whole.
    pub(crate) fn take(&self, partition: usize) -> Option<Arc<Vec<T>>> {
        self.with(|cells| {
            let mut content = lock(&cells[partition].content);
            content.0 = content.0.saturating_sub(1);
            if content.0 == 0 {
                content.1.take()
            } else {
                content.1.clone()
            }
        })?
    }
}

impl<T: Clone> Slot<T> {
    pub(crate) fn read(&self, partition: usize) -> Option<Read<T>> {
        self.take(partition).map(Read::new)
    }
}
