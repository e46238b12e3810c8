//! What streams consist of.

use std::hash::Hash;

/// What a stream may consist of: anything that can be cloned and sent to another thread.
pub trait Data: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Data for T {}

/// What records may be keyed by.
pub trait Key: Data + Hash + Eq {}

impl<T: Data + Hash + Eq> Key for T {}
