//! How the items of one partition flow from operator to operator.

pub(crate) mod materialized;
pub(crate) mod partition_context;
pub(crate) mod pipe;
pub(crate) mod slot;
pub(crate) mod split;
pub(crate) mod stages;
