//! Tests of the public interface: one module for each public area, nothing statistical.

mod sample;
mod stream;
