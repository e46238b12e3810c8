//! What outputs saw, and the settings of most tests of streams.
//!
//! Included by path from the tests of the core and of other crates.
#![allow(dead_code, reason = "each including crate uses some of them")]

use std::sync::{Arc, Mutex};

use forebay::stream::pipe::Pipe;
use forebay::stream::{ContextBuilder, DStream, Data, StreamingContext};

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
