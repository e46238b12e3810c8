//! Reads records on another thread, until the input ends or the stream is asked to stop.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::args::StreamArgs;
use crate::command::stream::record::{Record, RecordReader};
use crate::command::stream::signal::on_interrupt;
use crate::error::{Error, Interrupt};

/// About how many bytes of memory the records take that are read ahead. Their number would be no
/// limit, and nor would the bytes of text: a record of a short line takes fifty times its text.
const AHEAD_BYTES: usize = 16 << 20;

/// A message from the thread that reads, or of a signal.
pub(crate) enum Message {
    Records(Vec<Record>),
    /// The input has ended, perhaps with an error.
    End(Result<(), Error>),
    /// The stream is to stop.
    Stop(Interrupt),
}

/// The input as it arrives.
pub(crate) struct Feed(Arc<Queue>);

impl Feed {
    /// Starts to read, and to handle Ctrl-C and SIGTERM: the first signal ends the feed, so that what
    /// was read is processed and shown; the second one ends the program.
    ///
    /// # Errors
    ///
    /// If signals cannot be handled.
    pub(crate) fn start(args: &StreamArgs) -> Result<Self, Error> {
        let queue = Arc::new(Queue::default());
        let stopped = Arc::clone(&queue);
        on_interrupt(move |interrupt| {
            if !stopped.stop(interrupt) {
                process::exit(interrupt.exit_code().into());
            }
        })?;
        let reader = RecordReader::new(args);
        let filled = Arc::clone(&queue);
        // This thread is not joined: it may wait for a line that never comes.
        thread::spawn(move || {
            let read = catch_unwind(AssertUnwindSafe(|| {
                reader.read(|records| filled.push(records))
            }));
            // The stream must not wait for a reader that is gone.
            let panicked = || {
                Err(Error::stream(
                    "the thread that reads the input has panicked",
                ))
            };
            filled.end(read.unwrap_or_else(|_| panicked()));
        });
        Ok(Self(queue))
    }

    /// Waits for the next message; `None` after the end.
    pub(crate) fn next(&self) -> Option<Message> {
        let mut waiting = self.0.lock();
        loop {
            match waiting.take() {
                Next::Nothing => {
                    let woken = self.0.changed.wait(waiting);
                    waiting = woken.unwrap_or_else(PoisonError::into_inner);
                }
                next => return self.taken(next),
            }
        }
    }

    /// The next message, if one has arrived; after the end, `Some(None)`.
    pub(crate) fn next_if_there(&self) -> Option<Option<Message>> {
        let next = self.0.lock().take();
        match next {
            Next::Nothing => None,
            next => Some(self.taken(next)),
        }
    }

    fn taken(&self, next: Next) -> Option<Message> {
        self.0.changed.notify_all();
        match next {
            Next::Message(message) => Some(message),
            Next::Nothing | Next::Over => None,
        }
    }
}

/// What waits between the thread that reads and the stream.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<Vec<Record>>,
    /// The memory that they take.
    bytes: usize,
    /// There was no room, and half of it is not free yet. If each record that is taken let another one
    /// in, the two threads would allocate and free in turn, which takes twice the time.
    is_full: bool,
    /// How the input has ended, until that was taken.
    end: Option<Result<(), Error>>,
    stop: Option<Interrupt>,
    /// The end or the stop was taken.
    is_over: bool,
}

enum Next {
    Message(Message),
    Nothing,
    Over,
}

impl Waiting {
    fn take(&mut self) -> Next {
        if self.is_over {
            return Next::Over;
        }
        if let Some(records) = self.records.pop_front() {
            self.bytes -= memory_of(&records);
            self.is_full &= self.bytes > AHEAD_BYTES / 2;
            return Next::Message(Message::Records(records));
        }
        let last = match (self.end.take(), self.stop) {
            (Some(end), _) => Message::End(end),
            (None, Some(interrupt)) => Message::Stop(interrupt),
            (None, None) => return Next::Nothing,
        };
        self.is_over = true;
        Next::Message(last)
    }
}

fn memory_of(records: &[Record]) -> usize {
    records.iter().map(Record::memory).sum()
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records as soon as there is room for them.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] after a stop.
    fn push(&self, records: Vec<Record>) -> Result<(), Error> {
        let is_full = |waiting: &mut Waiting| waiting.is_full && waiting.stop.is_none();
        let waited = self.changed.wait_while(self.lock(), is_full);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner);
        if waiting.stop.is_some() {
            return Err(Error::Closed);
        }
        waiting.bytes += memory_of(&records);
        waiting.is_full = waiting.bytes >= AHEAD_BYTES;
        waiting.records.push_back(records);
        drop(waiting);
        self.changed.notify_all();
        Ok(())
    }

    fn end(&self, read: Result<(), Error>) {
        let mut waiting = self.lock();
        if waiting.stop.is_none() {
            waiting.end = Some(read);
        }
        drop(waiting);
        self.changed.notify_all();
    }

    /// Asks for a stop; `false` if that was asked before.
    fn stop(&self, interrupt: Interrupt) -> bool {
        let first = self.lock().stop.replace(interrupt).is_none();
        self.changed.notify_all();
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::stream::record::record_of;

    fn feed() -> Feed {
        Feed(Arc::new(Queue::default()))
    }

    #[test]
    fn no_more_is_read_ahead_than_there_is_room_for() {
        let feed = feed();
        let queue = Arc::clone(&feed.0);
        let reader = thread::spawn(move || {
            for _ in 0..200_000 {
                queue
                    .push(vec![record_of(b"a"), record_of(b"")])
                    .expect("nobody stops it");
            }
            queue.end(Ok(()));
        });
        let (mut records, mut most) = (0, 0);
        while let Some(Message::Records(read)) = feed.next() {
            records += read.len();
            most = most.max(feed.0.lock().bytes);
        }
        reader.join().expect("it ends");
        assert_eq!(records, 400_000);
        assert!(most <= AHEAD_BYTES + 2 * record_of(b"a").memory(), "{most}");
        assert!(feed.next().is_none());
    }

    #[test]
    fn after_a_stop_what_was_read_is_still_there_and_no_more_is_taken() {
        let feed = feed();
        feed.0.push(vec![record_of(b"a")]).expect("nobody stops it");
        assert!(feed.0.stop(Interrupt::System));
        assert!(!feed.0.stop(Interrupt::User), "it is the second one");
        assert!(feed.0.push(vec![record_of(b"b")]).is_err());
        feed.0.end(Err(Error::Closed));
        assert!(matches!(feed.next(), Some(Message::Records(read)) if read.len() == 1));
        assert!(matches!(feed.next_if_there(), Some(Some(Message::Stop(_)))));
        assert!(matches!(feed.next_if_there(), Some(None)));
    }
}
