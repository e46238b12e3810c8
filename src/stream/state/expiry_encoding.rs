//! The expiry index as bytes.

use std::vec;
use std::vec::Vec;

use crate::stream::error::BoxError;
use crate::stream::state::codec::{put, take};
use crate::stream::state::expiry::Expiry;
use crate::stream::state::table::Table;
use crate::stream::time::BatchTime;

/// Touches of the entries of all tables, to be sorted: time, place in its list, table and hash.
pub(crate) type Touches = Vec<(BatchTime, u64, u32, u64)>;

impl Expiry {
    /// For each entry of a table, when it was last touched, and its place among the keys of that
    /// batch.
    pub(crate) fn put<K, S>(
        &self,
        at: usize,
        table: &Table<K, S>,
        out: &mut Vec<u8>,
    ) -> Result<(), BoxError> {
        let times = self.touched.get(at).map_or(&[][..], Vec::as_slice);
        let mut places = vec![0; times.len()];
        for (time, keys) in &self.batches {
            for ((_, hash), place) in keys
                .iter()
                .zip(1u64..)
                .filter(|((t, _), _)| *t as usize == at)
            {
                let found = table.find_hash(*hash, |at| times[at] == *time);
                if let Some(position) = found {
                    places[position] = place;
                }
            }
        }
        for (time, place) in times.iter().zip(places) {
            put(&(time.as_millis(), place), out)?;
        }
        Ok(())
    }

    /// Reads what [`put`](Self::put) has written, for the entries of a table.
    pub(crate) fn take<K, S>(
        table: &Table<K, S>,
        at: usize,
        bytes: &mut &[u8],
    ) -> Result<Touches, BoxError> {
        let entries = table.entries().iter();
        let touch = |entry: &crate::stream::state::table::Entry<K, Option<S>>| {
            let (time, place) = take(bytes)?;
            Ok((BatchTime::from_millis(time), place, at as u32, entry.hash()))
        };
        entries.map(touch).collect()
    }

    /// The index of a partition with these touches, those of a table in the order of its entries.
    pub(crate) fn from_touches(mut touches: Touches) -> Self {
        let mut expiry = Self::default();
        for &(time, _, table, _) in &touches {
            let table = table as usize;
            if expiry.touched.len() <= table {
                expiry.touched.resize(table + 1, Vec::new());
            }
            expiry.touched[table].push(time);
        }
        touches.sort_by_key(|&(time, place, table, _)| (time, place, table));
        for (time, _, table, hash) in touches {
            match expiry.batches.back_mut() {
                Some((last, keys)) if *last == time => keys.push((table, hash)),
                _ => expiry.batches.push_back((time, vec![(table, hash)])),
            }
        }
        expiry
    }
}
