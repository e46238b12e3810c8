//! The worker threads, and how the partitions of one operator run on them.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::string::ToString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use rayon::prelude::*;

use crate::random::JobSeed;
use crate::stream::error::{BatchError, BoxError, BuildError, Cause};
use crate::stream::exchange::{Grouped, KeyedInbox, KeyedOutbox, Routing, exchange_by_key};
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::run::failure::FailurePolicy;
use crate::stream::time::BatchTime;

/// The position of an operator in its context: the order in which operators were declared.
pub(crate) type NodeId = u32;

/// Worker threads that one or several contexts share; cloning gives another handle to the same.
///
/// The threads end when the last handle is dropped: a stopped stream leaves them running for
/// whoever else holds one. An executor of one thread starts none: batches run on the thread that
/// drives the stream.
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
    /// None for one thread: a program without a second one has an allocator without locks.
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
            let items = items.into_iter().enumerate();
            return items.map(|(index, item)| work(index, item)).collect();
        };
        let cells: Vec<_> = items
            .into_iter()
            .map(|item| Mutex::new((Some(item), None)))
            .collect();
        scatter(pool, cells.len(), &|index| {
            let item = lock(&cells[index]).0.take();
            let result = item.map(|item| work(index, item));
            lock(&cells[index]).1 = result;
        });
        let results = cells.into_iter().map(|cell| {
            let (_, result) = cell.into_inner().unwrap_or_else(PoisonError::into_inner);
            result.expect("every index was given out once")
        });
        results.collect()
    }

    /// Runs `work` on one of the worker threads, if there are any.
    fn on_worker<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// Calls `work` in parallel for every index below `count`. It knows no type of the caller's,
/// so that the thread pool's machinery is compiled once and not for every operator.
fn scatter(pool: &rayon::ThreadPool, count: usize, work: &(dyn Fn(usize) + Sync)) {
    pool.install(|| {
        (0..count).into_par_iter().with_max_len(1).for_each(work);
    });
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("threads", &self.threads())
            .finish()
    }
}

/// What all operators of a started context have in common.
pub(crate) struct Env {
    pub(crate) executor: Executor,
    pub(crate) seed: JobSeed,
    pub(crate) routing: Routing,
    pub(crate) policy: FailurePolicy,
    /// The name of every operator, by its [`NodeId`].
    pub(crate) names: Vec<Arc<str>>,
}

/// One operator at work on one batch.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) env: Arc<Env>,
    pub(crate) node: NodeId,
    pub(crate) time: BatchTime,
}

impl Step {
    /// Runs `work` for every partition of a pipe.
    pub(crate) fn run<P: Pipe, R: Send>(
        &self,
        pipe: &P,
        work: impl Fn(&Scope) -> R + Sync,
    ) -> Result<Vec<R>, BatchError> {
        let partitions = (0..pipe.partitions()).collect();
        let busy = |&partition: &usize| pipe.weight(partition) > 0;
        self.each(partitions, busy, |scope, _| work(scope))
    }

    /// Runs `work` for every item, each a partition of its own. If several partitions fail, the
    /// error is that of the first, whatever the threads did.
    pub(crate) fn each<I: Send, R: Send>(
        &self,
        items: Vec<I>,
        busy: impl Fn(&I) -> bool,
        work: impl Fn(&Scope, I) -> R + Sync,
    ) -> Result<Vec<R>, BatchError> {
        self.env
            .executor
            .map(items, busy, |partition, item| {
                let scope = Scope::new(partition, self.time);
                let result = self.guard(Some(partition), || work(&scope, item))?;
                match scope.failure.into_inner() {
                    None => Ok(result),
                    Some((node, error)) => {
                        Err(self.error(node, Some(partition), Cause::Error(error)))
                    }
                }
            })
            .into_iter()
            .collect()
    }

    /// Sends the records of all outboxes to the partitions that own their keys.
    ///
    /// Large ones are handed over by a worker. The driver's thread has made the items of the batch,
    /// as a rule, and the workers have dropped many: its next allocation would have to tidy up the
    /// part of the heap that they came from, while all others wait.
    pub(crate) fn exchange<T: Grouped + Send>(
        &self,
        outboxes: Vec<KeyedOutbox<T>>,
    ) -> Vec<KeyedInbox<T>> {
        let routing = self.env.routing;
        match outboxes.iter().any(KeyedOutbox::is_large) {
            true => {
                let executor = &self.env.executor;
                executor.on_worker(|| exchange_by_key(routing, outboxes))
            }
            false => exchange_by_key(routing, outboxes),
        }
    }

