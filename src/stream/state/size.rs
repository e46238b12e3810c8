//! How much keyed state there is.

use std::mem::size_of;

/// How much keyed state an operator keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    keys: usize,
    bytes: usize,
}

impl StateSize {
    /// How many keys have a state.
    #[must_use]
    pub const fn keys(&self) -> usize {
        self.keys
    }

    /// How many bytes of memory the tables take. What keys and values own elsewhere, as strings do,
    /// is not known to the driver and not in it, nor are tables that have left memory.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds keys that are not in memory.
    pub(crate) const fn add_keys(&mut self, keys: usize) {
        self.keys += keys;
    }

    /// Adds a table with entries of type `E`.
    pub(crate) const fn add_table<E>(&mut self, keys: usize, capacity: usize, index: usize) {
        self.keys += keys;
        self.bytes += capacity * size_of::<E>() + index;
    }
}
