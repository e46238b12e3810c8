//! Redis Streams, read by the ids of their entries.

mod entry;
mod position;
mod server;
mod streams;

pub use entry::{EntryId, EntryIdError, RedisEntry};
pub use position::StreamPosition;
pub use server::AddressError;
pub use streams::RedisStreams;
