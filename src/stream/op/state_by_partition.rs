//! State per key, updated a partition at a time.

use std::boxed::Box;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::error::BatchError;
use crate::stream::exchange::{KeyedInbox, KeyedOutbox, Routed, exchange_by_key};
use crate::stream::op::by_key::shuffle;
use crate::stream::pipeline::pipe::{Pipe, StateRows};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::{Node, Role};
use crate::stream::run::executor::Step;
use crate::stream::state::table::OrderedTable;
use crate::stream::state::{StateStore, keeps_store};
use crate::stream::time::BatchTime;
use crate::stream::{Data, Key};

/// A key with its new values and its state so far.
pub type KeyUpdate<K, V, S> = (K, Vec<V>, Option<S>);

/// The values of the keys touched in a batch, by table of a partition.
type Arrived<K, V> = Vec<OrderedTable<K, Vec<V>>>;

struct PartitionNode<P, K, S, F> {
    pipe: P,
    store: Arc<StateStore<K, S>>,
    update: F,
}

impl<P, K, V, S, I, F> Node for PartitionNode<P, K, S, F>
where
    K: Key,
    V: Data,
    S: Data,
    P: Pipe<Item = (K, V)>,
    I: IntoIterator<Item = (K, S)>,
    F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync,
{
    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        let routing = step.env.routing;
        let inboxes: Vec<_> = shuffle(step, &self.pipe)?.into_iter().enumerate().collect();
        let outboxes = step.each(
            inboxes,
            |_| true,
            |scope, (partition, inbox)| {
                let updates = self.drain(partition, inbox);
                let mut outbox = KeyedOutbox::new(routing);
                for (key, value) in (self.update)(scope.time, updates.into_iter()) {
                    let hash = route(&key);
                    outbox.send(Routed { hash, key, value });
                }
                outbox
            },
        )?;
        let inboxes = exchange_by_key(routing, outboxes).into_iter().enumerate();
        step.each(
            inboxes.collect(),
            |_| true,
            |_, (partition, inbox)| {
                let mut tables = self.store.write(partition);
                for Routed { hash, key, value } in inbox {
                    let at = tables.table_of(hash);
                    let table = tables.table_mut(at);
                    let position = table.insert(hash, key, || None);
                    *table.value_mut(position) = Some(value);
                }
                (0..tables.groups()).for_each(|at| tables.settle(at));
            },
        )?;
        Ok(())
    }

    keeps_store!();
}

impl<P, K: Key, S: Data, F> PartitionNode<P, K, S, F> {
    /// Empties the tables of a partition: known keys first, then new ones, table by table.
    fn drain<V>(
        &self,
        partition: usize,
        inbox: KeyedInbox<Routed<K, V>>,
    ) -> Vec<KeyUpdate<K, V, S>> {
        let mut state = self.store.write(partition);
        let tables = 0..state.groups();
        let mut arrived: Arrived<K, V> = tables.map(|_| OrderedTable::new()).collect();
        for Routed { hash, key, value } in inbox {
            let table = &mut arrived[state.table_of(hash)];
            let position = table.insert(hash, key, Vec::new);
            table.value_mut(position).push(value);
        }
        let mut updates = Vec::new();
        for (at, mut new) in arrived.into_iter().enumerate() {
            let table = std::mem::replace(state.table_mut(at), OrderedTable::new());
            for entry in table.into_entries() {
                let found = new.find(entry.hash(), &entry.key);
                let values = found.map(|at| std::mem::take(new.value_mut(at)));
                updates.push((entry.key, values.unwrap_or_default(), entry.value));
            }
            // The values of known keys have been taken.
            let fresh = new.into_entries().into_iter();
            let fresh = fresh.filter(|entry| !entry.value.is_empty());
            updates.extend(fresh.map(|entry| (entry.key, entry.value, None)));
        }
        updates
    }
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Like [`update_state_by_key`](Self::update_state_by_key), for a function of all the keys of
    /// a partition at once: it is given every key that has a state or new values, and returns the
    /// keys with their states; it may leave keys out, add some, and rename them.
    ///
    /// A key that it returns is kept where its hash says. If it is returned several times, in one
    /// partition or in several, the last time counts.
    ///
    /// # Cost
    ///
    /// Moves every state in every batch: several times that of
    /// [`update_state_by_key`](Self::update_state_by_key).
    pub fn update_state_by_partition<S, I, F>(&self, f: F) -> DStream<'c, (K, S), StateRows<K, S>>
    where
        S: Data,
        I: IntoIterator<Item = (K, S)>,
        F: Fn(BatchTime, vec::IntoIter<KeyUpdate<K, V, S>>) -> I + Send + Sync + 'static,
    {
        let store = Arc::new(StateStore::new(self.ctx.settings().routing));
        let node = PartitionNode {
            pipe: self.pipe.clone(),
            store: Arc::clone(&store),
            update: f,
        };
        let parents = vec![self.node];
        let kind = "update_state_by_partition";
        let node = self
            .ctx
            .add(Role::Stream, kind, parents, self.slide, |_| Box::new(node));
        DStream::new(self.ctx, node, self.slide, StateRows::new(store))
    }
}
