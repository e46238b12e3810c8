//! An index of when keys were last touched, to find those that expire.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::vec;
use std::vec::Vec;

use crate::stream::state::tables::GroupTables;
use crate::stream::time::BatchTime;

/// The expiry index of one partition, which a snapshot may share with its operator.
pub(crate) type SharedExpiry = Mutex<Arc<Expiry>>;

/// The expiry index of one partition.
///
/// Keys are listed under the batch that touched them. A key touched again stays in its old list,
/// where it no longer counts because its time of touch differs; so a touch costs one entry, and
/// finding expired keys costs the keys that expire.
#[derive(Clone, Default)]
pub(crate) struct Expiry {
    /// For each table, the last touch of each entry; as long as the table.
    pub(super) touched: Vec<Vec<BatchTime>>,
    /// The table and the hash of every key touched in a batch, oldest batch first.
    pub(super) batches: VecDeque<(BatchTime, Vec<(u32, u64)>)>,
}

/// A key touched in a batch: the number of its table, and its hash.
pub(crate) struct Touch {
    time: BatchTime,
    pub(crate) table: u32,
    hash: u64,
}

impl Expiry {
    /// Records that the entry at a position of a table is touched now. Times never decrease.
    pub(crate) fn touch(&mut self, table: usize, position: usize, hash: u64, now: BatchTime) {
        if self.touched.len() <= table {
            self.touched.resize(table + 1, Vec::new());
        }
        let times = &mut self.touched[table];
        match times.get_mut(position) {
            Some(time) if *time == now => return,
            Some(time) => *time = now,
            None => times.push(now),
        }
        if self.batches.back().is_none_or(|(time, _)| *time != now) {
            self.batches.push_back((now, vec![]));
        }
        if let Some((_, keys)) = self.batches.back_mut() {
            keys.push((table as u32, hash));
        }
    }

    /// How many touches are listed under `now`.
    pub(crate) fn listed(&self, now: BatchTime) -> usize {
        let last = self.batches.back().filter(|(time, _)| *time == now);
        last.map_or(0, |(_, keys)| keys.len())
    }

    /// Sorts the touches listed last, which were recorded out of order, by their `places`.
    pub(crate) fn sort_last(&mut self, places: &[u64]) {
        if let Some((_, keys)) = self.batches.back_mut() {
            let first = keys.len() - places.len();
            let mut placed: Vec<_> = places.iter().zip(keys.drain(first..)).collect();
            placed.sort_unstable_by_key(|(place, _)| **place);
            keys.extend(placed.into_iter().map(|(_, key)| key));
        }
    }

    /// Follows the removal of an entry from its table; the last entry takes its place.
    pub(crate) fn swap_remove(&mut self, table: usize, position: usize) {
        if let Some(times) = self.touched.get_mut(table) {
            times.swap_remove(position);
        }
    }

    /// The position and the table of a key last touched before `threshold`, if there is one.
    pub(crate) fn next_due<K, S>(
        &mut self,
        threshold: BatchTime,
        state: &GroupTables<K, S>,
    ) -> Option<(usize, usize)> {
        while let Some((time, keys)) = self.batches.front_mut()
            && *time < threshold
        {
            let time = *time;
            while let Some((table, hash)) = keys.pop() {
                let touch = Touch { time, table, hash };
                if let Some(position) = Self::find_in(&self.touched, &touch, state) {
                    return Some((table as usize, position));
                }
            }
            self.batches.pop_front();
        }
        None
    }

    /// All touches before `threshold`, in the order of [`next_due`](Self::next_due), including
    /// those of keys touched again since.
    pub(crate) fn take_due(&mut self, threshold: BatchTime) -> impl Iterator<Item = Touch> {
        let due = self.batches.partition_point(|(time, _)| *time < threshold);
        self.batches.drain(..due).flat_map(|(time, keys)| {
            let last_first = keys.into_iter().rev();
            last_first.map(move |(table, hash)| Touch { time, table, hash })
        })
    }

    /// The position of the key of a touch, unless it was touched again or has gone.
    pub(crate) fn find<K, S>(&self, touch: &Touch, state: &GroupTables<K, S>) -> Option<usize> {
        Self::find_in(&self.touched, touch, state)
    }

    fn find_in<K, S>(
        touched: &[Vec<BatchTime>],
        touch: &Touch,
        state: &GroupTables<K, S>,
    ) -> Option<usize> {
        let table = touch.table as usize;
        let is_it = |position| touched[table][position] == touch.time;
        state.table(table).find_hash(touch.hash, is_it)
    }
}
