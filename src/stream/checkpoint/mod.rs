//! Checkpoints: the state of a stream on disk, and recovery from there.
//!
//! This room knows state only as bytes by key group; operators define what the state is.

pub(crate) mod checkpointer;
pub(crate) mod config;
pub(crate) mod directory;
pub(crate) mod durable;
pub(crate) mod error;
pub(crate) mod every;
#[cfg(test)]
pub(crate) mod faults;
pub(crate) mod found;
mod frame;
pub(crate) mod inspect;
pub(crate) mod local_storage;
mod lock;
pub(crate) mod log;
mod manifest;
pub(crate) mod recovery;
pub(crate) mod report;
mod scan;
mod segments;
mod start;
pub(crate) mod storage;
mod stored_checkpoint;
mod writer;
