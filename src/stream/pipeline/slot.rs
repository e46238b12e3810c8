//! Where the batch of a stream waits for its consumers.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::run::executor::{Scope, lock};

/// The partitions of one batch; cloning them copies no element.
pub(crate) type Partitions<T> = Vec<Arc<Vec<T>>>;

/// Wraps freshly made partitions.
pub(crate) fn shared<T>(partitions: Vec<Vec<T>>) -> Partitions<T> {
    partitions.into_iter().map(Arc::new).collect()
}

/// The batch of one stream between the operator that made it and those that read it.
///
/// Each consumer reads each partition once; the last one takes it, the others see it shared.
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

    /// Applies `read` to the batch, if it is here.
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

    /// How many items the batch has, if it is here.
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

/// The pipeline that reads a batch already computed: what a stream is after a source, an
/// exchange or [`boxed`](crate::stream::DStream::boxed).
#[derive(Clone)]
pub struct Materialized<T> {
    pub(crate) slot: Arc<Slot<T>>,
}

impl<T: Data> Materialized<T> {
    /// A pipeline over partitions at hand, to be run once.
    pub(crate) fn once(partitions: Partitions<T>) -> Self {
        let slot = Slot::new();
        slot.connect(1);
        slot.fill(partitions);
        Self { slot }
    }
}

impl<T> fmt::Debug for Materialized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Materialized").finish_non_exhaustive()
    }
}

impl<T: Data> Pipe for Materialized<T> {
    type Item = T;

    fn partitions(&self) -> usize {
        self.slot.partitions().unwrap_or(0)
    }

    fn weight(&self, partition: usize) -> usize {
        self.slot.len(partition).unwrap_or(0)
    }

    #[inline]
    fn run<S: FnMut(T)>(&self, scope: &Scope, sink: &mut S) {
        if let Some(items) = self.slot.read(scope.partition) {
            items.for_each(sink);
        }
    }

    fn collect(&self, scope: &Scope) -> Arc<Vec<T>> {
        self.slot.take(scope.partition).unwrap_or_default()
    }

    fn count(&self, scope: &Scope) -> usize {
        self.slot
            .take(scope.partition)
            .map_or(0, |items| items.len())
    }
}

/// A narrow stage that its only consumer runs through, or that is computed once and read by all
/// its consumers if there are several.
#[derive(Clone)]
pub struct Shared<P: Pipe> {
    pub(crate) pipe: P,
    pub(crate) slot: Arc<Slot<P::Item>>,
}

impl<P: Pipe> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl<P: Pipe> Pipe for Shared<P> {
    type Item = P::Item;

    fn partitions(&self) -> usize {
        let here = self.slot.partitions();
        here.unwrap_or_else(|| self.pipe.partitions())
    }

    fn weight(&self, partition: usize) -> usize {
        let here = self.slot.len(partition);
        here.unwrap_or_else(|| self.pipe.weight(partition))
    }

    #[inline]
    fn run<S: FnMut(P::Item)>(&self, scope: &Scope, sink: &mut S) {
        match self.slot.read(scope.partition) {
            Some(items) => items.for_each(sink),
            None => self.pipe.run(scope, sink),
        }
    }

    fn collect(&self, scope: &Scope) -> Arc<Vec<P::Item>> {
        let here = self.slot.take(scope.partition);
        here.unwrap_or_else(|| self.pipe.collect(scope))
    }

    fn count(&self, scope: &Scope) -> usize {
        match self.slot.take(scope.partition) {
            Some(items) => items.len(),
            None => self.pipe.count(scope),
        }
    }
}
