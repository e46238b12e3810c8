//! Tests of the public interface, one module per public area.

#[path = "../support/naive.rs"]
mod naive;

#[cfg(feature = "datasketches")]
mod datasketches;
mod frequent;
mod frequent_uses;
