//! Frequent items: the summaries of counts and weights, windows over them, and the ranking printed.

pub(crate) mod counters;
pub(crate) mod ranking;
pub(crate) mod window;
