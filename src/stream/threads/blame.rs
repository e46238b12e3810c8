//! Whose closure a panic comes from.

use std::any::Any;
use std::boxed::Box;
use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::stream::threads::inside::StreamId;

/// The position of an operator in its context: the order in which operators were declared.
pub(crate) type OperatorId = u32;

std::thread_local! {
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

/// Runs `work` as a part of `stream`; a panic in it comes back as its payload and the operator
/// whose closure panicked, if that is known.
pub(crate) fn catch<R>(
    stream: StreamId,
    work: impl FnOnce() -> R,
) -> Result<R, (Option<OperatorId>, Box<dyn Any + Send>)> {
    BLAMED.set(None);
    let _inside = stream.enter();
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| (BLAMED.take(), payload))
}
