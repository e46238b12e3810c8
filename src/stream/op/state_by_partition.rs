//! State per key, updated a partition at a time.

use std::boxed::Box;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::checkpoint::durable::Durable;
use crate::stream::data::{Data, Key};
use crate::stream::error::{BatchError, BoxError};
use crate::stream::exchange::{KeyedInbox, KeyedOutbox, Routed, exchange_by_key};
use crate::stream::op::by_key::shuffle;
use crate::stream::op::facets::{has_state, keeps_store};
use crate::stream::op::state::StateRows;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::Role;
use crate::stream::run::operator::Operator;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::stateful::Stateful;
use crate::stream::state::store::StateStore;
use crate::stream::state::table::OrderedTable;
use crate::stream::state::tables::GroupTables;
use crate::stream::time::BatchTime;

/// A key with its new values and its state so far.
pub type KeyUpdate<K, V, S> = (K, Vec<V>, Option<S>);

/// The values of the keys touched in a batch, by table of a partition.
type Arrived<K, V> = Vec<OrderedTable<K, Vec<V>>>;

struct PartitionOperator<P, K, S, F> {
    pipe: P,
    store: Arc<StateStore<K, S>>,
    update: F,
}

impl<P, K, V, S, I, F> Operator for PartitionOperator<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item = (K, S)>,
    F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync,
{
    fn evaluate(&mut self, context: &OperatorContext) -> Result<(), BatchError> {
        let inboxes = shuffle(context, &self.pipe)?.into_iter();
        let partitions = 0..self.store.partitions();
        let old = partitions.map(|at| self.store.write(at).take_groups());
        let all: Vec<_> = inboxes.zip(old).enumerate().collect();
        // States that may spill are in memory for one partition at a time.
        let at_once = match self.store.can_spill() {
            true => 1,
            false => all.len(),
        };
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            self.update_partitions(context, all.by_ref().take(at_once).collect())?;
        }
        Ok(())
    }

    has_state!();
}

impl<P, K, V, S, I, F> Stateful for PartitionOperator<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item = (K, S)>,
    F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync,
{
    keeps_store!(stateful);
}

impl<P, K, V, S, I, F> Durable for PartitionOperator<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item = (K, S)>,
    F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync,
{
    keeps_store!(durable);
}

/// A partition: its number, the records of the batch, and the states before it.
type Partition<K, V, S> = (usize, (KeyedInbox<Routed<K, V>>, GroupTables<K, S>));

impl<P: Sync, K: Key, S: Data, F> PartitionOperator<P, K, S, F> {
    /// Calls the function for partitions and stores what it returns.
    fn update_partitions<V, I>(
        &self,
        context: &OperatorContext,
        partitions: Vec<Partition<K, V, S>>,
    ) -> Result<(), BatchError>
    where
        V: Data,
        I: IntoIterator<Item = (K, S)>,
        F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync,
    {
        let routing = context.job.routing;
        let outboxes = context.try_each(
            partitions,
            |_| true,
            |task, (_, (inbox, old))| {
                let updates = drain(inbox, old)?;
                let mut outbox = KeyedOutbox::new(routing);
                for (key, value) in (self.update)(task.time, updates.into_iter()) {
                    let hash = route(&key);
                    outbox.send(Routed { hash, key, value });
                }
                Ok(outbox)
            },
        )?;
        let inboxes = exchange_by_key(routing, outboxes).into_iter().enumerate();
        context.try_each(
            inboxes.collect(),
            |(_, inbox)| !inbox.is_empty(),
            |_, (partition, inbox)| {
                let mut tables = self.store.write(partition);
                for (at, states) in inbox.into_groups().into_iter().enumerate() {
                    if states.is_empty() {
                        continue;
                    }
                    let table = tables.fetch(at)?;
                    for Routed { hash, key, value } in states {
                        let position = table.insert(hash, key, || None);
                        *table.value_mut(position) = Some(value);
                    }
                    tables.spill_if_full(at)?;
                }
                Ok(())
            },
        )?;
        Ok(())
    }
}

/// All keys of a partition: table by table, known keys first, then new ones.
fn drain<K: Key, V, S: Data>(
    inbox: KeyedInbox<Routed<K, V>>,
    old: GroupTables<K, S>,
) -> Result<Vec<KeyUpdate<K, V, S>>, BoxError> {
    let tables = 0..old.groups();
    let mut arrived: Arrived<K, V> = tables.map(|_| OrderedTable::new()).collect();
    for Routed { hash, key, value } in inbox {
        let table = &mut arrived[old.table_of(hash)];
        let position = table.insert(hash, key, Vec::new);
        table.value_mut(position).push(value);
    }
    let mut updates = Vec::new();
    for (table, mut new) in old.into_tables().zip(arrived) {
        for entry in table?.into_entries() {
            let found = new.find(entry.hash(), &entry.key);
            let values = found.map(|at| std::mem::take(new.value_mut(at)));
            updates.push((entry.key, values.unwrap_or_default(), entry.value));
        }
        // The values of known keys have been taken.
        let fresh = new.into_entries().into_iter();
        let fresh = fresh.filter(|entry| !entry.value.is_empty());
        updates.extend(fresh.map(|entry| (entry.key, entry.value, None)));
    }
    Ok(updates)
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Like [`update_state_by_key`](Self::update_state_by_key), for a function of all the keys of a
    /// partition at once: it gets every key that has a state or new values, and returns the keys
    /// with their states; it may leave keys out, add some, and rename them.
    ///
    /// A key that it returns is stored in the partition that owns it. If it is returned several
    /// times, in one partition or in several, the last one counts.
    ///
    /// # Cost
    ///
    /// Moves every state in every batch: several times the cost of
    /// [`update_state_by_key`](Self::update_state_by_key).
    ///
    /// # Memory
    ///
    /// With a [`state_backend`](crate::stream::ContextBuilder::state_backend) that may spill, all
    /// states of one partition besides the limit of the backend, since the function gets them at
    /// once: partitions are updated one after the other then, on one thread. More partitions are
    /// smaller ones.
    pub fn update_state_by_partition<S, I, F>(&self, f: F) -> DStream<'c, (K, S), StateRows<K, S>>
    where
        S: Data,
        I: IntoIterator<Item = (K, S)>,
        F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync + 'static,
    {
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        let operator = PartitionOperator {
            pipe: self.pipe.clone(),
            store: Arc::clone(&store),
            update: f,
        };
        let parents = vec![self.operator];
        let kind = "update_state_by_partition";
        let operator = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, Box::new(operator));
        DStream::new(self.ctx, operator, self.slide, StateRows::new(store))
    }
}
