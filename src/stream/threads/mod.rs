//! Worker threads, and what is kept per thread.

pub(crate) mod blame;
pub(crate) mod executor;
pub(crate) mod inside;
pub(crate) mod lock;
