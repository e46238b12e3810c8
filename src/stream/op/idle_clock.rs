//! The clock of the time-outs of `state_by_key`.

use std::boxed::Box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Vec;

use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::exchange::{KeyedInbox, Routed};
use crate::stream::op::by_key::shuffle;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::threads::blame::{OperatorId, blame};
use crate::stream::time::BatchTime;

/// The event time of a record.
type EventTime<K, V> = dyn Fn(&K, &V) -> BatchTime + Send + Sync;

/// The records of each partition.
type Inboxes<K, V> = Vec<KeyedInbox<Routed<K, V>>>;

/// The clock that gives, once for each batch, the time at which it touches its keys.
pub(crate) enum IdleClock<K, V> {
    BatchTime,
    /// Given the batch time.
    Given(Box<dyn Fn(BatchTime) -> BatchTime + Send + Sync>),
    /// The latest event time so far.
    EventTime(Arc<EventTime<K, V>>),
}

impl<K: Key, V: Data> IdleClock<K, V> {
    /// The name of the clock in checkpoints.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::BatchTime => "times of touch",
            Self::Given(_) => "times of touch by a clock",
            Self::EventTime(_) => "times of touch by events",
        }
    }

    /// Whether its time does not follow from the batch time, so that checkpoints must store it.
    pub(crate) const fn is_own(&self) -> bool {
        !matches!(self, Self::BatchTime)
    }

    /// Sends every record of a pipe to the partition that owns its key; returns the time of the
    /// clock, too.
    pub(crate) fn shuffle<P: Pipe<Item = (K, V)>>(
        &self,
        context: &OperatorContext,
        pipe: &P,
    ) -> Result<(Inboxes<K, V>, BatchTime), BatchError> {
        match self {
            Self::BatchTime => Ok((shuffle(context, pipe)?, context.time)),
            Self::Given(clock) => {
                let now = context.guard(None, || clock(context.time))?;
                Ok((shuffle(context, pipe)?, now))
            }
            Self::EventTime(event_time) => {
                let watched = Watched {
                    pipe: pipe.clone(),
                    operator: context.operator,
                    event_time: Arc::clone(event_time),
                    latest: Arc::default(),
                };
                let inboxes = shuffle(context, &watched)?;
                let latest = watched.latest.load(Ordering::Relaxed);
                Ok((inboxes, BatchTime::from_millis(latest)))
            }
        }
    }
}

/// A pipeline that records the latest event time of its items.
struct Watched<P, K, V> {
    pipe: P,
    operator: OperatorId,
    event_time: Arc<EventTime<K, V>>,
    /// Milliseconds.
    latest: Arc<AtomicU64>,
}

impl<P: Clone, K, V> Clone for Watched<P, K, V> {
    fn clone(&self) -> Self {
        Self {
            pipe: self.pipe.clone(),
            operator: self.operator,
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

    fn input_len(&self, partition: usize) -> usize {
        self.pipe.input_len(partition)
    }

    fn run<S: FnMut((K, V))>(&self, task: &PartitionContext, sink: &mut S) {
        let mut latest = 0;
        self.pipe.run(task, &mut |(key, value)| {
            let time = blame(self.operator, || (self.event_time)(&key, &value));
            latest = latest.max(time.as_millis());
            sink((key, value));
        });
        self.latest.fetch_max(latest, Ordering::Relaxed);
    }
}
