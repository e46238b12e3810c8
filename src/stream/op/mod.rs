//! The operators, one family per file.

pub(crate) mod aggregate;
pub(crate) mod by_key;
pub(crate) mod narrow;
pub(crate) mod output;
pub(crate) mod state;
pub(crate) mod summarize;
pub(crate) mod transform;
pub(crate) mod union;
pub(crate) mod window;
