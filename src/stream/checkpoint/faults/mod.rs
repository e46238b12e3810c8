//! Fault injection: calls of a simulated file system fail in every way, and its machine loses power.
//!
//! `FOREBAY_FAULTS` is the number of cases of each test; `all` runs all of them. Each test prints
//! how many it has run.

mod calls;
pub(crate) mod disk;
mod jobs;
pub(crate) mod process;
