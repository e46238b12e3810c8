//! The worker threads.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

use rayon::prelude::*;

use crate::stream::error::BuildError;
use crate::stream::threads::lock::lock;

/// A pool of worker threads that contexts can share; cloning gives another handle to the same pool.
///
/// The threads end when the last handle is dropped; stopping a stream leaves a shared pool running.
/// An executor of one thread starts none: batches run on the thread that drives the stream.
///
/// # Examples
///
/// ```
/// use forebay::stream::{Executor, StreamingContext};
///
/// let executor = Executor::new(2)?;
/// let first = StreamingContext::builder("first").executor(&executor).build()?;
/// let second = StreamingContext::builder("second").executor(&executor).build()?;
/// # let _ = (first, second);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Executor {
    /// `None` for one thread: the allocator of a program without a second thread needs no locks.
    pool: Option<Arc<rayon::ThreadPool>>,
}

impl Executor {
    /// An executor with this many worker threads.
    ///
    /// # Errors
    ///
    /// If `threads` is 0 or more than 65,536, or the operating system refuses them.
    pub fn new(threads: usize) -> Result<Self, BuildError> {
        if !(1..=1 << 16).contains(&threads) {
            return Err(BuildError::Count("threads", threads));
        }
        if threads == 1 {
            return Ok(Self { pool: None });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| std::format!("forebay-worker-{index}"))
            .build()
            .map_err(|error| BuildError::Threads(error.into()))?;
        Ok(Self {
            pool: Some(Arc::new(pool)),
        })
    }

    /// How many threads there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        let pool = self.pool.as_ref();
        pool.map_or(1, |pool| pool.current_num_threads())
    }

    /// Which worker threads these are, if there are any.
    pub(crate) fn pool_id(&self) -> Option<PoolId> {
        let pool = self.pool.as_ref();
        pool.map(|pool| PoolId(Arc::as_ptr(pool) as usize))
    }

    /// Applies `work` to every item, in parallel if at least two of them are `busy`; results are
    /// in the order of the items.
    pub(crate) fn map<I: Send, R: Send>(
        &self,
        items: Vec<I>,
        busy: impl Fn(&I) -> bool,
        work: impl Fn(usize, I) -> R + Sync,
    ) -> Vec<R> {
        let are_two_busy = |_: &&Arc<_>| items.iter().filter(|item| busy(item)).nth(1).is_some();
        let Some(pool) = self.pool.as_ref().filter(are_two_busy) else {
            let mut results = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                results.push(work(index, item));
            }
            return results;
        };
        let mut cells = Vec::with_capacity(items.len());
        for item in items {
            cells.push(Mutex::new(Cell::Item(item)));
        }
        scatter(pool, cells.len(), &|index| {
            let item = mem::replace(&mut *lock(&cells[index]), Cell::Taken);
            if let Cell::Item(item) = item {
                let result = work(index, item);
                *lock(&cells[index]) = Cell::Result(result);
            }
        });
        results(cells)
    }

    /// Runs `work` on one of the worker threads, if there are any.
    pub(crate) fn on_worker<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// A pool of worker threads, as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolId(usize);

/// Whether this thread is a worker of a pool.
pub(crate) fn is_worker() -> bool {
    rayon::current_thread_index().is_some()
}

/// Calls `work` in parallel for every index below `count`. It is not generic, so that the code of
/// the thread pool is compiled once and not for every operator.
fn scatter(pool: &rayon::ThreadPool, count: usize, work: &(dyn Fn(usize) + Sync)) {
    pool.install(|| {
        (0..count).into_par_iter().with_max_len(1).for_each(work);
    });
}

/// An item, and then its result.
enum Cell<I, R> {
    Item(I),
    Taken,
    Result(R),
}

/// The results of all cells. It knows no closure, so that it is compiled once for each type of
/// item and result. Here and in `map` loops compile to much less code than chains of iterators.
fn results<I, R>(cells: Vec<Mutex<Cell<I, R>>>) -> Vec<R> {
    let mut results = Vec::with_capacity(cells.len());
    for cell in cells {
        match cell.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Cell::Result(result) => results.push(result),
            Cell::Item(_) | Cell::Taken => unreachable!("every index was given out once"),
        }
    }
    results
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("threads", &self.threads())
            .finish()
    }
}
