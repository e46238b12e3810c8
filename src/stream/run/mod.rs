//! What runs: the driver that steps through batches, the clock around it, and what they report.

pub(crate) mod activity;
pub(crate) mod audience;
pub(crate) mod clock;
mod control;
pub(crate) mod driver;
mod driver_checkpoints;
pub(crate) mod error;
pub(crate) mod failure;
pub(crate) mod job;
pub(crate) mod listener;
pub(crate) mod metrics;
pub(crate) mod operator;
pub(crate) mod operator_context;
pub(crate) mod rate;
pub(crate) mod running;
mod ticks;
pub(crate) mod trace;

#[cfg(test)]
mod clock_tests;