    /// Runs `work` and turns a panic into the error of this batch, naming the operator whose
    /// closure it was.
    pub(crate) fn guard<R>(
        &self,
        partition: Option<usize>,
        work: impl FnOnce() -> R,
    ) -> Result<R, BatchError> {
        BLAMED.set(None);
        let _inside = Inside::enter();
        catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
            match payload.downcast::<BatchError>() {
                Ok(inner) => *inner,
                Err(payload) => match payload.downcast::<GivenUp>() {
                    Ok(given_up) => self.error(self.node, partition, Cause::Error(given_up.0)),
                    Err(payload) => {
                        let node = BLAMED.take().unwrap_or(self.node);
                        self.error(node, partition, Cause::from_panic(payload.as_ref()))
                    }
                },
            }
        })
    }

    /// The error of this batch in this operator as a whole.
    pub(crate) fn failure(&self, error: BoxError) -> BatchError {
        self.error(self.node, None, Cause::Error(error))
    }

    fn error(&self, node: NodeId, partition: Option<usize>, cause: Cause) -> BatchError {
        let name = self.env.names[node as usize].to_string();
        BatchError::new(name, self.time, partition, cause)
    }
}

/// Goes on unwinding with an error that [`Step::guard`] further out takes as it is.
pub(crate) fn rethrow(error: BatchError) -> ! {
    resume_unwind(std::boxed::Box::new(error))
}

/// What [`give_up`] unwinds with.
struct GivenUp(BoxError);

/// Goes on unwinding with an error that no closure is to blame for: [`Step::guard`] makes it that
/// of the operator at work.
#[cold]
pub(crate) fn give_up(error: BoxError) -> ! {
    resume_unwind(std::boxed::Box::new(GivenUp(error)))
}

/// One partition of one batch while it runs; pipelines pass it from operator to operator.
#[derive(Debug)]
pub struct Scope {
    pub(crate) partition: usize,
    pub(crate) time: BatchTime,
    /// The first error that a fallible closure returned.
    failure: RefCell<Option<(NodeId, BoxError)>>,
    /// Whether there is one; apart, so that asking costs a load.
    failed: Cell<bool>,
}

impl Scope {
    pub(crate) fn new(partition: usize, time: BatchTime) -> Self {
        Self {
            partition,
            time,
            failure: RefCell::new(None),
            failed: Cell::new(false),
        }
    }

    /// The same batch, another partition; for pipelines that renumber partitions.
    pub(crate) fn renumbered(&self, partition: usize) -> Self {
        Self::new(partition, self.time)
    }

    /// Takes over the failure of a renumbered scope.
    pub(crate) fn absorb(&self, other: Self) {
        if let Some((node, error)) = other.failure.into_inner() {
            self.fail(node, error);
        }
    }

    #[inline]
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    #[cold]
    pub(crate) fn fail(&self, node: NodeId, error: BoxError) {
        self.failed.set(true);
        self.failure.borrow_mut().get_or_insert((node, error));
    }
}

/// Lives on the stack while this thread runs part of a batch.
struct Inside {
    /// Whether it did so already.
    before: bool,
}

impl Inside {
    fn enter() -> Self {
        Self {
            before: INSIDE.replace(true),
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.before);
    }
}

/// Whether this thread runs part of a batch, so that waiting for its end would be waiting for
/// itself.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}

std::thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };

    /// The innermost operator whose closure is being unwound on this thread.
    static BLAMED: Cell<Option<NodeId>> = const { Cell::new(None) };
}

/// Lives on the stack while a closure of operator `.0` runs and is forgotten when it returns, so
/// that its destructor runs only in unwinding: the way without a panic costs nothing.
struct Blame(NodeId);

impl Drop for Blame {
    #[cold]
    fn drop(&mut self) {
        if BLAMED.get().is_none() {
            BLAMED.set(Some(self.0));
        }
    }
}

/// Runs a closure of the user's on behalf of an operator, which gets the blame for a panic in it.
#[inline(always)]
pub(crate) fn blame<R>(node: NodeId, closure: impl FnOnce() -> R) -> R {
    let guard = Blame(node);
    let result = closure();
    mem::forget(guard);
    result
}

/// Locks, whether or not another holder panicked: a failed batch ends the stream, and what the
/// lock protects is read no more.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
