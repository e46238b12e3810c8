//! The only way records move between partitions: every source partition fills one outbox per
//! destination, and every destination gets its boxes in the order of the sources.
//!
//! In one process the boxes are handed over as they are. The exchange of a dataflow engine could
//! stand here instead: nothing else in the driver knows how records move.

use std::mem;
use std::ops::Range;
use std::vec::Vec;

/// How keys are assigned to key groups, and key groups to partitions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Routing {
    pub(crate) groups: u32,
    pub(crate) partitions: u32,
}

impl Routing {
    /// The key group of a key with this [`route`](crate::hash::route) hash.
    ///
    /// Taken from bits 16 to 47, highest first: the tables within a group use the lowest bits of
    /// the same hash for the bucket and the highest seven for the tag, and both must still differ.
    #[inline]
    pub(crate) fn group(self, hash: u64) -> u32 {
        ((u64::from((hash >> 16) as u32) * u64::from(self.groups)) >> 32) as u32
    }

    /// The partition that owns a key group: contiguous ranges, as even as can be.
    #[inline]
    pub(crate) fn owner(self, group: u32) -> usize {
        (u64::from(group) * u64::from(self.partitions) / u64::from(self.groups)) as usize
    }

    #[inline]
    pub(crate) fn partition(self, hash: u64) -> usize {
        self.owner(self.group(hash))
    }

    /// The key groups of a partition.
    pub(crate) fn range(self, partition: usize) -> Range<u32> {
        let first = |partition: u64| {
            (partition * u64::from(self.groups)).div_ceil(u64::from(self.partitions)) as u32
        };
        first(partition as u64)..first(partition as u64 + 1)
    }
}

/// How many items the first run and the longest run to one destination have room for.
///
/// Short runs come from the allocator's free lists batch after batch; one long vector would be
/// copied as it grows and be given back to the operating system after each batch.
const RUN: (usize, usize) = (16, 1_024);

/// Items in order, in runs.
struct Runs<T> {
    /// All of them full.
    full: Vec<Vec<T>>,
    last: Vec<T>,
}

impl<T> Runs<T> {
    const fn new() -> Self {
        Self {
            full: Vec::new(),
            last: Vec::new(),
        }
    }

    #[inline]
    fn push(&mut self, item: T) {
        if self.last.len() == self.last.capacity() {
            self.begin_run();
        }
        self.last.push(item);
    }

    #[cold]
    fn begin_run(&mut self) {
        let doubled = match self.last.capacity() {
            0 => RUN.0,
            before => before.saturating_mul(2).min(RUN.1),
        };
        let run = mem::replace(&mut self.last, Vec::with_capacity(doubled));
        if !run.is_empty() {
            self.full.push(run);
        }
    }

    fn into_vecs(self) -> impl Iterator<Item = Vec<T>> {
        let last = Some(self.last).filter(|run| !run.is_empty());
        self.full.into_iter().chain(last)
    }
}

/// What one partition sends, by destination.
pub(crate) struct Outbox<T>(Vec<Runs<T>>);

impl<T> Outbox<T> {
    pub(crate) fn new(destinations: usize) -> Self {
        Self((0..destinations).map(|_| Runs::new()).collect())
    }

    #[inline]
    pub(crate) fn send(&mut self, destination: usize, item: T) {
        self.0[destination].push(item);
    }
}

/// What one partition receives: runs of items, in the order of the sources.
pub(crate) struct Inbox<T>(Vec<Vec<T>>);

impl<T> Inbox<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

impl<T> IntoIterator for Inbox<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// All to all: destination `d` receives what every outbox holds for `d`.
pub(crate) fn exchange<T>(outboxes: Vec<Outbox<T>>, destinations: usize) -> Vec<Inbox<T>> {
    let mut inboxes: Vec<Inbox<T>> = (0..destinations).map(|_| Inbox(Vec::new())).collect();
    for outbox in outboxes {
        for (inbox, runs) in inboxes.iter_mut().zip(outbox.0) {
            inbox.0.extend(runs.into_vecs());
        }
    }
    inboxes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::route;

    #[test]
    fn every_group_lies_in_the_range_of_its_owner_and_the_ranges_tile() {
        for groups in [1, 7, 128] {
            for partitions in 1..=130 {
                let routing = Routing { groups, partitions };
                let mut next = 0;
                for partition in 0..partitions as usize {
                    let range = routing.range(partition);
                    assert_eq!(range.start, next);
                    next = range.end;
                    assert!(range.clone().all(|group| routing.owner(group) == partition));
                }
                assert_eq!(next, groups);
            }
        }
    }

    #[test]
    fn groups_are_even() {
        let routing = Routing {
            groups: 128,
            partitions: 8,
        };
        let mut counts = [0u32; 128];
        for key in 0..128_000u64 {
            counts[routing.group(route(&key)) as usize] += 1;
        }
        // Six standard deviations of a binomial with mean 1,000.
        assert!(counts.iter().all(|&count| count.abs_diff(1_000) < 190));
    }

    #[test]
    fn an_inbox_keeps_the_order_of_the_sources() {
        let mut outboxes = Vec::new();
        for source in 0..3 {
            let mut outbox = Outbox::new(2);
            for item in 0..4 {
                outbox.send(item % 2, (source, item));
            }
            outboxes.push(outbox);
        }
        let received: Vec<Vec<_>> = exchange(outboxes, 2)
            .into_iter()
            .map(|inbox| inbox.into_iter().collect())
            .collect();
        assert_eq!(
            received[1],
            [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3)]
        );
    }
}
