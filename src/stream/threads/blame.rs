//! Of which stream this thread runs a batch, and whose closure a panic comes from.

use std::any::Any;
use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Vec;

/// The position of an operator in its context: the order in which operators were declared.
pub(crate) type OperatorId = u32;

/// A stream, among all of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamId(u64);

impl StreamId {
    /// One that no other stream has.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Lives on the stack while this thread runs part of a batch.
struct Inside(());

impl Inside {
    fn enter(stream: StreamId) -> Self {
        INSIDE.with_borrow_mut(|streams| streams.push(stream));
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(Vec::pop);
    }
}

/// Whether this thread runs part of a batch, of whichever stream; waiting for the end of the batch
/// would then be a deadlock.
pub(crate) fn is_inside() -> bool {
    INSIDE.with_borrow(|streams| !streams.is_empty())
}

/// Whether this thread runs part of a batch of this stream; waiting for the end of the stream would
/// then be a deadlock.
pub(crate) fn is_inside_of(stream: StreamId) -> bool {
    let contains = |streams: &RefCell<Vec<_>>| streams.borrow().contains(&stream);
    // A thread that is past its end runs none.
    INSIDE.try_with(contains).unwrap_or(false)
}

std::thread_local! {
    /// The streams of which this thread runs part of a batch, innermost last: a closure may use the
    /// threads of its pool itself, and run part of another stream's batch while it waits for them.
    static INSIDE: RefCell<Vec<StreamId>> = const { RefCell::new(Vec::new()) };

    /// The innermost operator whose closure is being unwound on this thread.
    static BLAMED: Cell<Option<OperatorId>> = const { Cell::new(None) };
}

/// Lives on the stack while a closure of operator `.0` runs and is forgotten when it returns: its
/// destructor runs only while unwinding, and the path without a panic costs nothing.
struct Blame(OperatorId);

impl Drop for Blame {
    #[cold]
    fn drop(&mut self) {
        if BLAMED.get().is_none() {
            BLAMED.set(Some(self.0));
        }
    }
}

/// Runs a closure of the user on behalf of an operator, to which a panic in it is attributed.
#[inline(always)]
pub(crate) fn blame<R>(node: OperatorId, closure: impl FnOnce() -> R) -> R {
    let guard = Blame(node);
    let result = closure();
    mem::forget(guard);
    result
}

/// Runs `work` as a part of a batch of `stream`; a panic in it comes back as its payload and the operator
/// whose closure panicked, if that is known.
pub(crate) fn catch<R>(
    stream: StreamId,
    work: impl FnOnce() -> R,
) -> Result<R, (Option<OperatorId>, Box<dyn Any + Send>)> {
    BLAMED.set(None);
    let _inside = Inside::enter(stream);
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| (BLAMED.take(), payload))
}
