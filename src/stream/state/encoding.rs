//! A table as bytes: the number of its keys, then all keys, then all their states, in the order of
//! insertion. Outputs follow that order, so it is part of the state, and equal states are equal bytes.

use std::hash::Hash;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, put, take};
use crate::stream::state::table::OrderedTable;
use crate::stream::state::table::Table;

/// Writes a table: the number of its keys, the keys, their states.
pub(super) fn put_table<K, S>(
    table: &Table<K, S>,
    keys: &Codec<K>,
    states: &Codec<S>,
    out: &mut Vec<u8>,
) -> Result<(), BoxError> {
    let entries = table.entries();
    put(&(entries.len() as u64), out)?;
    keys.put_each(entries.iter().map(|entry| &entry.key), out)?;
    if entries.iter().any(|entry| entry.value.is_none()) {
        return Err("a state is held by its operator".into());
    }
    states.put_each(entries.iter().filter_map(|entry| entry.value.as_ref()), out)
}

/// Reads the keys of a table with their states, in the order of insertion.
pub(super) fn take_records<K, S>(
    keys: &Codec<K>,
    states: &Codec<S>,
    bytes: &mut &[u8],
) -> Result<Vec<(K, S)>, BoxError> {
    let count: u64 = take(bytes)?;
    let count = usize::try_from(count)?;
    // At most one of several different keys has an empty encoding.
    if count > bytes.len().saturating_add(1) {
        return Err("fewer keys follow than announced".into());
    }
    let keys = keys.take_each(count, bytes)?;
    let states = states.take_each(count, bytes)?;
    Ok(keys.into_iter().zip(states).collect())
}

pub(super) fn take_table<K: Hash + Eq, S>(
    keys: &Codec<K>,
    states: &Codec<S>,
    bytes: &mut &[u8],
) -> Result<Table<K, S>, BoxError> {
    let records = take_records(keys, states, bytes)?;
    let mut table = OrderedTable::with_capacity(records.len());
    for (key, state) in records {
        let expected = table.len();
        if table.insert(route(&key), key, || Some(state)) != expected {
            return Err("a key occurs twice".into());
        }
    }
    Ok(table)
}
