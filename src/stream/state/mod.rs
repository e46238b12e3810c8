//! Keyed state: one table per key group, dealt to partitions in contiguous ranges.

pub(crate) mod backend;
mod best;
pub(crate) mod codec;
mod copy_on_write;
mod encoding;
mod expiry;
mod expiry_encoding;
mod group;
pub(crate) mod handle;
mod heap_size;
pub(crate) mod operator_snapshot;
pub(crate) mod phase;
mod published;
pub(crate) mod refusal;
pub(crate) mod saved;
pub(crate) mod size;
pub(crate) mod spill;
pub(crate) mod stateful;
pub(crate) mod store;
pub(crate) mod store_snapshot;
pub(crate) mod table;
pub(crate) mod tables;
mod view;
