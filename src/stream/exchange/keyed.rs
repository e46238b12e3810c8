//! The exchange of records by key: to partitions, and within them to key groups.
//!
//! In a large batch the records of one key group are kept together, so that the table of that group
//! alone is in the caches while they are processed. Few records are not worth it, and stay in their
//! order of arrival.

use std::iter::Flatten;
use std::vec::Vec;
use std::{mem, vec};

use crate::stream::exchange::{Inbox, Outbox, Routing, exchange};

/// A record on its way: the hash is computed once and serves routing and every table after it.
pub(crate) struct Routed<K, V> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    pub(crate) value: V,
}

/// What belongs to one key group.
pub(crate) trait Grouped {
    fn group(&self, routing: Routing) -> usize;
}

impl<K, V> Grouped for Routed<K, V> {
    #[inline]
    fn group(&self, routing: Routing) -> usize {
        routing.group(self.hash) as usize
    }
}

/// How many records for each key group, on average, are few.
const FEW: usize = 8;

/// What one partition sends.
pub(crate) struct KeyedOutbox<T> {
    routing: Routing,
    /// The first records, while they are few.
    early: Vec<T>,
    /// All records by key group, once they are not few.
    groups: Option<Outbox<T>>,
}

impl<T: Grouped> KeyedOutbox<T> {
    pub(crate) fn new(routing: Routing) -> Self {
        Self {
            routing,
            early: Vec::new(),
            groups: None,
        }
    }

    #[inline]
    pub(crate) fn send(&mut self, record: T) {
        match &mut self.groups {
            Some(groups) => groups.send(record.group(self.routing), record),
            None => self.send_early(record),
        }
    }

    #[inline(never)]
    fn send_early(&mut self, record: T) {
        self.early.push(record);
        if self.early.len() >= FEW * self.routing.groups as usize {
            let early = mem::take(&mut self.early);
            self.groups = Some(by_group(self.routing, early));
        }
    }

    /// Whether it has so many records that they are kept by key group.
    pub(crate) fn is_large(&self) -> bool {
        self.groups.is_some()
    }

    fn into_groups(self) -> Outbox<T> {
        match self.groups {
            Some(groups) => groups,
            None => by_group(self.routing, self.early),
        }
    }

    fn into_partitions(self) -> Outbox<T> {
        let mut partitions = Outbox::new(self.routing.partitions as usize);
        for record in self.early {
            let partition = self.routing.owner(record.group(self.routing) as u32);
            partitions.send(partition, record);
        }
        partitions
    }
}

fn by_group<T: Grouped>(routing: Routing, records: Vec<T>) -> Outbox<T> {
    let mut groups = Outbox::new(routing.groups as usize);
    for record in records {
        groups.send(record.group(routing), record);
    }
    groups
}

/// What one partition receives. Iterating over it keeps together what is of one lane.
pub(crate) struct KeyedInbox<T> {
    routing: Routing,
    partition: usize,
    lanes: Lanes<T>,
}

/// The records of a partition, in order of arrival within each lane.
enum Lanes<T> {
    /// One lane for all.
    One(Inbox<T>),
    /// One for each key group of the partition.
    ByGroup(Vec<Inbox<T>>),
}

impl<T> Lanes<T> {
    fn into_vec(self) -> Vec<Inbox<T>> {
        match self {
            Self::One(lane) => vec![lane],
            Self::ByGroup(lanes) => lanes,
        }
    }
}

impl<T: Grouped> KeyedInbox<T> {
    pub(crate) fn is_empty(&self) -> bool {
        match &self.lanes {
            Lanes::One(lane) => lane.is_empty(),
            Lanes::ByGroup(lanes) => lanes.iter().all(Inbox::is_empty),
        }
    }

    /// Parts with no key in common.
    pub(crate) fn into_lanes(self) -> Vec<Inbox<T>> {
        self.lanes.into_vec()
    }

    /// One part for each key group of the partition.
    pub(crate) fn into_groups(self) -> Vec<Inbox<T>> {
        let lane = match self.lanes {
            Lanes::ByGroup(lanes) => return lanes,
            Lanes::One(lane) => lane,
        };
        let range = self.routing.range(self.partition);
        let mut groups = Outbox::new(range.len());
        for record in lane {
            let group = record.group(self.routing) - range.start as usize;
            groups.send(group, record);
        }
        exchange(vec![groups], range.len())
    }
}

impl<T> IntoIterator for KeyedInbox<T> {
    type Item = T;
    type IntoIter = Flatten<vec::IntoIter<Inbox<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.lanes.into_vec().into_iter().flatten()
    }
}

