//! Tests of the public interface: one module for each public area, nothing statistical.

#[path = "../support/naive.rs"]
mod naive;

#[cfg(feature = "datasketches")]
mod datasketches;
#[cfg(feature = "datasketches")]
mod datasketches_reservoir;
#[cfg(feature = "datasketches")]
mod datasketches_var_opt;
mod frequent;
mod frequent_slices;
mod frequent_uses;
mod panics;
mod sample;
mod sample_exact;
mod sample_laws;
#[cfg(feature = "serde")]
mod sample_stored;
mod sample_unequal;
#[cfg(feature = "serde")]
mod sample_unequal_stored;
mod sample_units;
mod stratified;
#[cfg(feature = "stream")]
mod stream;
