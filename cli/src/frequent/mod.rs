//! Frequent items: summaries of counts and weights, windows over them, and rankings.

pub(crate) mod counters;
pub(crate) mod ranking;
pub(crate) mod window;
