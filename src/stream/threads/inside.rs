//! Which streams this thread runs a part of, and which threads wait for which streams.
//!
//! A thread that runs a part of one stream may wait for the batch of another, unless that batch
//! cannot end before this thread goes on: because the other stream waits for this one, directly or
//! by way of others, or needs the worker that this thread is.

use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec;
use std::vec::Vec;

use crate::stream::threads::executor::{Executor, PoolId, is_worker};
use crate::stream::threads::lock::lock;

/// A started stream of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamId {
    number: u64,
    /// The worker threads that it needs, which other streams may need, too.
    pool: Option<PoolId>,
}

std::thread_local! {
    /// The streams that this thread runs a part of, the innermost last.
    static INSIDE: RefCell<Vec<StreamId>> = const { RefCell::new(Vec::new()) };
}

/// What threads inside of streams wait for.
static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());

/// How many streams and waits there were.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

fn next_number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

struct Waiting {
    number: u64,
    held: Held,
    target: StreamId,
}

/// What cannot go on while a thread waits.
struct Held {
    streams: Vec<StreamId>,
    /// Whether the thread is a worker, which others that share its pool may need.
    is_worker: bool,
}

impl Held {
    fn by_this_thread() -> Self {
        Self {
            streams: INSIDE.with_borrow(Vec::clone),
            is_worker: is_worker(),
        }
    }

    fn holds_up(&self, stream: StreamId) -> bool {
        let shares_workers =
            |held: &StreamId| self.is_worker && held.pool.is_some() && held.pool == stream.pool;
        let mut streams = self.streams.iter();
        streams.any(|held| *held == stream || shares_workers(held))
    }
}

/// Lives on the stack while this thread runs a part of a stream.
pub(crate) struct Inside {
    /// The stream around it, if it is another, goes on when this part is done.
    _nested: Option<Wait>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(Vec::pop);
    }
}

/// Lives on the stack while a thread waits for a stream.
pub(crate) struct Wait {
    number: u64,
}

impl Drop for Wait {
    fn drop(&mut self) {
        lock(&WAITING).retain(|waiting| waiting.number != self.number);
    }
}

impl Wait {
    fn register(waiting: &mut Vec<Waiting>, held: Held, target: StreamId) -> Self {
        let number = next_number();
        waiting.push(Waiting {
            number,
            held,
            target,
        });
        Self { number }
    }
}

impl StreamId {
    /// A stream that runs on this executor.
    pub(crate) fn new(executor: &Executor) -> Self {
        Self {
            number: next_number(),
            pool: executor.pool_id(),
        }
    }

    /// This thread runs a part of the stream until the guard is dropped.
    pub(crate) fn enter(self) -> Inside {
        let outer = INSIDE.with_borrow(|streams| streams.last().copied());
        let nested = outer.is_some_and(|outer| outer != self);
        let nested = nested.then(|| {
            let held = Held::by_this_thread();
            Wait::register(&mut lock(&WAITING), held, self)
        });
        INSIDE.with_borrow_mut(|streams| streams.push(self));
        Inside { _nested: nested }
    }

    /// Whether this thread runs a part of the stream; to wait for its end would be a deadlock.
    pub(crate) fn is_around(self) -> bool {
        let contains = |streams: &RefCell<Vec<_>>| streams.borrow().contains(&self);
        // A thread that is past its end runs none.
        INSIDE.try_with(contains).unwrap_or(false)
    }

    /// Permission to wait for a batch of the stream, to be held meanwhile; `None` if the batch could
    /// not end before this thread goes on.
    pub(crate) fn wait(self) -> Option<Wait> {
        let held = Held::by_this_thread();
        let mut waiting = lock(&WAITING);
        // What has to go on for this stream to go on.
        let mut needed = vec![self];
        let mut at = 0;
        while let Some(&stream) = needed.get(at) {
            if held.holds_up(stream) {
                return None;
            }
            for other in waiting.iter().filter(|other| other.held.holds_up(stream)) {
                if !needed.contains(&other.target) {
                    needed.push(other.target);
                }
            }
            at += 1;
        }
        Some(Wait::register(&mut waiting, held, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    fn stream() -> StreamId {
        StreamId::new(&Executor::new(1).expect("one thread"))
    }

    /// Another thread that runs a part of `inside` and waits for `target` until it is dropped.
    struct Other {
        waits: bool,
        _ends: mpsc::Sender<()>,
    }

    fn waiting(inside: StreamId, target: StreamId) -> Other {
        let (ends, until) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let _inside = inside.enter();
            let wait = target.wait();
            tell.send(wait.is_some()).expect("the test waits for it");
            let _ = until.recv();
            drop(wait);
        });
        let waits = told.recv().expect("the thread runs");
        Other { waits, _ends: ends }
    }

    #[test]
    fn a_thread_waits_for_any_stream_but_those_that_it_runs_a_part_of() {
        let (one, other) = (stream(), stream());
        assert!(one.wait().is_some());
        let _outer = one.enter();
        {
            let _inner = other.enter();
            assert!(one.wait().is_none() && other.wait().is_none());
        }
        assert!(one.wait().is_none() && other.wait().is_some());
    }

    #[test]
    fn streams_do_not_wait_in_a_circle() {
        let (one, two, three) = (stream(), stream(), stream());
        let first = waiting(one, two);
        let second = waiting(two, three);
        assert!(first.waits && second.waits);
        assert!(!waiting(three, one).waits && !waiting(three, two).waits);
        // Who is not part of the circle waits.
        assert!(one.wait().is_some() && waiting(stream(), one).waits);
    }

    #[test]
    fn a_stream_that_runs_within_another_holds_it_up() {
        let (outer, inner) = (stream(), stream());
        let _outer = outer.enter();
        let _inner = inner.enter();
        assert!(!waiting(inner, outer).waits);
        assert!(waiting(stream(), outer).waits);
    }

    #[test]
    fn a_worker_does_not_wait_for_a_stream_that_needs_workers_of_its_pool() {
        let pool = Executor::new(2).expect("two threads");
        let (one, two, alone) = (StreamId::new(&pool), StreamId::new(&pool), stream());
        let may_wait = || {
            let _inside = one.enter();
            (two.wait().is_some(), alone.wait().is_some())
        };
        assert_eq!(pool.on_worker(may_wait), (false, true));
        // The driver's thread is none of them.
        assert_eq!(may_wait(), (true, true));
    }
}
