//! The only way records move between partitions.

mod all_to_all;
mod keyed;

pub(crate) use all_to_all::{Inbox, Outbox, Routing, exchange};
pub(crate) use keyed::{Grouped, KeyedInbox, KeyedOutbox, Routed, exchange_by_key, lanes_of_both};
