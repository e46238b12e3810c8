//! The clock by which keys of a state are idle.

use std::boxed::Box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Vec;

use crate::stream::error::BatchError;
use crate::stream::exchange::{KeyedInbox, Routed};
use crate::stream::op::by_key::shuffle;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::run::executor::{NodeId, Scope, Step, blame};
use crate::stream::time::BatchTime;
use crate::stream::{Data, Key};

/// The event time of a record.
type EventTime<K, V> = dyn Fn(&K, &V) -> BatchTime + Send + Sync;

/// The records of each partition.
type Inboxes<K, V> = Vec<KeyedInbox<Routed<K, V>>>;

/// What tells, once for each batch, the time at which it touches its keys.
pub(crate) enum IdleClock<K, V> {
    BatchTime,
    /// Given the batch time.
    Given(Box<dyn Fn(BatchTime) -> BatchTime + Send + Sync>),
    /// The latest event time that there was.
    EventTime(Arc<EventTime<K, V>>),
}

impl<K: Key, V: Data> IdleClock<K, V> {
    /// What checkpoints call its times.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::BatchTime => "times of touch",
            Self::Given(_) => "times of touch by a clock",
            Self::EventTime(_) => "times of touch by events",
        }
    }

    /// Whether its time cannot be told from the batch time, so that checkpoints must hold it.
    pub(crate) const fn is_own(&self) -> bool {
        !matches!(self, Self::BatchTime)
    }

    /// Sends every record of a pipe to the partition that owns its key; and what time it is.
    pub(crate) fn shuffle<P: Pipe<Item = (K, V)>>(
        &self,
        step: &Step,
        pipe: &P,
    ) -> Result<(Inboxes<K, V>, BatchTime), BatchError> {
        match self {
            Self::BatchTime => Ok((shuffle(step, pipe)?, step.time)),
            Self::Given(clock) => {
                let now = step.guard(None, || clock(step.time))?;
                Ok((shuffle(step, pipe)?, now))
            }
            Self::EventTime(event_time) => {
                let watched = Watched {
                    pipe: pipe.clone(),
                    node: step.node,
                    event_time: Arc::clone(event_time),
                    latest: Arc::default(),
                };
                let inboxes = shuffle(step, &watched)?;
                let latest = watched.latest.load(Ordering::Relaxed);
                Ok((inboxes, BatchTime::from_millis(latest)))
            }
        }
    }
}

/// A pipeline, and the latest event time of what has come through it.
struct Watched<P, K, V> {
    pipe: P,
    node: NodeId,
    event_time: Arc<EventTime<K, V>>,
    /// Milliseconds.
    latest: Arc<AtomicU64>,
}

impl<P: Clone, K, V> Clone for Watched<P, K, V> {
    fn clone(&self) -> Self {
        Self {
            pipe: self.pipe.clone(),
            node: self.node,
            event_time: Arc::clone(&self.event_time),
            latest: Arc::clone(&self.latest),
        }
    }
}

impl<K: Data, V: Data, P: Pipe<Item = (K, V)>> Pipe for Watched<P, K, V> {
    type Item = (K, V);

    fn partitions(&self) -> usize {
        self.pipe.partitions()
    }

    fn weight(&self, partition: usize) -> usize {
        self.pipe.weight(partition)
    }

    fn run<S: FnMut((K, V))>(&self, scope: &Scope, sink: &mut S) {
        let mut latest = 0;
        self.pipe.run(scope, &mut |(key, value)| {
            let time = blame(self.node, || (self.event_time)(&key, &value));
            latest = latest.max(time.as_millis());
            sink((key, value));
        });
        self.latest.fetch_max(latest, Ordering::Relaxed);
    }
}
