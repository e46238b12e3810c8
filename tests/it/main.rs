//! Tests of the public interface, one module per public area.

#[path = "../support/naive.rs"]
mod naive;

mod frequent;
