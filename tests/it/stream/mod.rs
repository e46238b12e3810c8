//! The driver.

mod backends;
mod batch;
#[cfg(feature = "disk")]
mod disk;
mod failures;
mod handles;
mod incremental;
mod inputs;
mod large_batches;
mod life_cycle;
mod logs;
mod metrics;
mod operators;
mod outputs;
mod pacing;
mod policies;
mod receipts;
mod recovery;
#[cfg(feature = "redis")]
mod redis;
mod remembered;
mod replayable;
mod rules;
mod sources;
mod text_files;
mod time_to_live;
mod timeouts;
mod twin;

#[path = "../../support/flaky.rs"]
mod flaky;

use std::sync::{Arc, Mutex};

use forebay::stream::pipe::Pipe;
use forebay::stream::{BatchTime, ContextBuilder, DStream, Data, StreamingContext};

pub(crate) use flaky::Flaky;

/// The batches that an output saw.
pub(crate) struct Seen<T>(Arc<Mutex<Log<T>>>);

/// Batch times and items.
type Log<T> = Vec<(u64, Vec<T>)>;

impl<T: Clone> Seen<T> {
    /// Collects the batches of a stream.
    pub(crate) fn of<P: Pipe<Item = T>>(stream: &DStream<'_, T, P>) -> Self
    where
        T: Data,
    {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        stream.for_each_batch(move |batch, time| {
            let items = (time.as_millis(), batch.into_vec());
            sink.lock().unwrap().push(items);
            Ok(())
        });
        Self(seen)
    }

    /// The items of each batch, in their order.
    pub(crate) fn batches(&self) -> Vec<Vec<T>> {
        let seen = self.0.lock().unwrap();
        seen.iter().map(|(_, items)| items.clone()).collect()
    }

    pub(crate) fn times(&self) -> Vec<u64> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|(time, _)| *time)
            .collect()
    }

    /// The items of each batch, sorted.
    pub(crate) fn sorted(&self) -> Vec<Vec<T>>
    where
        T: Ord,
    {
        let mut batches = self.batches();
        batches.iter_mut().for_each(|items| items.sort());
        batches
    }
}

pub(crate) fn builder() -> ContextBuilder {
    StreamingContext::builder("test").threads(2).partitions(3)
}

pub(crate) fn context() -> StreamingContext {
    builder().build().unwrap()
}

pub(crate) fn millis(millis: u64) -> BatchTime {
    BatchTime::from_millis(millis)
}

pub(crate) fn run(ctx: StreamingContext) -> usize {
    ctx.into_driver().unwrap().run_to_end().unwrap()
}
