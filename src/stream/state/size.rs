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

    /// The bytes of the tables in memory. Heap memory that keys and values own, as strings do, is
    /// not included, nor are spilled tables.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds keys of spilled tables.
    pub(crate) const fn add_keys(&mut self, keys: usize) {
        self.keys += keys;
    }

    /// Adds a table with entries of type `E`.
    pub(crate) const fn add_table<E>(&mut self, keys: usize, capacity: usize, index: usize) {
        self.keys += keys;
        self.bytes += capacity * size_of::<E>() + index;
    }
}
