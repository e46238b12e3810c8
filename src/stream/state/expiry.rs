//! An index of when the keys of a table were last touched, to find those that expire.

use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

use crate::stream::state::table::Table;
use crate::stream::time::BatchTime;

/// The expiry index of one table.
///
/// Keys are listed under the batch that touched them. A key touched again stays in its old list,
/// where it no longer counts because its time of touch differs; so a touch costs one entry, and
/// finding expired keys costs the keys that expire.
#[derive(Clone, Default)]
pub(crate) struct Expiry {
    /// The last touch of each entry, by its position in the table.
    pub(super) touched: Vec<BatchTime>,
    /// The hashes of the keys touched in a batch, oldest batch first.
    pub(super) batches: VecDeque<(BatchTime, Vec<u64>)>,
}

impl Expiry {
    /// Records that the entry at a position is touched now. Times never decrease.
    pub(super) fn touch(&mut self, position: usize, hash: u64, now: BatchTime) {
        match self.touched.get_mut(position) {
            Some(time) if *time == now => return,
            Some(time) => *time = now,
            None => self.touched.push(now),
        }
        match self.batches.back_mut() {
            Some((time, hashes)) if *time == now => hashes.push(hash),
            _ => self.batches.push_back((now, vec![hash])),
        }
    }

    /// Follows the removal of an entry from the table; the last entry takes its place.
    pub(super) fn swap_remove(&mut self, position: usize) {
        self.touched.swap_remove(position);
    }

    /// Whether any touch before `threshold` is listed, perhaps of a key that was touched again.
    pub(super) fn lists_any_before(&self, threshold: BatchTime) -> bool {
        let oldest = self.batches.front();
        oldest.is_some_and(|(time, _)| *time < threshold)
    }

    /// The position of a key last touched before `threshold`, if there is one.
    pub(super) fn next_due<K, S>(
        &mut self,
        threshold: BatchTime,
        table: &Table<K, S>,
    ) -> Option<usize> {
        while self.lists_any_before(threshold) {
            let (time, hashes) = self.batches.front_mut()?;
            while let Some(hash) = hashes.pop() {
                let is_it = |position: usize| self.touched[position] == *time;
                if let Some(position) = table.find_hash(hash, is_it) {
                    return Some(position);
                }
            }
            self.batches.pop_front();
        }
        None
    }
}
