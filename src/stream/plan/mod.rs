//! What is declared before a stream starts: the settings, the context, streams and their graph.

pub(crate) mod builder;
pub(crate) mod context;
pub(crate) mod dstream;
mod durability;
pub(crate) mod graph;
