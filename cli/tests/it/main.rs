//! Tests of the built binary, as a user or a script meets it: one module for each command.

mod merge;
mod sample;
mod stream;
mod support;
mod top;
