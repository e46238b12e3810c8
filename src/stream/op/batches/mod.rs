//! Batches, and what `transform` may do with them.

pub(crate) mod batch;
pub(crate) mod joins;
mod operations;
