//! Panics in the caller's code. The n-th call of it panics, for every n, and what a summary promises must hold
//! afterwards.

mod frequent;
mod sample;

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

thread_local! {
    /// The calls of an item's code up to the one that panics; 0 if none will.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// A call of the caller's code.
fn call() {
    let left = LEFT.get();
    LEFT.set(left.saturating_sub(1));
    if left == 1 {
        // Without a message, of which there would be thousands.
        resume_unwind(Box::new("a call of the caller's code"));
    }
}

/// Runs `act` in which no call panics, and counts none.
fn calmly<A>(act: impl FnOnce() -> A) -> A {
    let left = LEFT.replace(0);
    let answer = act();
    LEFT.set(left);
    answer
}

/// Whether a step ended without a panic.
fn succeeds(step: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(step)).is_ok()
}

/// Runs a scenario as often as it has calls, each time with a panic in another one, and once with none.
/// Returns the number of calls.
fn at_every_call(scenario: impl Fn()) -> u64 {
    for n in 1.. {
        LEFT.set(n);
        scenario();
        if LEFT.replace(0) > 0 {
            return n - 1;
        }
    }
    0
}

/// An item all of whose code may panic.
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Item(u32);

impl Clone for Item {
    fn clone(&self) -> Self {
        call();
        Self(self.0)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        call();
    }
}

impl Hash for Item {
    fn hash<H: Hasher>(&self, state: &mut H) {
        call();
        state.write_u32(self.0);
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        call();
        self.0 == other.0
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// An item of plain data: only `Hash`, `Eq` and `Clone` may panic.
#[derive(Debug, PartialOrd, Ord)]
struct Plain(u32);

impl Clone for Plain {
    fn clone(&self) -> Self {
        call();
        Self(self.0)
    }
}

impl Hash for Plain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        call();
        state.write_u32(self.0);
    }
}

impl PartialEq for Plain {
    fn eq(&self, other: &Self) -> bool {
        call();
        self.0 == other.0
    }
}

impl Eq for Plain {}

/// Numbers without a pattern.
fn mixed(i: u32) -> u32 {
    (i.wrapping_mul(2_654_435_761) >> 7) ^ i
}
