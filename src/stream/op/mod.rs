//! The operators, one family per file.

pub(crate) mod aggregate;
pub(crate) mod arrivals;
pub(crate) mod batches;
pub(crate) mod by_key;
pub(crate) mod emitted;
mod facets;
mod handle;
pub(crate) mod history;
mod idle_clock;
pub(crate) mod join;
pub(crate) mod key_state;
pub(crate) mod narrow;
pub(crate) mod output;
pub(crate) mod repartition;
pub(crate) mod state;
pub(crate) mod state_by_key;
pub(crate) mod state_by_partition;
pub(crate) mod state_partition;
pub(crate) mod state_view;
pub(crate) mod summarize;
pub(crate) mod transform;
pub(crate) mod union;
pub(crate) mod window;
pub(crate) mod window_reduce;
pub(crate) mod window_summary;
pub(crate) mod window_summary_by_key;
