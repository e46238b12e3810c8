//! What runs: the driver that steps through batches, the clock around it, and what they report.

pub(crate) mod driver;
pub(crate) mod error;
pub(crate) mod failure;
pub(crate) mod job;
pub(crate) mod listener;
pub(crate) mod metrics;
pub(crate) mod operator;
pub(crate) mod operator_context;
pub(crate) mod rate;
pub(crate) mod running;
pub(crate) mod trace;
