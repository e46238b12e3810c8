//! The expiry index as bytes.

use std::vec;
use std::vec::Vec;

use crate::stream::error::BoxError;
use crate::stream::state::codec::{put, take};
use crate::stream::state::expiry::Expiry;
use crate::stream::state::table::Table;
use crate::stream::time::BatchTime;

impl Expiry {
    /// For each entry of the table, when it was last touched, and its place among the keys of that
    /// batch.
    pub(super) fn put<K, S>(&self, table: &Table<K, S>, out: &mut Vec<u8>) -> Result<(), BoxError> {
        let mut places = vec![0; self.touched.len()];
        for (time, hashes) in &self.batches {
            for (hash, place) in hashes.iter().zip(1u64..) {
                let found = table.find_hash(*hash, |at| self.touched[at] == *time);
                if let Some(position) = found {
                    places[position] = place;
                }
            }
        }
        for (time, place) in self.touched.iter().zip(places) {
            put(&(time.as_millis(), place), out)?;
        }
        Ok(())
    }

    /// Reads what [`put`](Self::put) has written, for the entries of the table.
    pub(super) fn take<K, S>(table: &Table<K, S>, bytes: &mut &[u8]) -> Result<Self, BoxError> {
        let mut expiry = Self::default();
        let mut touches = Vec::with_capacity(table.len());
        for entry in table.entries() {
            let (time, place): (u64, u64) = take(bytes)?;
            let time = BatchTime::from_millis(time);
            expiry.touched.push(time);
            touches.push((time, place, entry.hash()));
        }
        touches.sort_by_key(|&(time, place, _)| (time, place));
        for (time, _, hash) in touches {
            match expiry.batches.back_mut() {
                Some((last, hashes)) if *last == time => hashes.push(hash),
                _ => expiry.batches.push_back((time, vec![hash])),
            }
        }
        Ok(expiry)
    }
}
