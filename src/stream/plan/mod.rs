//! What is declared before a stream starts: settings, the context, streams and their graph.

pub(crate) mod builder;
pub(crate) mod context;
mod declare;
pub(crate) mod dstream;
mod durability;
pub(crate) mod graph;
mod operators;
pub(crate) mod settings;
mod start;