/// The parts of two inboxes of one partition, such that the records of a key are in the same one.
pub(crate) fn lanes_of_both<T: Grouped, U: Grouped>(
    left: KeyedInbox<T>,
    right: KeyedInbox<U>,
) -> Vec<(Inbox<T>, Inbox<U>)> {
    let (left, right) = match (&left.lanes, &right.lanes) {
        (Lanes::One(_), Lanes::One(_)) => (left.into_lanes(), right.into_lanes()),
        _ => (left.into_groups(), right.into_groups()),
    };
    left.into_iter().zip(right).collect()
}

/// All to all, by key: every partition receives the records of its key groups.
pub(crate) fn exchange_by_key<T: Grouped>(
    routing: Routing,
    outboxes: Vec<KeyedOutbox<T>>,
) -> Vec<KeyedInbox<T>> {
    let partitions = routing.partitions as usize;
    let many = outboxes.iter().any(KeyedOutbox::is_large);
    let mut boxes = if many {
        let boxes = outboxes.into_iter().map(KeyedOutbox::into_groups);
        exchange(boxes.collect(), routing.groups as usize).into_iter()
    } else {
        let boxes = outboxes.into_iter().map(KeyedOutbox::into_partitions);
        exchange(boxes.collect(), partitions).into_iter()
    };
    let inbox = |partition| {
        let groups = routing.range(partition).len();
        let lanes = match many {
            true => Lanes::ByGroup(boxes.by_ref().take(groups).collect()),
            false => Lanes::One(boxes.next().expect("there is one for each partition")),
        };
        KeyedInbox {
            routing,
            partition,
            lanes,
        }
    };
    (0..partitions).map(inbox).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTING: Routing = Routing {
        groups: 5,
        partitions: 3,
    };

    /// A record that says which source sent it, and as which.
    fn record(source: usize, number: usize) -> Routed<u64, (usize, usize)> {
        let key = number as u64 % 17;
        Routed {
            hash: crate::hash::route(&key),
            key,
            value: (source, number),
        }
    }

    fn sent(lens: &[usize]) -> Vec<KeyedInbox<Routed<u64, (usize, usize)>>> {
        let outbox = |(source, &len): (usize, &usize)| {
            let mut outbox = KeyedOutbox::new(ROUTING);
            (0..len).for_each(|number| outbox.send(record(source, number)));
            outbox
        };
        let outboxes = lens.iter().enumerate().map(outbox).collect();
        exchange_by_key(ROUTING, outboxes)
    }

    #[test]
    fn every_record_arrives_once_in_order_at_the_group_that_owns_its_key() {
        const MANY: usize = FEW * ROUTING.groups as usize;
        for lens in [
            [0, 0, 0],
            [3, 0, 7],
            [MANY - 1; 3],
            [MANY, 2, 0],
            [1, 9 * MANY, MANY],
        ] {
            let mut arrived = 0;
            for (partition, inbox) in sent(&lens).into_iter().enumerate() {
                let range = ROUTING.range(partition);
                assert_eq!(inbox.is_empty(), lens == [0; 3]);
                let groups = inbox.into_groups();
                assert_eq!(groups.len(), range.len());
                for (group, records) in range.zip(groups) {
                    let records: Vec<_> = records.into_iter().collect();
                    assert!(records.iter().all(|r| ROUTING.group(r.hash) == group));
                    assert!(records.is_sorted_by_key(|record| record.value));
                    arrived += records.len();
                }
            }
            assert_eq!(arrived, lens.iter().sum::<usize>());
        }
    }

    #[test]
    fn few_records_come_in_one_lane_in_order_and_many_by_group() {
        for (lens, lanes) in [([30, 30, 30], [1, 1, 1]), ([30, 41, 0], [2, 2, 1])] {
            for (inbox, lanes) in sent(&lens).into_iter().zip(lanes) {
                let arrived = inbox.into_lanes();
                assert_eq!(arrived.len(), lanes);
                for lane in arrived {
                    let values = lane.into_iter().map(|record| record.value);
                    assert!(values.is_sorted());
                }
            }
        }
    }

    #[test]
    fn a_key_is_in_the_same_lane_of_both_sides() {
        for (left, right) in [([9, 9, 9], [99, 0, 0]), ([99, 9, 0], [0, 0, 3])] {
            for (left, right) in sent(&left).into_iter().zip(sent(&right)) {
                let mut lane_of = std::collections::HashMap::new();
                let lanes = lanes_of_both(left, right).into_iter().enumerate();
                for (lane, (left, right)) in lanes {
                    for record in left.into_iter().chain(right) {
                        assert_eq!(*lane_of.entry(record.key).or_insert(lane), lane);
                    }
                }
            }
        }
    }
}
