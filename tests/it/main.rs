//! Tests of the public interface: one module for each public area, nothing statistical.

#[path = "../support/naive.rs"]
mod naive;

mod frequent;
mod sample;
mod sample_unequal;
mod stream;
