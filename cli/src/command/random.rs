//! Random numbers.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A random number, for a seed or to identify a run: the standard library takes the keys of its
/// hashers from the operating system.
pub(super) fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}
