//! What streams can hold.

use std::hash::Hash;

/// Items of a stream: anything that can be cloned and sent to another thread.
pub trait Data: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Data for T {}

/// Keys of records.
pub trait Key: Data + Hash + Eq {}

impl<T: Data + Hash + Eq> Key for T {}
