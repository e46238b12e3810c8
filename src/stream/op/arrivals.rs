//! Sending records to the states of their keys.
//!
//! Most keys of a batch usually have a state. A source partition looks them up itself while it has
//! the record in the cache: the position of the state is sent instead of the key, and the key is
//! dropped where it was made. An exchange between machines would send all keys instead.

use std::mem::needs_drop;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::vec::Vec;

use crate::hash::route;
use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::exchange::{Grouped, KeyedInbox, KeyedOutbox, Routed, Routing};
use crate::stream::op::by_key::shuffle;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::store::StateStore;
use crate::stream::state::table::Table;
use crate::stream::threads::blame::blame;
use crate::stream::threads::lock::lock;

/// A value for a key that has a state, and where that state is.
pub(crate) struct Known<V> {
    group: u32,
    pub(crate) position: u32,
    pub(crate) value: V,
}

impl<V> Grouped for Known<V> {
    #[inline]
    fn group(&self, _: Routing) -> usize {
        self.group as usize
    }
}

/// What one partition receives. A key is either known or new throughout a batch.
pub(crate) struct Arrivals<K, V> {
    pub(crate) known: KeyedInbox<Known<V>>,
    pub(crate) new: KeyedInbox<Routed<K, V>>,
}

impl<K, V> Arrivals<K, V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.new.is_empty()
    }
}

/// Sends every record of a pipe to the partition that owns its key. Where tables can spill, all
/// keys are treated as new: only the owner reads its tables, one at a time.
pub(crate) fn send_to_states<K: Key, V: Data, S: Data, P: Pipe<Item = (K, V)>>(
    context: &OperatorContext,
    pipe: &P,
    store: &StateStore<K, S>,
) -> Result<Vec<Arrivals<K, V>>, BatchError> {
    let routing = context.job.routing;
    if store.can_spill() {
        let known = context.exchange(Vec::new()).into_iter();
        let both = known.zip(shuffle(context, pipe)?);
        return Ok(both.map(|(known, new)| Arrivals { known, new }).collect());
    }
    let guards: Vec<_> = (0..store.partitions()).map(|at| store.read(at)).collect();
    let tables: Vec<_> = guards.iter().flat_map(|guard| guard.tables()).collect();
    let turn = Mutex::new(());
    let outboxes = context.run(pipe, |task| {
        let mut sender = Lookup::new(routing, &tables, DroppedKeys::new(&turn));
        pipe.run(task, &mut |(key, value)| {
            blame(context.operator, || sender.offer(key, value));
        });
        blame(context.operator, || sender.finish())
    })?;
    let (known, new) = outboxes.into_iter().unzip();
    let known = context.exchange(known).into_iter();
    let both = known.zip(context.exchange(new));
    Ok(both.map(|(known, new)| Arrivals { known, new }).collect())
}

/// How many records are looked up at once.
pub(crate) const BLOCK: usize = 64;

/// The position of a key without a state, or of one that was not looked up.
pub(crate) const NOWHERE: usize = usize::MAX;

/// The positions of the states of at most [`BLOCK`] records, each in the table that `table_of`
/// returns for its place in the block, unless another key has the same hash; [`NOWHERE`] for a new
/// key.
///
/// In two passes, each short enough for the processor to start the next records while it waits for
/// the memory of one: first the indices are read, then the entries.
pub(crate) fn likely<'t, K: 't, V, S: 't>(
    block: &[Routed<K, V>],
    table_of: impl Fn(usize) -> &'t Table<K, S>,
) -> [usize; BLOCK] {
    let mut likely = [NOWHERE; BLOCK];
    for (place, (likely, record)) in likely.iter_mut().zip(block).enumerate() {
        *likely = table_of(place).guess(record.hash).unwrap_or(NOWHERE);
    }
    for (place, (likely, record)) in likely.iter_mut().zip(block).enumerate() {
        let table = table_of(place);
        let entry = table.entries().get(*likely);
        if entry.is_some_and(|entry| entry.hash() != record.hash) {
            *likely = table.find_hash(record.hash, |_| true).unwrap_or(NOWHERE);
        }
    }
    likely
}

/// Keys that are no longer needed, dropped by one thread at a time: their memory usually comes from
/// one heap, and two threads that free it at once contend for its lists with every key.
struct DroppedKeys<'a, K> {
    keys: Vec<K>,
    turn: &'a Mutex<()>,
}

impl<'a, K> DroppedKeys<'a, K> {
    /// This many are dropped if no other thread is dropping, and this many in any case.
    const FEW: usize = 256;
    const MANY: usize = 16 * Self::FEW;

    const fn new(turn: &'a Mutex<()>) -> Self {
        Self {
            keys: Vec::new(),
            turn,
        }
    }

    #[inline]
    fn take(&mut self, key: K) {
        if needs_drop::<K>() {
            self.keys.push(key);
        }
    }

    /// Drops the keys, if there are enough.
    fn drop_if_many(&mut self) {
        let turn = match self.keys.len() {
            0..Self::FEW => return,
            Self::FEW..Self::MANY => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            },
            _ => lock(self.turn),
        };
        self.keys.clear();
        drop::<MutexGuard<'_, ()>>(turn);
    }
}

impl<K> Drop for DroppedKeys<'_, K> {
    fn drop(&mut self) {
        let _turn = lock(self.turn);
        self.keys.clear();
    }
}

/// Looks up the keys of one source partition, block by block.
struct Lookup<'a, K, V, S> {
    routing: Routing,
    /// By key group.
    tables: &'a [&'a Table<K, S>],
    block: Vec<Routed<K, V>>,
    known: KeyedOutbox<Known<V>>,
    new: KeyedOutbox<Routed<K, V>>,
    dropped_keys: DroppedKeys<'a, K>,
}

impl<'a, K: Key, V, S> Lookup<'a, K, V, S> {
    fn new(
        routing: Routing,
        tables: &'a [&'a Table<K, S>],
        dropped_keys: DroppedKeys<'a, K>,
    ) -> Self {
        Self {
            routing,
            tables,
            block: Vec::new(),
            dropped_keys,
            known: KeyedOutbox::new(routing),
            new: KeyedOutbox::new(routing),
        }
    }

    #[inline]
    fn offer(&mut self, key: K, value: V) {
        let hash = route(&key);
        self.block.push(Routed { hash, key, value });
        if self.block.len() == BLOCK {
            self.send_block();
        }
    }

    #[inline(never)]
    fn send_block(&mut self) {
        let mut groups = [0; BLOCK];
        for (group, record) in groups.iter_mut().zip(&self.block) {
            *group = record.group(self.routing);
        }
        let table_of = |place: usize| self.tables[groups[place]];
        let mut found = likely(&self.block, table_of);
        for (place, (found, record)) in found.iter_mut().zip(&self.block).enumerate() {
            if *found != NOWHERE {
                let known = table_of(place).find_near(*found, record.hash, &record.key);
                *found = known.unwrap_or(NOWHERE);
            }
        }
        let found = found.iter().zip(&groups);
        for (record, (&position, &group)) in self.block.drain(..).zip(found) {
            if position == NOWHERE {
                self.new.send(record);
                continue;
            }
            self.known.send(Known {
                group: group as u32,
                position: position as u32,
                value: record.value,
            });
            self.dropped_keys.take(record.key);
        }
        self.dropped_keys.drop_if_many();
    }

    fn finish(mut self) -> (KeyedOutbox<Known<V>>, KeyedOutbox<Routed<K, V>>) {
        self.send_block();
        (self.known, self.new)
    }
}
