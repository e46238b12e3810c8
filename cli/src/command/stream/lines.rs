//! The records of the feed as a replayable source; a position is a number of records.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use forebay::stream::{BoxError, Source};

use crate::command::stream::feed::{Feed, Message};
use crate::command::stream::record::Record;
use crate::error::{Error, Interrupt};

/// About how many bytes of memory the lines of a batch of an interval take at most, so that a batch
/// ends even if input arrives faster than it is taken.
const INTERVAL_BYTES: usize = 64 << 20;

/// The records as they arrive; a clone is a handle to the same records.
#[derive(Clone)]
pub(crate) struct LineSource {
    state: Arc<Mutex<State>>,
    /// The number of records in a batch; `None` if batches have an interval.
    size: Option<usize>,
}

struct State {
    feed: Feed,
    waiting: VecDeque<Record>,
    /// The memory that they take.
    bytes: usize,
    /// How many of the next records to skip, since an earlier run has processed them.
    to_skip: u64,
    ended: bool,
    /// The error that ended the input, if any.
    failure: Option<Error>,
    /// What stopped the stream before the input ended.
    interrupt: Option<Interrupt>,
    /// Whether a batch of an earlier run did not get all its records.
    cut_short: bool,
}

impl State {
    /// Takes a message of the feed; `None` means that the feed has ended.
    fn take(&mut self, message: Option<Message>) {
        match message {
            Some(Message::Records(records)) => {
                let skipped = self.to_skip.min(records.len() as u64);
                self.to_skip -= skipped;
                let records = records.into_iter().skip(skipped as usize);
                self.waiting.extend(records.inspect(|record| {
                    self.bytes += record.memory();
                }));
            }
            Some(Message::End(Err(error))) => {
                self.failure = Some(error);
                self.waiting.clear();
                self.bytes = 0;
                self.ended = true;
            }
            Some(Message::Stop(interrupt)) => {
                self.interrupt = Some(interrupt);
                self.ended = true;
            }
            Some(Message::End(Ok(()))) | None => self.ended = true,
        }
    }

    /// Waits for `count` records, or for the end of the input.
    fn fill(&mut self, count: usize) {
        while self.waiting.len() < count && !self.ended {
            let message = self.feed.next();
            self.take(message);
        }
    }

    /// Takes what has arrived.
    fn gather(&mut self) {
        while self.bytes < INTERVAL_BYTES && !self.ended {
            match self.feed.next_if_there() {
                Some(message) => self.take(message),
                None => return,
            }
        }
    }
}

impl LineSource {
    pub(crate) fn new(feed: Feed, size: Option<usize>) -> Self {
        let state = State {
            feed,
            waiting: VecDeque::new(),
            bytes: 0,
            to_skip: 0,
            ended: false,
            failure: None,
            interrupt: None,
            cut_short: false,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            size,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the records of a batch; `false` if the input has ended.
    pub(crate) fn wait_for_batch(&self) -> bool {
        let mut state = self.lock();
        state.fill(self.size.unwrap_or(1));
        !state.waiting.is_empty()
    }

    /// What stopped the stream before the input ended, if anything did, given how the stream ended.
    ///
    /// # Errors
    ///
    /// The error that ended the input, or else that of the stream, unless an interrupt has caused it.
    pub(crate) fn outcome(&self, ended: Result<(), Error>) -> Result<Option<Interrupt>, Error> {
        let mut state = self.lock();
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        match ended {
            Err(error) if !(state.cut_short && state.interrupt.is_some()) => Err(error),
            _ => Ok(state.interrupt),
        }
    }
}

impl Source for LineSource {
    type Item = Record;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn seek(&mut self, to: &[u64]) -> Result<(), BoxError> {
        self.lock().to_skip = to.first().copied().unwrap_or(0);
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
        let count = usize::try_from(range.end.saturating_sub(range.start))?;
        let mut state = self.lock();
        // An earlier run may have planned the batch.
        state.fill(count);
        if state.waiting.len() < count {
            state.cut_short = true;
            return Err("the input is shorter than it was".into());
        }
        let records: Vec<Record> = state.waiting.drain(..count).collect();
        state.bytes -= records.iter().map(Record::memory).sum::<usize>();
        Ok(records)
    }

    fn is_finished(&self, _at: &[u64]) -> bool {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            state.gather();
        }
        state.ended && state.waiting.is_empty()
    }
}
