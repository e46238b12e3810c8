//! The one condition on capacities.

/// Panics if `capacity` is 0.
#[track_caller]
pub(crate) fn check_capacity(capacity: usize) {
    assert!(capacity > 0, "the capacity of a sample must be at least 1");
}
