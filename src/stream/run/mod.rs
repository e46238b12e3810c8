//! What runs: the driver that steps through batches, and the clock and threads around it.

pub(crate) mod driver;
pub(crate) mod executor;
pub(crate) mod failure;
pub(crate) mod listener;
pub(crate) mod metrics;
pub(crate) mod rate;
pub(crate) mod running;
pub(crate) mod trace;
