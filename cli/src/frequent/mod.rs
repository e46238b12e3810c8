//! Frequent items: summaries of counts and weights, windows over them, and rankings.

pub(crate) mod counters;
pub(crate) mod ranking;
mod rounding;
pub(crate) mod sums;
pub(crate) mod window;
