//! The records of the feed as a source that can be read again: a position is a number of records.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use forebay::stream::{BoxError, Source};

use crate::command::stream::feed::{Feed, Message};
use crate::command::stream::record::Record;
use crate::error::Error;

/// The most blocks that a batch by the clock gets: somebody who writes faster than they are taken
/// must not keep it from ever being cut.
const MOST_BLOCKS: usize = 256;

/// The records as they come; cloning gives another handle to the same.
#[derive(Clone)]
pub(crate) struct Lines {
    state: Arc<Mutex<State>>,
    /// How many records are in a batch, unless it is cut by the clock.
    size: Option<usize>,
}

struct State {
    feed: Feed,
    waiting: VecDeque<Record>,
    /// How many of the records to come an earlier run has had.
    known: u64,
    ended: bool,
    /// Why it has ended, if by an error.
    failure: Option<Error>,
}

impl State {
    /// Takes a message of the feed; without one it has ended.
    fn take(&mut self, message: Option<Message>) {
        match message {
            Some(Message::Records(records)) => {
                let known = self.known.min(records.len() as u64);
                self.known -= known;
                self.waiting
                    .extend(records.into_iter().skip(known as usize));
            }
            Some(Message::End(Err(error))) => {
                self.failure = Some(error);
                self.waiting.clear();
                self.ended = true;
            }
            Some(Message::End(Ok(())) | Message::Stop) | None => self.ended = true,
        }
    }

    /// Waits until so many records are there, or no more will come.
    fn fill(&mut self, count: usize) {
        while self.waiting.len() < count && !self.ended {
            let message = self.feed.next();
            self.take(message);
        }
    }

    /// Takes what has come.
    fn gather(&mut self) {
        for _ in 0..MOST_BLOCKS {
            match self.feed.next_if_there() {
                Some(message) if !self.ended => self.take(message),
                _ => return,
            }
        }
    }
}

impl Lines {
    pub(crate) fn new(feed: Feed, size: Option<usize>) -> Self {
        let state = State {
            feed,
            waiting: VecDeque::new(),
            known: 0,
            ended: false,
            failure: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            size,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the records of a batch; `false` if there are none and will be none.
    pub(crate) fn wait_for_batch(&self) -> bool {
        let mut state = self.lock();
        state.fill(self.size.unwrap_or(1));
        !state.waiting.is_empty()
    }

    /// The error that has ended the input.
    ///
    /// # Errors
    ///
    /// That one, if there is one.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        self.lock().failure.take().map_or(Ok(()), Err)
    }
}

impl Source for Lines {
    type Item = Record;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn seek(&mut self, to: &[u64]) -> Result<(), BoxError> {
        self.lock().known = to.first().copied().unwrap_or(0);
        Ok(())
    }

    fn plan(&mut self, at: &[u64], limit: usize) -> Result<Vec<Range<u64>>, BoxError> {
        let mut state = self.lock();
        match self.size {
            Some(size) => state.fill(size),
            None => state.gather(),
        }
        let most = limit.min(self.size.unwrap_or(usize::MAX));
        let count = state.waiting.len().min(most) as u64;
        Ok(at.iter().map(|&at| at..at + count).collect())
    }

    fn read(&mut self, _partition: usize, range: &Range<u64>) -> Result<Vec<Record>, BoxError> {
        let count = (range.end - range.start) as usize;
        Ok(self.lock().waiting.drain(..count).collect())
    }

    fn is_finished(&self, _at: &[u64]) -> bool {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            state.gather();
        }
        state.ended && state.waiting.is_empty()
    }
}
