//! How the items of one partition flow from operator to operator.

pub(crate) mod pipe;
pub(crate) mod slot;
